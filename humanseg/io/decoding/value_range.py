"""Black and white of values with more than 8 bits, where the file does not say."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_OVERSHOOT = 1.1
"""Resampling and lossy coding exceed white and black a little."""
_HIGHLIGHTS = 4.0
"""Up to here, fractions on a scale from 0 to 1 are highlights brighter than white."""
_DEPTHS = (8, 10, 12, 14, 16, 31, 32)
_USUAL_DEPTHS = (8, 16, 31, 32)
LEAST_OF_16_BITS = 4096
"""A photo of 16 bits has a brighter pixel than this; else its values have fewer bits."""


@dataclass(frozen=True)
class ValueRange:
    """The values of black and white."""

    black: float
    white: float
    # Whether they are just the lowest and highest value of the image.
    is_guess: bool = False

    def to_eight_bits(self, values: NDArray[np.number]) -> NDArray[np.uint8]:
        """Return uint8 of the same shape; NaN becomes black."""
        share = (values.astype(np.float64) - self.black) / (self.white - self.black)
        share = np.nan_to_num(share, nan=0.0, posinf=1.0, neginf=0.0)
        return np.rint(share.clip(0, 1) * 255).astype(np.uint8)


def guess_value_range(
    low: float, high: float, whole_numbers: bool, sixteen_bits: bool
) -> ValueRange:
    """Return the likely range of an image whose values go from `low` to `high`.

    Integers from 0: white is the greatest value of the fewest bits that hold them. Fractions: from
    0 to the first of 1, 255 and 65535 that is not exceeded, or from -1 to 1, as nets have it. Any
    other range is stretched.
    """
    if whole_numbers and low >= 0:
        if sixteen_bits and (high >= LEAST_OF_16_BITS or high == 0):
            return ValueRange(0, 65535)
        bits = next((bits for bits in _DEPTHS if high < 1 << bits), _DEPTHS[-1])
        return ValueRange(0, (1 << bits) - 1, sixteen_bits or bits not in _USUAL_DEPTHS)
    if not whole_numbers:
        if low >= 1 - _OVERSHOOT and high <= _HIGHLIGHTS:
            return ValueRange(0, 1)
        if low >= -_OVERSHOOT and high <= _OVERSHOOT:
            return ValueRange(-1, 1)
        for white, least in ((255, 0), (65535, LEAST_OF_16_BITS)):
            if low >= white * (1 - _OVERSHOOT) and least <= high <= white * _OVERSHOOT:
                return ValueRange(0, white)
    return ValueRange(low, high, True) if high > low else ValueRange(0, max(1.0, 2 * high))
