"""What the task fixes: folder names, run-length encoding, the score and the submission file.

Only numpy is used here, so that whatever uses a model can agree with whatever trained it.
"""

import csv
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from humanseg.errors import HumansegError, Refused
from humanseg.files import whole_file

SPLITS = ("train", "valid", "test")
"""The folders that hold photos."""

TEMPLATE_NAME = "pred_valid_template.csv"
"""The file in the data folder that says which ids a submission has, and in which order."""

HEADER = ("id", "rle_mask")
"""The columns of a submission."""

EPSILON = 1e-10
"""What the task adds to the denominator of Dice, so that two empty masks score 0."""

# Above this many digits a number is past the end of any mask.
_MOST_DIGITS = 18


class RleError(ValueError):
    """A text is not the run-length encoding of a mask; the message says why."""


def mask_folder(split: str) -> str:
    """Return the name of the folder that holds the masks of `split`."""
    return f"{split}_mask"


def natural_key(id: str) -> tuple[tuple[tuple[int, int, str], ...], str]:
    """Return the key that sorts ids as a person does: "2" before "10", "a9" before "a10".

    Parameters
    ----------
    id
        Any text.

    Returns
    -------
    tuple
        Compares with the key of any other text; equal only for equal texts ("7" and "07"
        differ). Only the digits 0 to 9 count as numbers.
    """
    parts: list[tuple[int, int, str]] = []
    for text in re.findall(r"[0-9]+|[^0-9]+", id):
        if text[0] in "0123456789":
            # Numbers compare by length, then as text: int() refuses very long ones.
            digits = text.lstrip("0")
            parts.append((0, len(digits), digits))
        else:
            parts.append((1, 0, text))
    return tuple(parts), id


def encode_rle(mask: ArrayLike) -> str:
    """Encode a mask as "start length" pairs.

    Parameters
    ----------
    mask : array_like, shape (H, W)
        Booleans, or numbers that are all 0 or 1.

    Returns
    -------
    str
        Starts count from 1, row by row from the top left. An empty mask gives the empty text,
        a full one "1 N" with N = H·W.

    Raises
    ------
    ValueError
        `mask` is not two-dimensional, or holds another value than 0 and 1.
    """
    flat = _as_bool(mask).ravel()
    padded = np.zeros(flat.size + 2, bool)
    padded[1:-1] = flat
    # Positions where the value changes, starts and ends in turn.
    turns = np.flatnonzero(padded[1:] != padded[:-1]) + 1
    turns[1::2] -= turns[::2]
    return " ".join(map(str, turns.tolist()))


