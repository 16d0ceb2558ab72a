"""Bringing a photo and its mask to the size of a training sample."""

from typing import Literal, get_args

import cv2
import numpy as np
from numpy.typing import NDArray

from humanseg.errors import HumansegError

Fit = Literal["resize", "crop", "pad"]


def fit_to(
    image: NDArray[np.uint8],
    mask: NDArray[np.uint8],
    size: tuple[int, int],
    mode: Fit,
    seed: int = 0,
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Bring a photo and its mask to one size.

    Parameters
    ----------
    image
        (H, W, 3) RGB.
    mask
        (H, W) in {0, 1}.
    size
        The wanted height and width.
    mode
        ``resize`` scales height and width on their own, so the shape of things may change.
        ``crop`` takes a random window, without scaling; a side that is too short is padded.
        ``pad`` keeps all of the photo and its shape: it scales down what is too large, then pads.
        Padding repeats the outermost row or column, of photo and mask alike: with constant
        values a net would learn a border that no photo has.
    seed
        In [0, 2**32): where the window of ``crop`` lies follows from it alone.

    Returns
    -------
    tuple of ndarray
        Photo (*size, 3) and mask (*size) in {0, 1}, uint8 and contiguous.

    Raises
    ------
    HumansegError
        `mode` is none of the three.
    """
    if mode not in get_args(Fit):
        raise HumansegError(
            f"data.fit={mode} is not a way to fit photos to the training size. "
            f"Take one of {', '.join(get_args(Fit))}."
        )
    if image.shape[:2] == tuple(size):
        return np.ascontiguousarray(image), np.ascontiguousarray(mask)
    if mode == "resize":
        return _scale(image, mask, size)
    if mode == "crop":
        image, mask = _pad(image, mask, size)
        rows, columns = _window(mask.shape, size, seed)
        return np.ascontiguousarray(image[rows, columns]), np.ascontiguousarray(mask[rows, columns])
    height, width = mask.shape
    factor = min(1.0, size[0] / height, size[1] / width)
    inner = (max(1, round(height * factor)), max(1, round(width * factor)))
    return _pad(*_scale(image, mask, inner), size)


def _scale(
    image: NDArray[np.uint8], mask: NDArray[np.uint8], size: tuple[int, int]
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Scale photo and mask to `size`; the mask's edge falls where more than half is person."""
    # Averaging over areas is what keeps a photo free of moiré when it shrinks, but enlarging
    # with it gives blocks.
    shrinks = size[0] * size[1] < mask.size
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    photo = cv2.resize(image, size[::-1], interpolation=how)
    share = cv2.resize(mask.astype(np.float32), size[::-1], interpolation=how)
    return photo.astype(np.uint8, copy=False), (share > 0.5).astype(np.uint8)


def _pad(
    image: NDArray[np.uint8], mask: NDArray[np.uint8], size: tuple[int, int]
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Repeat the outermost rows and columns evenly on both sides, up to at least `size`."""
    missing = [max(0, want - have) for want, have in zip(size, mask.shape, strict=True)]
    rows, columns = [(short // 2, short - short // 2) for short in missing]
    return (
        np.pad(image, (rows, columns, (0, 0)), mode="edge"),
        np.pad(mask, (rows, columns), mode="edge"),
    )


def _window(shape: tuple[int, ...], size: tuple[int, int], seed: int) -> tuple[slice, slice]:
    """Draw the window of `size` within `shape`, each place alike."""
    generator = np.random.default_rng([seed, 1])
    top = int(generator.integers(shape[0] - size[0] + 1))
    left = int(generator.integers(shape[1] - size[1] + 1))
    return slice(top, top + size[0]), slice(left, left + size[1])
