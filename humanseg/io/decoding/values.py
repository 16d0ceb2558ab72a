"""Values of more than 8 bits as a viewer would show them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_OVERSHOOT = 1.1
"""Resampling and lossy coding go a little beyond white, and below black."""
_HIGHLIGHTS = 4.0
"""Up to here, fractions on a scale from 0 to 1 are highlights brighter than white."""
_DEPTHS = (8, 10, 12, 14, 16, 31, 32)
_USUAL_DEPTHS = (8, 16, 31, 32)
LEAST_OF_16_BITS = 4096
"""A photo of 16 bits has a brighter pixel than this; where none has, the values are of fewer."""


@dataclass(frozen=True)
class Scale:
    """Which value is black and which is white.

    Attributes
    ----------
    black, white
        Values.
    is_guess
        They are no usual ones, but the lowest and highest that there are.
    """

    black: float
    white: float
    is_guess: bool = False

    def to_eight_bits(self, values: NDArray[np.number]) -> NDArray[np.uint8]:
        """Return uint8 of the same shape; what is no number is black."""
        share = (values.astype(np.float64) - self.black) / (self.white - self.black)
        share = np.nan_to_num(share, nan=0.0, posinf=1.0, neginf=0.0)
        return np.rint(share.clip(0, 1) * 255).astype(np.uint8)


def find_scale(low: float, high: float, whole_numbers: bool, sixteen_bits: bool) -> Scale:
    """Find out what black and white are, where the file does not say it.

    Parameters
    ----------
    low, high
        The least and the greatest value; for fractions without a few outliers.
    whole_numbers
        The values are integers.
    sixteen_bits
        The file has 16 unsigned bits for each.

    Returns
    -------
    Scale
        Integers from 0: white is the greatest value of the fewest bits that hold them all. Others:
        from 0 to the first of 1, 255 and 65535 that is not exceeded, or from -1 to 1, as nets put
        it out. Any other range is stretched.
    """
    if whole_numbers and low >= 0:
        if sixteen_bits and (high >= LEAST_OF_16_BITS or high == 0):
            return Scale(0, 65535)
        bits = next((bits for bits in _DEPTHS if high < 1 << bits), _DEPTHS[-1])
        return Scale(0, (1 << bits) - 1, sixteen_bits or bits not in _USUAL_DEPTHS)
    if not whole_numbers:
        if low >= 1 - _OVERSHOOT and high <= _HIGHLIGHTS:
            return Scale(0, 1)
        if low >= -_OVERSHOOT and high <= _OVERSHOOT:
            return Scale(-1, 1)
        for white, least in ((255, 0), (65535, LEAST_OF_16_BITS)):
            if low >= white * (1 - _OVERSHOOT) and least <= high <= white * _OVERSHOOT:
                return Scale(0, white)
    return Scale(low, high, True) if high > low else Scale(0, max(1.0, 2 * high))
