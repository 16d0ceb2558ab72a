"""Recognising masks that were encoded at another size, or column by column."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from humanseg.io.rle import RleError, decode_rle
from humanseg.metrics.scores import dice

_SIDES = (64, 96, 112, 128, 160, 192, 224, 240, 256, 288, 299, 300, 320, 384, 448, 480, 512, 640)
"""Sides of the squares that photos are commonly brought to for a net."""
SUSPICIOUS = 0.7
"""A mask that scores this or more is taken as it is."""
_GOOD = 0.85
_GAIN = 0.25
_LEAST_REACH = 0.4
"""People stand on the ground: in few photos does the last run lie higher up than this."""
_MOST_WORDS = 20_000
"""An encoding of more words is noise in any layout."""


def better_layouts(rle: str, truth: NDArray[np.bool_], score: float) -> Iterator[str]:
    """Yield the ways of reading an encoding that would fit the truth much better, in words.

    In each, such as "masks of 224×224", Dice would be at least 0.85 and 0.25 more than `score`.
    """
    last = rle.split()[-2:]
    if score >= SUSPICIOUS or len(last) < 2 or not all(word.isdecimal() for word in last):
        return
    if rle.count(" ") > _MOST_WORDS or any(len(word) > 9 for word in last):
        return
    end = sum(map(int, last)) - 1
    height, width = truth.shape
    shapes = {(side, side) for side in _SIDES} | {(width, height)}
    for shape in sorted(shapes - {(height, width)}):
        if not _LEAST_REACH * shape[0] * shape[1] <= end <= shape[0] * shape[1]:
            continue
        mask = _read(rle, shape)
        if mask is not None and _fits(_resize(mask, (height, width)), truth, score):
            yield f"masks of {shape[0]}×{shape[1]}"
    mask = _read(rle, (width, height))
    if mask is not None and _fits(mask.T, truth, score):
        yield "masks encoded column by column"


def _read(rle: str, shape: tuple[int, int]) -> NDArray[np.bool_] | None:
    try:
        return decode_rle(rle, shape)
    except RleError:
        return None


def _fits(mask: NDArray[np.bool_], truth: NDArray[np.bool_], score: float) -> bool:
    fit = dice(mask, truth)
    return fit >= _GOOD and fit >= score + _GAIN


def _resize(mask: NDArray[np.bool_], shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Return for each pixel the nearest one of `mask`."""
    rows, columns = (
        ((np.arange(wanted) + 0.5) * had / wanted).astype(int)
        for wanted, had in zip(shape, mask.shape, strict=True)
    )
    return mask[rows[:, None], columns]
