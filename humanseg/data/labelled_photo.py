"""A photo with its mask and, of a distillation, its soft labels."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]


class LabelledPhoto(NamedTuple):
    """A photo, its mask and a teacher's soft labels, all of one height and width."""

    photo: Pixels  # (H, W, 3), RGB
    mask: Pixels  # (H, W) in {0, 1}
    soft: Pixels | None = None  # (H, W): probability of person, 255 for 1

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        height, width = self.mask.shape
        return height, width

    def map(self, change: Callable[[Pixels], Pixels]) -> "LabelledPhoto":
        """Apply one change to every layer."""
        soft = None if self.soft is None else change(self.soft)
        return LabelledPhoto(change(self.photo), change(self.mask), soft)

    def contiguous(self) -> "LabelledPhoto":
        """Make every layer contiguous."""
        return self.map(np.ascontiguousarray)


DrawPhoto = Callable[[np.random.Generator], LabelledPhoto]
"""Draws one photo of many with the given generator."""
