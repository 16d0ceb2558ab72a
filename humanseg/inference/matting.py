"""Alpha matting: how much of each pixel is person, and the person's own colour in it."""

import cv2
import numpy as np
from numpy.typing import NDArray

from humanseg.inference.guided_filter import enlarge_in_bands, row_bands
from humanseg.io.images import over_white

Pixels = NDArray[np.uint8]
Plane = NDArray[np.float32]

_SURE = 0.6
"""A probability this far on the way from the threshold to 0 or 1 counts as 0 or 1."""
_WORKING_SIDE = 1024
"""Longer side at which the blurred colours are computed; they have no finer detail."""
_WIDE, _NARROW = 90, 6
"""Sides of the two windows, in pixels, as the paper gives them."""
_NOTHING = 1e-5
_SOLID = 250
"""Of 255: what is less transparent than this is taken for opaque, as lossy codecs leave it."""


def alpha_from_probability(probability: NDArray[np.float32], threshold: float) -> Pixels:
    """Return uint8 (H,W) from float32 (H,W) in [0,1]: how much of each pixel is person, of 255.

    A net is seldom quite sure, and a refined edge has a faint glow: what is well to one side of
    the threshold is wholly person or background, and the threshold itself is half of both.
    """
    reach = _SURE * min(threshold, 1 - threshold)
    result = np.empty(probability.shape, np.uint8)
    for rows in row_bands(*probability.shape):
        # convertScaleAbs rounds and saturates above, but would mirror what is below 0.
        above = np.maximum(probability[rows] - np.float32(threshold - reach), 0)
        result[rows] = cv2.convertScaleAbs(above, alpha=255 / (2 * reach))
    return result


def apply_visibility(
    probability: NDArray[np.float32], visible: Pixels | None
) -> NDArray[np.float32]:
    """Return a probability times a photo's own opacity: transparent pixels are no person."""
    if visible is None:
        return probability
    return probability * (visible.astype(np.float32) / np.float32(255))


def estimate_foreground(photo: Pixels, alpha: Pixels, visible: Pixels | None = None) -> Pixels:
    """Return the photo, uint8 (H,W,3), without the background's colour in pixels partly person.

    By two passes of blur fusion (M. Forte, Approximate Fast Foreground Colour Estimation, IEEE
    ICIP 2021). Where a photo is large, the blurred colours are taken from a reduced one. Pixels
    that are not opaque in `visible`, uint8 (H,W), were cut out before and keep their colour.
    """
    result = photo.copy()
    partly = (alpha > 0) & (alpha < 255)
    if visible is not None:
        partly &= visible >= _SOLID
    if not partly.any():
        return result
    for rows, blurred in enlarge_in_bands(_blurred(photo, alpha, visible), alpha.shape):
        edge = partly[rows]
        share = alpha[rows][edge][:, None].astype(np.float32) / np.float32(255)
        colour = photo[rows][edge].astype(np.float32) / np.float32(255)
        person, behind = np.split(blurred[edge], 2, axis=1)
        result[rows][edge] = np.rint(_fuse(colour, share, person, behind) * 255)
    return result


def _blurred(photo: Pixels, alpha: Pixels, visible: Pixels | None) -> NDArray[np.float32]:
    """Return float32 (h,w,6): the colours of person and background around each pixel, reduced."""
    height, width = alpha.shape
    scale = min(1.0, _WORKING_SIDE / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small, share = (
        cv2.resize(pixels, size, interpolation=cv2.INTER_AREA) / np.float32(255)
        for pixels in (over_white(photo, visible), alpha)
    )
    if visible is not None:
        small = _spread(small, cv2.resize(visible, size, interpolation=cv2.INTER_AREA) / 255)
    share = share[..., None]
    person = behind = small
    for side in (_WIDE, _NARROW):
        around, behind = _mean(person, share, side), _mean(behind, 1 - share, side)
        person = _fuse(small, share, around, behind)
    return np.dstack([around, behind])


def _spread(shown: Plane, visible: NDArray[np.floating]) -> Plane:
    """Give hidden pixels the colours of visible ones near them."""
    weight = visible.astype(np.float32)[..., None]
    # Premultiplied: without the white that is behind.
    colour = np.maximum(shown - (1 - weight), 0)
    unmultiplied = colour / (weight + np.float32(_NOTHING))
    return np.asarray(colour + (1 - weight) * _mean(unmultiplied, weight, _WIDE), np.float32)


def _mean(colour: Plane, weight: Plane, side: int) -> Plane:
    """Return the weighted mean of the colours in a window around each pixel."""
    total = cv2.blur(weight, (side, side))[..., None]
    return np.asarray(cv2.blur(colour * weight, (side, side)) / (total + _NOTHING), np.float32)


def _fuse(colour: Plane, share: Plane, person: Plane, behind: Plane) -> Plane:
    """Correct the person's colour, so that mixed with the background's it gives the pixel's."""
    return np.clip(person + share * (colour - share * person - (1 - share) * behind), 0, 1)
