"""Post-processing of masks: components by scipy, distances by OpenCV."""

import cv2
import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.uint8]
"""uint8 (H,W) in {0,1}."""


def keep_largest_component(mask: Mask) -> Mask:
    """Keep the largest component; pixels that touch at a corner are connected."""
    labels, areas = _components(mask)
    return mask.copy() if len(areas) < 3 else (labels == 1 + areas[1:].argmax()).astype(np.uint8)


def drop_small_components(mask: Mask, area: int) -> Mask:
    """Remove the components of fewer than `area` pixels."""
    labels, areas = _components(mask)
    is_kept = areas >= area
    is_kept[0] = False
    return is_kept.astype(np.uint8)[labels]


def fill_mask_holes(mask: Mask) -> Mask:
    """Fill the background that no path, without steps over a corner, leads out of the photo."""
    from scipy import ndimage

    return np.asarray(ndimage.binary_fill_holes(mask)).astype(np.uint8)


def postprocess(
    probability: NDArray[np.float32],
    threshold: float,
    *,
    min_area: float = 0.0,
    keep_largest: bool = False,
    fill_holes: bool = False,
) -> NDArray[np.float32]:
    """Post-process a mask and the soft edge around it, float32 (H,W) in [0,1].

    Components that cover less than the share `min_area` of the photo are removed. The soft edge of
    a removed component becomes 0, that of a filled hole 1; all other pixels stay as they are.
    """
    mask = (probability > threshold).astype(np.uint8)
    clean = mask
    if min_area > 0:
        clean = drop_small_components(clean, int(np.ceil(min_area * mask.size)))
    if keep_largest:
        clean = keep_largest_component(clean)
    if fill_holes:
        clean = fill_mask_holes(clean)
    result = probability.copy()
    removed, added = mask & (1 - clean), clean & (1 - mask)
    if removed.any():
        result[_is_nearer(removed, clean)] = 0
    if added.any():
        result[_is_nearer(added, 1 - clean)] = 1
    return result


def _components(mask: Mask) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Return the component of each pixel, 0 for background, and the area of each."""
    # Imported here: it takes time, and most predictions are not post-processed.
    from scipy import ndimage

    labels, _ = ndimage.label(mask, np.ones((3, 3)))
    return labels, np.bincount(labels.ravel())


def _is_nearer(first: Mask, second: Mask) -> NDArray[np.bool_]:
    """Return which pixels are nearer to the first mask, which is not empty, than to the second."""
    if not second.any():
        return np.ones(first.shape, bool)
    to_first, to_second = (
        cv2.distanceTransform(1 - mask, cv2.DIST_L2, cv2.DIST_MASK_5) for mask in (first, second)
    )
    return np.asarray(to_first < to_second)
