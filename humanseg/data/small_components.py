"""Small components of masks: stray dots outside the person, and holes inside."""

import cv2
import numpy as np
from numpy.typing import NDArray

from humanseg.data.labelled_photo import Pixels

SMALL_COMPONENT = 50
"""A connected component of person or background with fewer pixels than this is small."""


def find_small_components(
    mask: Pixels, min_area: int = SMALL_COMPONENT
) -> tuple[int, NDArray[np.bool_]]:
    """Count the components with fewer than `min_area` pixels, and mark their pixels.

    Components of person are 8-connected, those of background 4-connected. The only component of
    its value is none of them, however small: it is a small person.
    """
    total = 0
    where = np.zeros(mask.shape, bool)
    for layer, connectivity in ((mask, 8), (1 - mask, 4)):
        count, labels, stats, _ = cv2.connectedComponentsWithStats(layer, connectivity=connectivity)
        small = stats[:, cv2.CC_STAT_AREA] < min_area
        small[0] = False
        if count > 2 and small.any():
            total += int(small.sum())
            where |= small[labels]
    return total, where


def clean_mask(mask: Pixels, min_area: int) -> Pixels:
    """Assign the small components of a mask to their surroundings."""
    count, where = find_small_components(mask, min_area)
    return mask ^ where if count else mask
