"""Bringing a photo and its mask to the size of a training sample."""

from typing import Literal

import cv2
import numpy as np

from humanseg.data.labelled_photo import LabelledPhoto, Pixels

ResizeMode = Literal["resize", "crop", "pad"]


def resize_to(
    photo: LabelledPhoto, size: tuple[int, int], mode: ResizeMode, seed: int = 0
) -> LabelledPhoto:
    """Bring a photo and its mask to one height and width.

    ``resize`` scales height and width on their own, so the shape of things may change. ``crop``
    takes a random window, without scaling, which follows from `seed` alone; a side that is too
    short is padded. ``pad`` keeps all of the photo and its shape: it scales down what is too large,
    then pads. Padding repeats the outermost row or column, of photo and mask alike: with constant
    values a net would learn a border that no photo has.
    """
    if photo.size == tuple(size):
        return photo.contiguous()
    if mode == "resize":
        return scale_to(photo, size)
    if mode == "crop":
        padded = _pad(photo, size)
        rows, columns = _window(padded.size, size, seed)
        return padded.map(lambda layer: layer[rows, columns]).contiguous()
    height, width = photo.size
    factor = min(1.0, size[0] / height, size[1] / width)
    inner = (max(1, round(height * factor)), max(1, round(width * factor)))
    return _pad(scale_to(photo, inner), size)


def scale_to(photo: LabelledPhoto, size: tuple[int, int]) -> LabelledPhoto:
    """Scale a photo to `size`; the mask's edge falls where more than half is person."""
    # Averaging over areas is what keeps a photo free of moiré when it shrinks, but enlarging
    # with it gives blocks.
    shrinks = size[0] * size[1] < photo.mask.size
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR

    def scaled(layer: Pixels) -> Pixels:
        return cv2.resize(layer, size[::-1], interpolation=how).astype(np.uint8, copy=False)

    share = cv2.resize(photo.mask.astype(np.float32), size[::-1], interpolation=how)
    soft = None if photo.soft is None else scaled(photo.soft)
    return LabelledPhoto(scaled(photo.photo), (share > 0.5).astype(np.uint8), soft)


def _pad(photo: LabelledPhoto, size: tuple[int, int]) -> LabelledPhoto:
    """Repeat the outermost rows and columns evenly on both sides, up to at least `size`."""
    missing = [max(0, want - have) for want, have in zip(size, photo.size, strict=True)]
    margins = [(short // 2, short - short // 2) for short in missing]
    return photo.map(lambda layer: np.pad(layer, [*margins, (0, 0)][: layer.ndim], mode="edge"))


def _window(shape: tuple[int, int], size: tuple[int, int], seed: int) -> tuple[slice, slice]:
    """Draw the window of `size` within `shape`, uniformly."""
    generator = np.random.default_rng([seed, 1])
    top = int(generator.integers(shape[0] - size[0] + 1))
    left = int(generator.integers(shape[1] - size[1] + 1))
    return slice(top, top + size[0]), slice(left, left + size[1])
