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

    Components of person are 8-connected, those of background 4-connected. The largest component of
    a value is none of them, however small: it is a small person.
    """
    dots, holes = _find(mask, 8, min_area), _find(1 - mask, 4, min_area)
    return dots[0] + holes[0], dots[1] | holes[1]


def clean_mask(mask: Pixels, min_area: int) -> Pixels:
    """Assign the small components of a mask to their surroundings."""
    # One after the other: a small hole in a dot goes with the dot, and is no dot itself then.
    mask = mask ^ _find(mask, 8, min_area)[1]
    return mask ^ _find(1 - mask, 4, min_area)[1]


def _find(layer: Pixels, connectivity: int, min_area: int) -> tuple[int, NDArray[np.bool_]]:
    count, labels, stats, _ = cv2.connectedComponentsWithStats(layer, connectivity=connectivity)
    areas = stats[:, cv2.CC_STAT_AREA]
    small = areas < min_area
    small[0] = False
    if count > 1:
        small[1 + areas[1:].argmax()] = False
    return int(small.sum()), small[labels]