def decode_rle(rle: str, shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Decode "start length" pairs to a mask.

    Parameters
    ----------
    rle
        As `encode_rle` writes it; any white space separates numbers.
    shape
        (H, W) of the mask.

    Returns
    -------
    numpy.ndarray of bool, shape (H, W)

    Raises
    ------
    RleError
        A word is not a whole number, a length is missing, a start or length is below 1, runs
        overlap or do not ascend, or a run goes past the end. Runs that touch are allowed.
    """
    numbers = [_whole_number(word) for word in rle.split()]
    if len(numbers) % 2:
        raise RleError(f"{len(numbers)} numbers are not pairs: the last start has no length")
    height, width = shape
    mask = np.zeros(height * width, bool)
    end = 0
    for start, length in zip(numbers[::2], numbers[1::2], strict=True):
        if start < 1:
            raise RleError(f"the start {start} is below 1: starts count from 1")
        if length < 1:
            raise RleError(f"the run at {start} has length {length}: it must be 1 or more")
        if start <= end:
            raise RleError(
                f"the run at {start} starts before the end of the one before it, at {end}: "
                "starts must ascend and runs must not overlap"
            )
        end = start + length - 1
        if end > mask.size:
            raise RleError(
                f"the run at {start} ends at {end}, past the end of the mask, which has "
                f"{height}×{width} = {mask.size} pixels"
            )
        mask[start - 1 : end] = True
    return mask.reshape(shape)


def dice(prediction: ArrayLike, truth: ArrayLike) -> float:
    """Return the task's score of one photo, ``2·|A∩B| / (|A| + |B| + 1e-10)``.

    The task's score of a submission is the mean of this over photos. The coefficient is that of
    L. R. Dice, Measures of the Amount of Ecologic Association Between Species, Ecology 26
    (1945), p. 298.

    Parameters
    ----------
    prediction, truth : array_like, shape (H, W)
        Booleans, or numbers that are all 0 or 1.

    Returns
    -------
    float
        In [0, 1]; 0 where both masks are empty.

    Raises
    ------
    ValueError
        The shapes differ, or a value is neither 0 nor 1.
    """
    first, second = _same_shape(prediction, truth)
    return _dice(first, second)


def iou(prediction: ArrayLike, truth: ArrayLike) -> float:
    """Return the intersection over union (Jaccard index) of two masks.

    Parameters
    ----------
    prediction, truth : array_like, shape (H, W)
        Booleans, or numbers that are all 0 or 1.

    Returns
    -------
    float
        ``|A∩B| / (|A∪B| + 1e-10)``, in [0, 1]; like `dice`, 0 where both masks are empty.

    Raises
    ------
    ValueError
        The shapes differ, or a value is neither 0 nor 1.
    """
    first, second = _same_shape(prediction, truth)
    return np.count_nonzero(first & second) / (np.count_nonzero(first | second) + EPSILON)


def boundary_band(truth: ArrayLike, radius: float = 3) -> NDArray[np.bool_]:
    """Return the pixels near the boundary of a mask, on both sides of it.

    The boundary is the line along the sides between neighbouring pixels that differ. The frame
    of the photo is no boundary: a person who is cut off by it has no outline there. A pixel
    belongs to the band when its centre lies within `radius` of that line, so that a straight
    boundary has a band `radius` pixels wide on each side.

    Parameters
    ----------
    truth : array_like, shape (H, W)
        Booleans, or numbers that are all 0 or 1.
    radius
        Euclidean distance in pixels.

    Returns
    -------
    numpy.ndarray of bool, shape (H, W)
        All False for an empty or full mask, which has no boundary.
    """
    inside = _as_bool(truth)
    # The distance from a centre to the line is the distance to the nearest pixel of the other
    # kind, taken as a square: its near side is half a pixel closer than its centre.
    return (_dilate(inside, radius) & ~inside) | (_dilate(~inside, radius) & inside)


def boundary_dice(prediction: ArrayLike, truth: ArrayLike, radius: float = 3) -> float:
    """Return Dice over the pixels within `radius` of the true boundary.

    Parameters
    ----------
    prediction, truth : array_like, shape (H, W)
        Booleans, or numbers that are all 0 or 1.
    radius
        Euclidean distance in pixels, see `boundary_band`.

    Returns
    -------
    float
        In [0, 1]. NaN where the truth is empty or full: there is no boundary to score, and any
        number would pull a mean up or down. A mean over photos skips it (`numpy.nanmean`).

    Raises
    ------
    ValueError
        The shapes differ, or a value is neither 0 nor 1.
    """
    first, second = _same_shape(prediction, truth)
    band = boundary_band(second, radius)
    return _dice(first[band], second[band]) if band.any() else float("nan")


def write_submission(
    path: Path, masks: Mapping[str, NDArray[np.generic]], order: Sequence[str]
) -> None:
    """Write a submission, whole or not at all.

    The file is read again and each mask decoded and compared before it is put in place.

    Parameters
    ----------
    path
        Where the CSV shall be.
    masks
        For each id its predicted mask, shape (H, W), values 0 and 1. Ids that are not in
        `order` are left out.
    order
        The ids to write, in this order.

    Raises
    ------
    HumansegError
        An id of `order` has no mask or comes twice, or the file cannot be written.
    Refused
        What was read again differs from what was to be written.
    """
    repeated = sorted((id for id, n in Counter(order).items() if n > 1), key=natural_key)
    if repeated:
        raise HumansegError(
            f"Cannot write {path}: {_some(repeated)} would come more than once; each id may "
            f"come once, so take the repeated rows out of {TEMPLATE_NAME}."
        )
    # Some disks hand out "é" as two characters where a template has one.
    names = {id: id if id in masks else unicodedata.normalize("NFC", id) for id in order}
    missing = [id for id in order if names[id] not in masks]
    if missing:
        raise HumansegError(
            f"Cannot write {path}: there is no predicted mask for {_some(missing)}. "
            f"{TEMPLATE_NAME} must name photos of this data set's valid folder."
        )
    wanted = [(id, _as_bool(masks[names[id]])) for id in order]
    with whole_file(path) as partial:
        with partial.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(HEADER)
            writer.writerows((id, encode_rle(mask)) for id, mask in wanted)
        _compare(partial, path, wanted)


def template_ids(root: Path) -> list[str] | None:
    """Return the ids of the data set's template, in its order.

    Parameters
    ----------
    root
        The data folder.

    Returns
    -------
    list of str or None
        None where the data set has no template.

    Raises
    ------
    HumansegError
        The template cannot be read, has no column "id", no rows, or an id twice.
    """
    path = root / TEMPLATE_NAME
    if not path.exists():
        return None
    try:
        with long_fields(), path.open(newline="", encoding="utf-8-sig") as file:
            rows = [row for row in csv.reader(file) if row]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise HumansegError(f"Cannot read the template {path}: {error}.") from error
    if not rows or HEADER[0] not in rows[0]:
        raise HumansegError(
            f'The template {path} has no column "{HEADER[0]}": its first line must be '
            f"{','.join(HEADER)}. Repair it, or take it away to have the ids sorted naturally."
        )
    column = rows[0].index(HEADER[0])
    ids = [row[column] if column < len(row) else "" for row in rows[1:]]
    repeated = [id for id, n in Counter(ids).items() if n > 1]
    if repeated or not ids or "" in ids:
        what = f"has {_some(repeated)} more than once" if repeated else "has rows without an id"
        what = what if ids else "has no rows"
        raise HumansegError(
            f"The template {path} {what}: each id must come once. Repair it, or take it away to "
            "have the ids sorted naturally."
        )
    return ids


@contextmanager
def long_fields() -> Iterator[None]:
    """Let the csv module read fields of any length: the mask of a large photo is long."""
    before = csv.field_size_limit(2**31 - 1)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _whole_number(word: str) -> int:
    if not re.fullmatch(r"-?[0-9]+", word):
        shown = word if len(word) <= 20 else word[:20] + "…"
        raise RleError(f'"{shown}" is not a whole number')
    if len(word) > _MOST_DIGITS:
        raise RleError(f"the number {word[:10]}… has {len(word)} digits, past the end of any mask")
    return int(word)


def _as_bool(mask: ArrayLike) -> NDArray[np.bool_]:
    array = np.asarray(mask)
    if array.ndim != 2:
        raise ValueError(f"a mask has shape (H, W), not {array.shape}")
    if array.dtype == bool:
        return array
    result = array == 1
    if not np.all(result | (array == 0)):
        raise ValueError("a mask holds only 0 and 1 (or False and True)")
    return result


def _same_shape(
    prediction: ArrayLike, truth: ArrayLike
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    first, second = _as_bool(prediction), _as_bool(truth)
    if first.shape != second.shape:
        raise ValueError(f"the prediction has shape {first.shape}, the truth {second.shape}")
    return first, second


def _dice(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> float:
    both = np.count_nonzero(first & second)
    return 2 * both / (np.count_nonzero(first) + np.count_nonzero(second) + EPSILON)


def _dilate(mask: NDArray[np.bool_], radius: float) -> NDArray[np.bool_]:
    """Return the pixels whose centre lies within `radius` of a pixel of `mask`, as a square."""
    height, width = mask.shape
    rows_reached = int(radius + 0.5)
    result = np.zeros_like(mask)
    wide = mask.copy()
    reached = 0
    # From the farthest row inwards the reach along the row only grows, so `wide` grows with it.
    for dy in range(min(rows_reached, height), -1, -1):
        reach = int((radius**2 - max(dy - 0.5, 0.0) ** 2) ** 0.5 + 0.5)
        for dx in range(reached + 1, min(reach, width - 1) + 1):
            wide[:, dx:] |= mask[:, :-dx]
            wide[:, :-dx] |= mask[:, dx:]
        reached = max(reached, reach)
        result[dy:] |= wide[: height - dy]
        result[: height - dy] |= wide[dy:]
    return result


def _compare(written: Path, path: Path, wanted: Sequence[tuple[str, NDArray[np.bool_]]]) -> None:
    with long_fields(), written.open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    same = rows[:1] == [list(HEADER)] and [row[0] for row in rows[1:]] == [id for id, _ in wanted]
    if not same or not all(
        np.array_equal(decode_rle(row[1], mask.shape), mask)
        for row, (_, mask) in zip(rows[1:], wanted, strict=True)
    ):
        raise Refused(
            f"{path} was not written: what was read again from the disk differs from the "
            "predicted masks. Check the disk and run the command again."
        )


def _some(ids: Sequence[str]) -> str:
    shown = ", ".join(ids[:5])
    return shown if len(ids) <= 5 else f"{shown} and {len(ids) - 5} more"
