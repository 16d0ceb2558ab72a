"""Splitting `train`, so that experiments need not wear `valid` out."""

import hashlib
from collections.abc import Iterable

from humanseg.errors import HumansegError


def fold_ids(ids: Iterable[str], fold: int, folds: int) -> list[str]:
    """Choose the ids of one fold, by a hash of the id.

    Parameters
    ----------
    ids
        All ids, in any order.
    fold, folds
        Which part, of how many. The parts differ in size by at most one.

    Returns
    -------
    list of str
        The ids of this fold.

    Raises
    ------
    HumansegError
        There are fewer ids than folds.
    """
    shuffled = sorted(ids, key=lambda identity: hashlib.sha256(identity.encode()).digest())
    if len(shuffled) < folds:
        raise HumansegError(
            f"data.folds={folds} is more than the {len(shuffled)} train photos: give fewer."
        )
    return shuffled[fold::folds]
