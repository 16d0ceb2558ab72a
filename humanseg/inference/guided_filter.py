"""Edge refinement: enlarging a coarse mask along the edges of its photo."""

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float32]

_RADIUS = 3
"""In pixels of the reduced photo: how far an edge of the mask looks for one of the photo."""
_EPSILON = 1e-3
"""In squared brightness, of photos in [0,1]: a fainter edge of the photo is taken for noise."""
_BAND = 1 << 17
"""Pixels that are worked on at once: they stay in the processor's cache, and memory small."""


def refine(coarse: Plane, small: NDArray[np.uint8], photo: NDArray[np.uint8]) -> Plane:
    """Enlarge the probability of a reduced photo, so that its edges lie on the photo's edges.

    Around each pixel of the reduced photo the probability is fitted by a linear function of the
    colour; these functions are enlarged, and applied to the colours of the photo itself. That is
    the guided filter with a colour guide (K. He, J. Sun and X. Tang, Guided Image Filtering, IEEE
    TPAMI 35, 2013) in its fast form (K. He and J. Sun, Fast Guided Filter, arXiv:1505.00996).
    """
    if small.shape == photo.shape:
        return coarse
    result = np.empty(photo.shape[:2], np.float32)
    for rows, function in enlarge_in_bands(_colour_functions(small, coarse), photo.shape[:2]):
        colours = photo[rows].astype(np.float32)
        # einsum: five times as fast as to multiply and sum.
        value = np.einsum("hwc,hwc->hw", function[..., :3], colours) + function[..., 3]
        np.clip(value, 0, 1, out=result[rows])
    return result


def row_bands(height: int, width: int) -> Iterator[slice]:
    """Yield the rows of a photo, in bands of a size that is good for the processor's cache."""
    step = max(1, _BAND // width)
    for start in range(0, height, step):
        yield slice(start, min(start + step, height))


def enlarge_in_bands(
    planes: NDArray[np.float32], size: tuple[int, int]
) -> Iterator[tuple[slice, NDArray[np.float32]]]:
    """Enlarge several planes bilinearly, a band at a time, as a large photo needs it."""
    height, width = size
    centre = ((np.arange(height) + 0.5) * (len(planes) / height) - 0.5).clip(0, len(planes) - 1)
    above = centre.astype(np.intp)
    below = np.minimum(above + 1, len(planes) - 1)
    share = (centre - above).astype(np.float32)[:, None, None]
    for rows in row_bands(height, width):
        upper = planes[above[rows]]
        upper += (planes[below[rows]] - upper) * share[rows]
        band = cv2.resize(upper, (width, len(upper)), interpolation=cv2.INTER_LINEAR)
        yield rows, band.astype(np.float32, copy=False).reshape(len(upper), width, -1)


def _colour_functions(small: NDArray[np.uint8], coarse: Plane) -> NDArray[np.float32]:
    """Fit the probability by ``r·red + g·green + b·blue + c`` around each pixel."""
    colour = [
        np.ascontiguousarray(small[..., channel], np.float32) / np.float32(255)
        for channel in range(3)
    ]
    mean = [_box(plane) for plane in colour]
    mean_coarse = _box(coarse)
    share = [
        _box(plane * coarse) - plane_mean * mean_coarse
        for plane, plane_mean in zip(colour, mean, strict=True)
    ]
    rr, rg, rb, gg, gb, bb = (
        _box(colour[i] * colour[j]) - mean[i] * mean[j] + (_EPSILON if i == j else 0)
        for i, j in ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2))
    )
    # The inverse of the symmetric 3×3 matrix of (co)variances, by its cofactors.
    rows = (
        (gg * bb - gb * gb, gb * rb - rg * bb, rg * gb - gg * rb),
        (gb * rb - rg * bb, rr * bb - rb * rb, rg * rb - rr * gb),
        (rg * gb - gg * rb, rg * rb - rr * gb, rr * gg - rg * rg),
    )
    determinant = rr * rows[0][0] + rg * rows[0][1] + rb * rows[0][2]
    slopes = [
        (row[0] * share[0] + row[1] * share[1] + row[2] * share[2]) / determinant for row in rows
    ]
    rest = mean_coarse - slopes[0] * mean[0] - slopes[1] * mean[1] - slopes[2] * mean[2]
    return np.dstack([*(_box(slope) / np.float32(255) for slope in slopes), _box(rest)])


def _box(plane: NDArray[np.floating]) -> Plane:
    side = 2 * _RADIUS + 1
    mean = cv2.boxFilter(plane, -1, (side, side), borderType=cv2.BORDER_REPLICATE)
    return mean.astype(np.float32, copy=False)
