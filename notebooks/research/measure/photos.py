"""Statistics of a data set: its photos, its masks and its duplicates."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from humanseg.data.checks.before_training import read_item
from humanseg.data.checks.duplicates import PhotoHash, find_duplicates, hash_photo
from humanseg.data.layout.folders import Item, has_masks, list_items, scan_unlabelled
from humanseg.errors import HumansegError
from humanseg.io.images import read_mask, read_photo
from humanseg.io.names import SPLITS
from humanseg.io.tables import write_table
from humanseg.metrics.scores import boundary_dice, dice
from humanseg.system.threads import map_in_order
from research.measure.light import LightStats, light_stats
from research.measure.masks import MaskStats, mask_stats, perturbed_dice

UNLABELLED = "unlabelled"
"""What the photos without masks are called beside the splits."""

_CELLS = (32, 24)  # of the heat map
_HABIT = 0.4  # where the mean mask is above this share of the train masks, somebody usually is


@dataclass(frozen=True, eq=False)
class _Loaded:
    """The data of one photo: about 80 kB where it has a mask."""

    split: str
    id: str
    photo: Path
    size: tuple[int, int]
    print: PhotoHash
    light: LightStats
    mask: NDArray[np.uint8] | None


def measure_data(
    root: Path,
    unlabelled: Path | None,
    out: Path,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> None:
    """Measure a data set and write the tables that the report needs.

    Parameters
    ----------
    root
        The data folder.
    unlabelled
        A folder of unlabelled photos, or None.
    out
        Where `sizes.csv` (photos by split and size), `light.csv` (a row per photo), `masks.csv` (a
        row per mask), `heat.csv` (the mean train mask, coarse), `copies.csv` (duplicate photos) and
        `perturbed.csv` (Dice of perturbed valid masks) go. Nothing in them is a picture of a
        person.
    on_progress
        Called with the number of photos that were read, and of all.

    Raises
    ------
    HumansegError
        A photo or mask cannot be used, or a file cannot be written.
    """
    jobs = [(split, item) for split in SPLITS for item in list_items(root, split, has_masks(split))]
    if unlabelled is not None:
        jobs += [(UNLABELLED, item) for item in scan_unlabelled(unlabelled).items]
    photos: list[_Loaded] = []
    for loaded in map_in_order(_load, jobs):
        photos.append(loaded)
        on_progress(len(photos), len(jobs))
    _write_sizes(out / "sizes.csv", photos)
    _write_light(out / "light.csv", photos)
    _write_masks(out / "masks.csv", photos)
    mean = np.asarray(np.mean(_masks(photos, "train"), axis=0, dtype=np.float64))
    heat = cv2.resize(mean, _CELLS[::-1], interpolation=cv2.INTER_AREA)
    names = [f"column{index}" for index in range(_CELLS[1])]
    write_table(out / "heat.csv", pd.DataFrame(heat.round(4), columns=names))
    _write_duplicates(out / "copies.csv", photos)
    _write_perturbed(out / "perturbed.csv", photos, np.asarray(mean > _HABIT, np.uint8))


def measure_annotators(root: Path, second: Path, out: Path) -> None:
    """Compare the task's masks with another annotator's, and write `second_annotation.csv`.

    Parameters
    ----------
    root
        The data folder.
    second
        A folder of masks for each split, `train/17.png`; photos may be missing.
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


def _load(job: tuple[str, Item]) -> _Loaded:
    split, item = job
    _, photo, mask, problems, _ = read_item(item)
    if problems or photo is None:
        raise HumansegError(f"{problems[0].message}; humanseg check says more.")
    height, width = photo.shape[:2]
    size, light = (height, width), light_stats(photo, mask)
    return _Loaded(split, item.id, item.photo, size, hash_photo(photo), light, mask)


def _masks(photos: Sequence[_Loaded], split: str) -> list[NDArray[np.uint8]]:
    masks = [one.mask for one in photos if one.split == split and one.mask is not None]
    sizes = {mask.shape for mask in masks}
    if len(sizes) != 1:
        raise HumansegError(f"The {split} masks have {len(sizes)} sizes: a mean mask needs one.")
    return masks


def _write_sizes(path: Path, photos: Sequence[_Loaded]) -> None:
    counted = Counter((one.split, *one.size) for one in photos)
    rows = [(*key, count) for key, count in counted.items()]
    write_table(path, pd.DataFrame(rows, columns=["split", "rows", "columns", "photos"]))


def _write_light(path: Path, photos: Sequence[_Loaded]) -> None:
    header = ["split", "id", *(field.name for field in fields(LightStats))]
    # Not the id: that of an unlabelled photo is its folder and its file name.
    rows = [
        (item.split, item.photo.stem, *(round(value, 4) for value in astuple(item.light)))
        for item in photos
    ]
    write_table(path, pd.DataFrame(rows, columns=header), missing="nan")


def _write_masks(path: Path, photos: Sequence[_Loaded]) -> None:
    header = ["split", "id", *(field.name for field in fields(MaskStats))]
    rows = [
        (one.split, one.id, *map(_short, astuple(mask_stats(one.mask))))
        for one in photos
        if one.mask is not None
    ]
    write_table(path, pd.DataFrame(rows, columns=header))


def _write_duplicates(path: Path, photos: Sequence[_Loaded]) -> None:
    groups = find_duplicates(
        [one.print for one in photos], lambda index: read_photo(photos[index].photo)
    )
    # Not the ids: the id of an unlabelled photo is its folder and its file name.
    rows = [
        (
            " ".join(photos[index].split for index in group.members),
            " ".join(photos[index].photo.stem for index in group.members),
            int(group.identical),
        )
        for group in groups
    ]
    write_table(path, pd.DataFrame(rows, columns=["splits", "ids", "identical"]))


def _write_perturbed(path: Path, photos: Sequence[_Loaded], habit: NDArray[np.uint8]) -> None:
    rows: list[dict[str, Any]] = []
    for one in photos:
        if one.split == "valid" and one.mask is not None:
            usual = dice(habit, one.mask)
            rows.append({"id": one.id, **perturbed_dice(one.mask), "mean_mask": usual})
    write_table(path, pd.DataFrame(rows).map(_short))


def _short(value: Any) -> Any:
    return round(value, 6) if isinstance(value, float) else value
