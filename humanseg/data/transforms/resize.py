"""Bringing a photo and its mask to the size of a training sample."""

from typing import Literal, get_args

import cv2
import numpy as np

from humanseg.data.picture import Picture, Pixels
from humanseg.errors import HumansegError

Fit = Literal["resize", "crop", "pad"]


def fit_to(picture: Picture, size: tuple[int, int], mode: Fit, seed: int = 0) -> Picture:
    """Bring a photo and its mask to one size.

    Parameters
    ----------
    picture
        Of any size.
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
    Picture
        Of `size`, contiguous.

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
    if picture.size == tuple(size):
        return picture.contiguous()
    if mode == "resize":
        return scale_to(picture, size)
    if mode == "crop":
        padded = _pad(picture, size)
        rows, columns = _window(padded.size, size, seed)
        return padded.map(lambda layer: layer[rows, columns]).contiguous()
    height, width = picture.size
    factor = min(1.0, size[0] / height, size[1] / width)
    inner = (max(1, round(height * factor)), max(1, round(width * factor)))
    return _pad(scale_to(picture, inner), size)


def scale_to(picture: Picture, size: tuple[int, int]) -> Picture:
    """Scale a picture to `size`; the mask's edge falls where more than half is person."""
    # Averaging over areas is what keeps a photo free of moiré when it shrinks, but enlarging
    # with it gives blocks.
    shrinks = size[0] * size[1] < picture.mask.size
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR

    def scaled(layer: Pixels) -> Pixels:
        return cv2.resize(layer, size[::-1], interpolation=how).astype(np.uint8, copy=False)

    share = cv2.resize(picture.mask.astype(np.float32), size[::-1], interpolation=how)
    soft = None if picture.soft is None else scaled(picture.soft)
    return Picture(scaled(picture.photo), (share > 0.5).astype(np.uint8), soft)


def _pad(picture: Picture, size: tuple[int, int]) -> Picture:
    """Repeat the outermost rows and columns evenly on both sides, up to at least `size`."""
    missing = [max(0, want - have) for want, have in zip(size, picture.size, strict=True)]
    margins = [(short // 2, short - short // 2) for short in missing]
    return picture.map(lambda layer: np.pad(layer, [*margins, (0, 0)][: layer.ndim], mode="edge"))


def _window(shape: tuple[int, int], size: tuple[int, int], seed: int) -> tuple[slice, slice]:
    """Draw the window of `size` within `shape`, each place alike."""
    generator = np.random.default_rng([seed, 1])
    top = int(generator.integers(shape[0] - size[0] + 1))
    left = int(generator.integers(shape[1] - size[1] + 1))
    return slice(top, top + size[0]), slice(left, left + size[1])
