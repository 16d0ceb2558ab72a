"""Writing drawn photos as a data set."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from humanseg.data.synthetic.camera import encode_jpeg, encode_png
from humanseg.data.synthetic.photo import draw_photo
from humanseg.errors import HumansegError
from humanseg.io.files import names_in, read_json, write_bytes, write_json
from humanseg.io.names import TEMPLATE_NAME, mask_folder
from humanseg.io.rle import encode_rle
from humanseg.io.tables import write_table

MARKER_NAME = "sample.json"
"""The file that says that a folder holds a sample, and which."""

_DRAWING = 1  # to be raised when the drawing changes


def _describe(seed: int, counts: tuple[int, int, int], size: tuple[int, int]) -> dict[str, Any]:
    train, valid, test = counts
    return {
        "made_by": "humanseg sample",
        "drawing": _DRAWING,
        "seed": seed,
        "train": train,
        "valid": valid,
        "test": test,
        "rows": size[0],
        "columns": size[1],
    }


def _plan(counts: tuple[int, int, int]) -> list[tuple[int, str]]:
    """Return (id, split) of every photo: ids count on from train to valid to test."""
    splits = np.repeat(["train", "valid", "test"], counts)
    return [(number, str(split)) for number, split in enumerate(splits)]


def _names(counts: tuple[int, int, int]) -> set[str]:
    """Return the path, within the data set, of every file of a sample but its marker."""
    names = {TEMPLATE_NAME}
    for number, split in _plan(counts):
        names.add(f"{split}/{number}.jpg")
        if split != "test":
            names.add(f"{mask_folder(split)}/{number}.png")
    return names


def _read_marker(root: Path) -> dict[str, Any] | None:
    marker = read_json(root / MARKER_NAME)
    fields = _describe(0, (0, 0, 0), (0, 0))
    if marker.get("made_by") != fields["made_by"]:
        return None
    numbers = [marker.get(name) for name in fields if name != "made_by"]
    return marker if all(type(number) is int and number >= 0 for number in numbers) else None


def holds_sample(
    root: Path,
    seed: int = 0,
    train: int = 96,
    valid: int = 24,
    test: int = 12,
    size: tuple[int, int] = (320, 240),
) -> bool:
    """Return whether `root` already holds the whole sample of these settings."""
    counts = (train, valid, test)
    if _read_marker(root) != _describe(seed, counts, size):
        return False
    files = [root / name for name in _names(counts)]
    return all(file.is_file() and file.stat().st_size > 0 for file in files)


def write_sample(
    root: Path,
    seed: int = 0,
    train: int = 96,
    valid: int = 24,
    test: int = 12,
    size: tuple[int, int] = (320, 240),
) -> None:
    """Write the built-in data set: people drawn by code, in the layout of real data.

    The bytes follow from the arguments alone. A sample that is there already is written again;
    where it had other settings, its files that are no longer wanted are removed.

    Parameters
    ----------
    root
        The folder; made when missing.
    seed
        Which sample, at least 0.
    train, valid, test
        Numbers of photos, each at least 1.
    size
        Rows and columns, each at least 32.

    Raises
    ------
    HumansegError
        A number is out of range, `root` holds something else, or it cannot be written.
    """
    counts = (train, valid, test)
    if seed < 0 or min(counts) < 1 or min(size) < 32:
        raise HumansegError(
            f"Cannot draw a sample with seed {seed}, {train}/{valid}/{test} photos and "
            f"{size[0]}x{size[1]} pixels: the seed must be 0 or more, each split needs a photo, "
            "and rows and columns must be 32 or more.",
            code="data.impossible_sample",
        )
    _make_room(root, counts)
    write_json(root / MARKER_NAME, _describe(seed, counts, size))
    rows = []
    # An ellipse as the placeholder: a real mask here would give an answer away.
    y, x = np.ogrid[-1 : 1 : size[0] * 1j, -1 : 1 : size[1] * 1j]
    placeholder = encode_rle(x**2 + y**2 < 0.25)
    for number, split in _plan(counts):
        photo, mask, quality = draw_photo(seed, number, size)
        write_bytes(root / split / f"{number}.jpg", encode_jpeg(photo, quality))
        if split != "test":
            write_bytes(root / mask_folder(split) / f"{number}.png", encode_png(mask))
        if split == "valid":
            rows.append((number, placeholder))
    write_table(root / TEMPLATE_NAME, pd.DataFrame(rows, columns=["id", "rle_mask"]))


def _make_room(root: Path, counts: tuple[int, int, int]) -> None:
    """Remove what an earlier sample of other counts left; refuse any other content."""
    if root.exists() and not root.is_dir():
        raise HumansegError(
            f"Cannot write the sample to {root}: it is a file. Name a folder.",
            code="data.sample_folder_taken",
        )
    marker = _read_marker(root) if root.exists() else None
    if marker is not None:
        earlier = _names((marker["train"], marker["valid"], marker["test"]))
        for name in earlier - _names(counts):
            (root / name).unlink(missing_ok=True)
    elif root.exists() and names_in(root):
        raise HumansegError(
            f"Cannot write the sample to {root}: it holds other files, and they shall not be "
            "mixed with drawn photos. Name a new or empty folder, or empty this one first.",
            code="data.sample_folder_taken",
        )
