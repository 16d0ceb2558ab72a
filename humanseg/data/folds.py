"""Folds of `train`, so that experiments need not be selected on `valid`."""

import hashlib
from collections.abc import Iterable

from humanseg.errors import HumansegError


def require_fold(fold: int | None, folds: int) -> None:
    """Raise a HumansegError where there is no such fold."""
    if fold is not None and not 0 <= fold < folds:
        raise HumansegError(
            f"data.fold={fold} does not exist: give 0 to {folds - 1}.", code="data.no_fold"
        )


def fold_ids(ids: Iterable[str], fold: int, folds: int) -> list[str]:
    """Choose the ids of one fold by their hash; the folds differ in size by at most one."""
    shuffled = sorted(ids, key=lambda id: hashlib.sha256(id.encode()).digest())
    if len(shuffled) < folds:
        raise HumansegError(
            f"data.folds={folds} is more than the {len(shuffled)} train photos: give fewer.",
            code="data.too_many_folds",
        )
    return shuffled[fold::folds]
