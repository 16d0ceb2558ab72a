"""Specks in masks: stray dots outside the person, and pinholes inside."""

import cv2
import numpy as np
from numpy.typing import NDArray

from humanseg.data.picture import Pixels

SPECK = 50
"""A connected part of person or background with fewer pixels than this is a speck."""


def find_specks(mask: Pixels, below: int = SPECK) -> tuple[int, NDArray[np.bool_]]:
    """Find the specks of a mask: stray dots outside the person, and pinholes inside.

    Parameters
    ----------
    mask
        uint8 (H, W) in {0, 1}.
    below
        Parts with fewer pixels than this are specks.

    Returns
    -------
    count
        How many connected parts of person (8-connected) or of background (4-connected) are
        specks. The only part of its value is no speck, however small: it is a small person.
    where
        bool (H, W): their pixels.
    """
    total = 0
    where = np.zeros(mask.shape, bool)
    for part, connectivity in ((mask, 8), (1 - mask, 4)):
        count, labels, stats, _ = cv2.connectedComponentsWithStats(part, connectivity=connectivity)
        speck = stats[:, cv2.CC_STAT_AREA] < below
        speck[0] = False
        if count > 2 and speck.any():
            total += int(speck.sum())
            where |= speck[labels]
    return total, where


def without_specks(mask: Pixels, below: int) -> Pixels:
    """Give the specks of a mask to what is around them; see `find_specks`.

    Returns
    -------
    ndarray
        uint8 (H, W) in {0, 1}; the mask itself where it has none.
    """
    count, where = find_specks(mask, below)
    return mask ^ where if count else mask
