"""Binarising masks, and telling a mask from a picture by its values."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from humanseg.io.decoding.value_range import guess_value_range

# All distances below are in 255ths of the span between the lowest and the highest value.
_TIGHT = 11
"""Most pixels of a compressed mask lie this close to black or white."""
_TIGHT_SHARE = 0.85
_FLAT = 3.5
_FLAT_SHARE = 0.05
"""A value farther than this from both ends that covers much is a third class."""
_FEW = 8
_FEW_SHARE = 0.01
"""Compression leaves many values: one of few that covers more than this is a third class."""
_FEW_CLASSES = 12
"""An image with more values holds no classes."""
_LEAST_SPAN = 64
"""Three or more values within a smaller span are class numbers or a dim picture."""

_SAME_COLOUR = 16
"""Visible greys that differ by no more than this are one colour with compression noise."""


def binarize(levels: NDArray[np.integer]) -> NDArray[np.uint8] | None:
    """Return a mask, uint8 (H,W), of values that are two or nearly so; None for a picture.

    The higher value is 1. One value everywhere is empty where it is 0, and full where it is 1 or in
    the upper half of 8 (or 16) bits. More values are split half-way between the lowest and highest
    where nearly all pixels are close to these, as after compression or resizing.
    """
    low, high = int(levels.min()), int(levels.max())
    white = 255 if high <= 255 else 65535
    if low == high or low * 255 >= (255 - _TIGHT) * white:
        # One value everywhere, or white with noise.
        if low == high and low not in (0, 1) and 2 * low <= white:
            return None
        return np.full(levels.shape, low > 0, np.uint8)
    upper = (levels >= (low + high + 1) // 2).astype(np.uint8)
    if levels.dtype == np.uint8:
        # Much faster than sorting.
        counts = np.bincount(levels.ravel(), minlength=256)
        values = np.flatnonzero(counts)
        counts = counts[values]
    else:
        values, counts = np.unique(levels, return_counts=True)
    if values.size == 2:
        return upper
    position = (values - low) * (255 / (high - low))
    shares = counts / levels.size
    from_end = np.minimum(position, 255 - position)
    # An 8-bit label picture may hold 0, 1 and 255 for background, person and unsure.
    third_of_few = (values.size <= _FEW) & (shares > _FEW_SHARE)
    third_of_few &= (values != low) & (position < 255 - _FLAT)
    third = (from_end > _FLAT) & (shares > _FLAT_SHARE)
    if (high - low) * 255 < _LEAST_SPAN * white or third.any() or third_of_few.any():
        return None
    return upper if shares[from_end <= _TIGHT].sum() >= _TIGHT_SHARE else None


def mask_values(image: Image.Image) -> NDArray[np.integer]:
    """Return one integer for each pixel of a mask: brightness, or opacity if only that varies."""
    if image.mode == "1":
        return np.asarray(image).astype(np.uint8)
    if image.mode == "L" and not image.has_transparency_data:
        return np.asarray(image)
    if image.mode.startswith("I"):
        return np.asarray(image).astype(np.int64)
    if image.mode == "F":
        return _whole_numbers(np.asarray(image))
    if not image.has_transparency_data:
        grey = np.asarray(image.convert("RGB").convert("L"))
        # Where all colours of a palette are the same, the indices are meant.
        is_uniform = image.mode == "P" and grey.min() == grey.max()
        return np.asarray(image) if is_uniform else grey
    with_alpha = image.convert("RGBA")
    grey = np.asarray(with_alpha.convert("RGB").convert("L"))
    alpha = np.asarray(with_alpha.getchannel("A"))
    if alpha.min() == alpha.max():
        return grey
    visible = grey[alpha >= 128]
    if visible.size == 0 or int(visible.max()) - int(visible.min()) <= _SAME_COLOUR:
        return alpha
    return (grey.astype(np.int64) * alpha + 127) // 255


def _whole_numbers(fractions: NDArray[np.floating]) -> NDArray[np.integer]:
    """Return class numbers as they are, and probabilities as 0 to 255."""
    values = np.nan_to_num(fractions.astype(np.float64), posinf=0.0, neginf=0.0)
    if (values == np.rint(values)).all():
        return values.astype(np.int64)
    return guess_value_range(float(values.min()), float(values.max()), False, False).to_eight_bits(
        values
    )


def describe_values(levels: NDArray[np.integer]) -> str:
    """Return which values a picture has that is no mask."""
    values = np.unique(levels)
    if values.size == 1:
        return f"holds the one value {values[0]}, which says neither person nor background"
    return f"holds {values.size} values from {values[0]} to {values[-1]}, not two"


def person_values_hint(levels: NDArray[np.integer]) -> str:
    """Return how to name the person's among a few values; empty where there are many."""
    values = np.unique(levels)
    if not 2 < values.size <= _FEW_CLASSES:
        return ""
    shown = ", ".join(map(str, values))
    return (
        f"; or name those of the values {shown} that are the person, as in data.person_values=[1], "
        "or person_values: [1] of their source in data.extra"
    )
