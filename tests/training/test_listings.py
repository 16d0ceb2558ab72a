"""A training lists each folder of its data once: on a network drive a listing takes seconds."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from humanseg.io.names import SPLITS
from humanseg.runs import RunFolder

_watched: list[list[Path]] = []


def _note(event: str, arguments: tuple[Any, ...]) -> None:
    if _watched and event in ("os.listdir", "os.scandir"):
        path = arguments[0]
        if isinstance(path, str | os.PathLike):
            _watched[-1].append(Path(path))


@contextmanager
def listings() -> Iterator[list[Path]]:
    """Collect the folders that this process lists, by whatever function."""
    if not hasattr(sys, "_humanseg_listings"):
        # It cannot be removed, so that it is added once.
        sys.addaudithook(_note)
        sys._humanseg_listings = True  # type: ignore[attr-defined]
    _watched.append([])
    try:
        yield _watched[-1]
    finally:
        _watched.pop()


def test_a_training_lists_each_folder_of_its_data_once(
    sample_root: Path, tmp_path: Path, train_run: Callable[..., RunFolder]
) -> None:
    with listings() as listed:
        train_run(tmp_path / "run")
    found = [path.relative_to(sample_root).name for path in listed if sample_root in path.parents]
    masks = [f"{split}_mask" for split in SPLITS if split != "test"]
    assert sorted(found) == sorted([*SPLITS, *masks])


def test_so_does_one_of_a_fold_with_unlabelled_photos(sample_root: Path) -> None:
    from humanseg.data.splits import DatasetSplits

    splits = DatasetSplits(sample_root, unlabelled=sample_root / "valid", fold=0, folds=3)
    with listings() as listed:
        splits.check()
        splits.concerns()
        for name in (*splits.train_names, "valid", "test"):
            splits.split(name)
            splits.items(name)
    assert len(listed) == len(set(listed)) == 4
