"""Options of the data whose type is right and whose value may be impossible."""

from collections.abc import Iterator, Sequence

import torch

SMALLEST = {"batch_size": 1, "long_side": 1, "folds": 2, "workers": 0, "clean_specks": 0}
"""The smallest value of options that count something."""


def too_small(**options: int | None) -> Iterator[str]:
    """Name every option that is below its smallest value."""
    for name, value in options.items():
        if value is not None and value < SMALLEST[name]:
            yield f"data.{name}={value} is too small: give {SMALLEST[name]} or more."


def wrong_size(size: Sequence[int] | None) -> Iterator[str]:
    """Say where a size is not height and width."""
    if size is not None and (len(size) != 2 or min(size) < 1):
        yield f"data.size={list(size)} is no size: give [height, width]."


def wrong_fold(fold: int | None, folds: int) -> Iterator[str]:
    """Say where there is no such fold."""
    if fold is not None and folds > 1 and not 0 <= fold < folds:
        yield f"data.fold={fold} does not exist: give 0 to {folds - 1}."


def wrong_share(**options: float) -> Iterator[str]:
    """Name every option that is no share of a whole."""
    for name, value in options.items():
        if not 0 <= value <= 1:
            yield f"data.{name}={value} is no share: give 0 to 1."


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
