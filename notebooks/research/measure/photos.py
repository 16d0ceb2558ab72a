"""A data set in numbers: its photos, its masks, and which photos are one picture."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from humanseg.data.checks.before_training import map_in_order, read_item
from humanseg.data.checks.duplicates import PhotoHash, find_duplicates, hash_photo
from humanseg.data.layout.folders import Item, has_masks, list_items, scan_unlabelled
from humanseg.errors import HumansegError
from humanseg.io.images import read_mask, read_photo
from humanseg.io.names import SPLITS
from humanseg.io.tables import write_table
from humanseg.metrics.scores import boundary_dice, dice
from research.measure.masks import MaskFacts, mask_facts, perturbed_dice

UNLABELLED = "unlabelled"
"""What the photos without masks are called beside the splits."""

_CELLS = (32, 24)  # of the heat map
_HABIT = 0.4  # where the mean mask is above this share of the train masks, somebody usually is


@dataclass(frozen=True, eq=False)
class _Seen:
    """What is kept of one photo: about 80 kB where it has a mask."""

    split: str
    id: str
    photo: Path
    size: tuple[int, int]
    print: PhotoHash
    mask: NDArray[np.uint8] | None


def measure_data(
    root: Path,
    unlabelled: Path | None,
    out: Path,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> None:
    """Measure a data set and write what the report needs to know of it.

    Parameters
    ----------
    root
        The data folder.
    unlabelled
        A folder of photos without masks, or None.
    out
        Where `sizes.csv` (photos by split and size), `masks.csv` (a row per mask), `heat.csv` (the
        mean train mask, coarse), `copies.csv` (photos that are one picture) and `perturbed.csv`
        (Dice of slightly wrong valid masks) go. Nothing in them is a picture of a person.
    on_progress
        Called with the number of photos that were read, and of all.

    Raises
    ------
    HumansegError
        A photo or mask cannot be used, or a file cannot be written.
    """
    work = [(split, item) for split in SPLITS for item in list_items(root, split, has_masks(split))]
    if unlabelled is not None:
        work += [(UNLABELLED, item) for item in scan_unlabelled(unlabelled).items]
    seen: list[_Seen] = []
    for one in map_in_order(_see, work):
        seen.append(one)
        on_progress(len(seen), len(work))
    _write_sizes(out / "sizes.csv", seen)
    _write_masks(out / "masks.csv", seen)
    mean = np.asarray(np.mean(_masks(seen, "train"), axis=0, dtype=np.float64))
    heat = cv2.resize(mean, _CELLS[::-1], interpolation=cv2.INTER_AREA)
    names = [f"column{at}" for at in range(_CELLS[1])]
    write_table(out / "heat.csv", pd.DataFrame(heat.round(4), columns=names))
    _write_copies(out / "copies.csv", seen)
    _write_perturbed(out / "perturbed.csv", seen, np.asarray(mean > _HABIT, np.uint8))


def measure_annotators(root: Path, second: Path, out: Path) -> None:
    """Compare the task's masks with another annotator's, and write `second_annotation.csv`.

    Parameters
    ----------
    root
        The data folder.
    second
        A folder of masks for each split, `train/17.png`; most photos have none there.
    out
        The record's folder.

    Raises
    ------
    HumansegError
        A mask cannot be read.
    """
    rows = []
    for split in SPLITS:
        items = list_items(root, split, has_masks(split)) if (second / split).is_dir() else []
        for item in items:
            path = second / split / f"{item.id}.png"
            if item.mask is not None and path.is_file():
                ours, theirs = read_mask(item.mask), read_mask(path)
                scores = dice(theirs, ours), boundary_dice(theirs, ours)
                rows.append((split, item.id, *map(_short, scores)))
    header = ["split", "id", "dice", "boundary_dice"]
    write_table(out / "second_annotation.csv", pd.DataFrame(rows, columns=header), missing="nan")


def _see(work: tuple[str, Item]) -> _Seen:
    split, item = work
    _, photo, mask, problems, _ = read_item(item)
    if problems or photo is None:
        raise HumansegError(f"{problems[0].message}; humanseg check says more.")
    height, width = photo.shape[:2]
    return _Seen(split, item.id, item.photo, (height, width), hash_photo(photo), mask)


def _masks(seen: Sequence[_Seen], split: str) -> list[NDArray[np.uint8]]:
    masks = [one.mask for one in seen if one.split == split and one.mask is not None]
    sizes = {mask.shape for mask in masks}
    if len(sizes) != 1:
        raise HumansegError(f"The {split} masks have {len(sizes)} sizes: a mean mask needs one.")
    return masks


def _write_sizes(path: Path, seen: Sequence[_Seen]) -> None:
    counted = Counter((one.split, *one.size) for one in seen)
    rows = [(*key, count) for key, count in counted.items()]
    write_table(path, pd.DataFrame(rows, columns=["split", "rows", "columns", "photos"]))


def _write_masks(path: Path, seen: Sequence[_Seen]) -> None:
    header = ["split", "id", *(field.name for field in fields(MaskFacts))]
    rows = [
        (one.split, one.id, *map(_short, astuple(mask_facts(one.mask))))
        for one in seen
        if one.mask is not None
    ]
    write_table(path, pd.DataFrame(rows, columns=header))


def _write_copies(path: Path, seen: Sequence[_Seen]) -> None:
    groups = find_duplicates([one.print for one in seen], lambda at: read_photo(seen[at].photo))
    # Not the ids: that of a photo without mask is its folder and its file.
    rows = [
        (
            " ".join(seen[at].split for at in group.members),
            " ".join(seen[at].photo.stem for at in group.members),
            int(group.identical),
        )
        for group in groups
    ]
    write_table(path, pd.DataFrame(rows, columns=["splits", "ids", "identical"]))


def _write_perturbed(path: Path, seen: Sequence[_Seen], habit: NDArray[np.uint8]) -> None:
    rows: list[dict[str, Any]] = []
    for one in seen:
        if one.split == "valid" and one.mask is not None:
            usual = dice(habit, one.mask)
            rows.append({"id": one.id, **perturbed_dice(one.mask), "mean_mask": usual})
    write_table(path, pd.DataFrame(rows).map(_short))


def _short(value: Any) -> Any:
    return round(value, 6) if isinstance(value, float) else value
