"""A photo with all that is known of its pixels."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]


class Picture(NamedTuple):
    """A photo, its mask and a teacher's opinion: layers of one height and width.

    Attributes
    ----------
    photo
        uint8 (H, W, 3), RGB.
    mask
        uint8 (H, W) in {0, 1}.
    soft
        uint8 (H, W): a teacher's probability of person, 255 for 1; None without a teacher.
    """

    photo: Pixels
    mask: Pixels
    soft: Pixels | None = None

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        height, width = self.mask.shape
        return height, width

    def map(self, change: Callable[[Pixels], Pixels]) -> "Picture":
        """Apply one change to every layer."""
        soft = None if self.soft is None else change(self.soft)
        return Picture(change(self.photo), change(self.mask), soft)

    def contiguous(self) -> "Picture":
        """Lay every layer out row by row."""
        return self.map(np.ascontiguousarray)


Draw = Callable[[np.random.Generator], Picture]
"""Draws a picture out of many, with the generator that it is given."""
