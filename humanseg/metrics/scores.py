"""The task's score of a photo, IoU, and boundary Dice."""

from collections.abc import Callable, Mapping

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from humanseg.io.rle import as_bool

EPSILON = 1e-10
"""The term in the denominator of the task's Dice, by which two empty masks score 0."""


def dice(prediction: ArrayLike, truth: ArrayLike) -> float:
    """Return the task's score of one photo, ``2·|A∩B| / (|A| + |B| + 1e-10)``.

    The task's score of a submission is the mean of this over photos. The coefficient is that of
    L. R. Dice, Measures of the Amount of Ecologic Association Between Species, Ecology 26
    (1945), p. 298.

    Parameters
    ----------
    prediction, truth : array_like, shape (H, W)
        Booleans, or numbers that are all 0 or 1.

    Returns
    -------
    float
        In [0, 1]; 0 where both masks are empty.

    Raises
    ------
    ValueError
        The shapes differ, or a value is neither 0 nor 1.
    """
    first, second = _same_shape(prediction, truth)
    return _dice(first, second)


def iou(prediction: ArrayLike, truth: ArrayLike) -> float:
    """Return the intersection over union (Jaccard index) of two masks.

    Parameters
    ----------
    prediction, truth : array_like, shape (H, W)
        Booleans, or numbers that are all 0 or 1.

    Returns
    -------
    float
        ``|A∩B| / (|A∪B| + 1e-10)``, in [0, 1]; like `dice`, 0 where both masks are empty.

    Raises
    ------
    ValueError
        The shapes differ, or a value is neither 0 nor 1.
    """
    first, second = _same_shape(prediction, truth)
    return np.count_nonzero(first & second) / (np.count_nonzero(first | second) + EPSILON)


def boundary_band(truth: ArrayLike, radius: float = 3) -> NDArray[np.bool_]:
    """Return the pixels near the boundary of a mask, on both sides of it.

    The boundary is the line along the sides between neighbouring pixels that differ. The frame
    of the photo is no boundary: a person who is cut off by it has no outline there. A pixel
    belongs to the band when its centre is within `radius` of that line, so that a straight
    boundary has a band `radius` pixels wide on each side.

    Parameters
    ----------
    truth : array_like, shape (H, W)
        Booleans, or numbers that are all 0 or 1.
    radius
        Euclidean distance in pixels.

    Returns
    -------
    numpy.ndarray of bool, shape (H, W)
        All False for an empty or full mask, which has no boundary.
    """
    inside = as_bool(truth)
    # The distance from a centre to the line is the distance to the nearest pixel of the other
    # kind, taken as a square: its near side is half a pixel closer than its centre.
    return (_dilate(inside, radius) & ~inside) | (_dilate(~inside, radius) & inside)


def boundary_dice(prediction: ArrayLike, truth: ArrayLike, radius: float = 3) -> float:
    """Return Dice over the pixels within `radius` of the true boundary.

    Parameters
    ----------
    prediction, truth : array_like, shape (H, W)
        Booleans, or numbers that are all 0 or 1.
    radius
        Euclidean distance in pixels, see `boundary_band`.

    Returns
    -------
    float
        In [0, 1]. NaN where the truth is empty or full: there is no boundary to score, and any
        number would pull a mean up or down. A mean over photos skips it (`numpy.nanmean`).

    Raises
    ------
    ValueError
        The shapes differ, or a value is neither 0 nor 1.
    """
    first, second = _same_shape(prediction, truth)
    band = boundary_band(second, radius)
    return _dice(first[band], second[band]) if band.any() else float("nan")


PER_PHOTO: Mapping[str, Callable[[ArrayLike, ArrayLike], float]] = {
    "dice": dice,
    "iou": iou,
    "boundary_dice": boundary_dice,
}
"""The scores of a photo, by their names in `scores.csv`, and of their means in `summary.json`."""


def _same_shape(
    prediction: ArrayLike, truth: ArrayLike
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    first, second = as_bool(prediction), as_bool(truth)
    if first.shape != second.shape:
        raise ValueError(f"the prediction has shape {first.shape}, the truth {second.shape}")
    return first, second


def _dice(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> float:
    both = np.count_nonzero(first & second)
    return 2 * both / (np.count_nonzero(first) + np.count_nonzero(second) + EPSILON)


def _dilate(mask: NDArray[np.bool_], radius: float) -> NDArray[np.bool_]:
    """Return the pixels whose centre is within `radius` of a pixel of `mask`, as a square."""
    reach = int(radius + 0.5)
    distance = np.maximum(np.abs(np.arange(-reach, reach + 1)) - 0.5, 0)
    near = distance[:, None] ** 2 + distance**2 <= radius**2
    return cv2.dilate(mask.astype(np.uint8), near.astype(np.uint8)).astype(bool)
