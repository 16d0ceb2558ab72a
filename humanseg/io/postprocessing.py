"""Tidying a mask: the largest figure, no holes, no specks."""

import cv2
import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.uint8]


def keep_largest(mask: Mask) -> Mask:
    """Keep the largest connected figure of a mask."""
    labels, areas = _figures(mask)
    return mask.copy() if len(areas) < 3 else (labels == 1 + areas[1:].argmax()).astype(np.uint8)


def remove_small(mask: Mask, area: int) -> Mask:
    """Remove the connected figures of fewer than `area` pixels."""
    labels, areas = _figures(mask)
    stays = areas >= area
    stays[0] = False
    return stays.astype(np.uint8)[labels]


def fill_holes(mask: Mask) -> Mask:
    """Fill what a mask encloses."""
    # A frame of background around all, so that what reaches the border is one piece.
    framed = np.pad(mask, 1)
    _, labels = cv2.connectedComponents(1 - framed, connectivity=4, ltype=cv2.CV_32S)
    return (labels != labels[0, 0])[1:-1, 1:-1].astype(np.uint8)


def postprocess(
    probability: NDArray[np.float32],
    threshold: float,
    *,
    min_area: float = 0.0,
    largest: bool = False,
    holes: bool = False,
) -> NDArray[np.float32]:
    """Tidy a mask and the soft edge around it together."""
    mask = (probability > threshold).astype(np.uint8)
    tidied = mask
    if min_area > 0:
        tidied = remove_small(tidied, int(np.ceil(min_area * mask.size)))
    if largest:
        tidied = keep_largest(tidied)
    if holes:
        tidied = fill_holes(tidied)
    result = probability.copy()
    removed, added = mask & (1 - tidied), tidied & (1 - mask)
    if removed.any():
        result[_nearer(removed, tidied)] = 0
    if added.any():
        result[_nearer(added, 1 - tidied)] = 1
    return result


def _figures(mask: Mask) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Return the number of each pixel's figure, 0 for background, and the area of each."""
    _, labels, facts, _ = cv2.connectedComponentsWithStats(mask, connectivity=8, ltype=cv2.CV_32S)
    return labels.astype(np.int32, copy=False), facts[:, cv2.CC_STAT_AREA].astype(np.int64)


def _nearer(first: Mask, second: Mask) -> NDArray[np.bool_]:
    """Return the pixels that lie nearer to the first mask, which is not empty, than to the other.

    Their own pixels lie nearest to themselves.
    """
    if not second.any():
        return np.ones(first.shape, bool)
    to_first, to_second = (
        cv2.distanceTransform(1 - mask, cv2.DIST_L2, cv2.DIST_MASK_5) for mask in (first, second)
    )
    return np.asarray(to_first < to_second)
