"""Options of the data that follow from each other, or from the machine."""

import torch

from humanseg.errors import HumansegError


def require_fold(fold: int | None, folds: int) -> None:
    """Raise a HumansegError where there is no such fold."""
    if fold is not None and not 0 <= fold < folds:
        raise HumansegError(f"data.fold={fold} does not exist: give 0 to {folds - 1}.")


def default_workers(gpu: bool) -> int:
    """Choose the worker processes that pay on this machine.

    Parameters
    ----------
    gpu
        Whether the training is on one.

    Returns
    -------
    int
        A GPU is fed by several. On a CPU of few cores, one that prepares the next batches
        costs less than the training's waiting for them.
    """
    cores = torch.get_num_threads()
    return min(8, cores - 1) if gpu else min(1, cores - 1)
