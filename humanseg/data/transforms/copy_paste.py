"""Copy-paste augmentation: people on other backgrounds, at other scales, with other people."""

from typing import Annotated

import cv2
import numpy as np
from annotated_types import Interval

from humanseg.config.ranges import Share
from humanseg.data.labelled_photo import DrawPhoto, LabelledPhoto
from humanseg.data.transforms.copy_paste_pixels import (
    Matrix,
    blend,
    feathered,
    light,
    paste,
    warp,
    without_people,
)
from humanseg.data.transforms.resize import scale_to
from humanseg.errors import HumansegError

Scales = tuple[Annotated[float, Interval(gt=0, le=4)], Annotated[float, Interval(gt=0, le=4)]]
"""The smallest and the largest scale."""

_BACKGROUNDS = 3
"""Photos whose backgrounds one new background is made of."""

_NEAR_EDGE = 2
"""Pixels from a photo's edge within which a person is cut off by it."""


class CopyPaste:
    """Copy and paste of people and backgrounds, after Ghiasi et al. 2021 (arXiv 2012.07177).

    Parameters
    ----------
    p_background
        Probability that the person is put before another background, at another place and scale.
    p_extra_person
        Probability that people of one or two other photos come in, behind or in front.
    p_blur
        Probability that the photo's own background, where it is kept, is blurred as by a lens.
    scale
        Smallest and largest scale of a person who is put elsewhere; 1 is as in the own photo.
    extra_scale
        The same of those who come in.

    Raises
    ------
    HumansegError
        The smaller scale is not the first.
    """

    def __init__(
        self,
        p_background: Share = 0.3,
        p_extra_person: Share = 0.15,
        p_blur: Share = 0.1,
        scale: Scales = (0.25, 1.2),
        extra_scale: Scales = (0.5, 1.0),
    ) -> None:
        for name, (smallest, largest) in {"scale": scale, "extra_scale": extra_scale}.items():
            if smallest > largest:
                raise HumansegError(
                    f"augmentation.copy_paste.{name}={[smallest, largest]}: the smaller number "
                    "comes first.",
                    code="data.impossible_copy_paste",
                )
        self._p_background = p_background
        self._p_extra_person = p_extra_person
        self._p_blur = p_blur
        self._scale = scale
        self._extra_scale = extra_scale

    def __call__(
        self, photo: LabelledPhoto, others: DrawPhoto, generator: np.random.Generator
    ) -> LabelledPhoto:
        """Make a scene.

        Parameters
        ----------
        photo
            The photo that the scene is about; it is left as it is.
        others
            Draws another photo, of any size.
        generator
            All that is random follows from it.

        Returns
        -------
        LabelledPhoto
            Of the photo's size. The mask holds everybody in the scene.
        """
        if generator.random() < self._p_background:
            photo = self._replace_background(photo, others, generator)
        elif generator.random() < self._p_blur:
            photo = blur_background(photo, generator.uniform(1.5, 6))
        if generator.random() < self._p_extra_person:
            for _ in range(generator.integers(1, 3)):
                photo = self._add_person(photo, others, generator)
        return photo

    def _replace_background(
        self, photo: LabelledPhoto, others: DrawPhoto, generator: np.random.Generator
    ) -> LabelledPhoto:
        background = compose_background(others, photo.size, generator)
        if photo.soft is not None:
            background = background._replace(soft=background.mask)
        return self._pasted(background, photo, self._scale, False, generator)

    def _add_person(
        self, scene: LabelledPhoto, others: DrawPhoto, generator: np.random.Generator
    ) -> LabelledPhoto:
        other = others(generator)
        behind = bool(generator.random() < 0.7)
        return self._pasted(scene, other, self._extra_scale, behind, generator)

    def _pasted(
        self,
        scene: LabelledPhoto,
        source: LabelledPhoto,
        scales: Scales,
        behind: bool,
        generator: np.random.Generator,
    ) -> LabelledPhoto:
        scale = float(np.exp(generator.uniform(*np.log(scales))))
        matrix = placement(source, scene.size, scale, generator)
        feather, gain = generator.uniform(0.5, 1.2), generator.uniform(0, 0.8)
        # Before it is moved: what comes in from beyond the photo's edges is no background of it.
        lit = source._replace(photo=light(source, scene, gain))
        return paste(scene, warp(lit, matrix, scene.size), feather, behind)


def compose_background(
    others: DrawPhoto, size: tuple[int, int], generator: np.random.Generator
) -> LabelledPhoto:
    """Compose a scene of `size` without people from the backgrounds of a few other photos."""
    drawn = [others(generator) for _ in range(_BACKGROUNDS)]
    # The one that shows most of its background shows most in the new one.
    drawn.sort(key=lambda other: float(other.mask.mean()))
    image = without_people([covering(other, size, generator) for other in drawn])
    return LabelledPhoto(image, np.zeros(size, np.uint8))


def blur_background(photo: LabelledPhoto, width: float) -> LabelledPhoto:
    """Blur what is not person, as a wide lens or a phone's portrait mode does.

    `width` is the standard deviation of the blur in pixels, at least 1.
    """
    height, width_ = photo.size
    # At half the size: a quarter of the time, and it is blurred anyway.
    small = cv2.resize(
        photo.photo, (max(1, width_ // 2), max(1, height // 2)), interpolation=cv2.INTER_AREA
    )
    small = cv2.GaussianBlur(small, (0, 0), width / 2)
    blurred = cv2.resize(small, (width_, height), interpolation=cv2.INTER_LINEAR)
    image = blend(blurred.astype(np.uint8, copy=False), photo.photo, feathered(photo.mask, 1.0))
    return photo._replace(photo=image)


def covering(
    photo: LabelledPhoto, size: tuple[int, int], generator: np.random.Generator
) -> LabelledPhoto:
    """Cut a random window out of a photo, mirrored or not, and scale it to `size`."""
    # The largest window of the scene's shape, and down to 1 / 1.6 of it.
    height, width = photo.size
    scale = max(size[0] / height, size[1] / width) * np.exp(generator.uniform(0, np.log(1.6)))
    rows, columns = (max(1, round(side / scale)) for side in size)
    top = int(generator.integers(max(0, height - rows) + 1))
    left = int(generator.integers(max(0, width - columns) + 1))
    window = photo.map(lambda layer: layer[top : top + rows, left : left + columns])
    if generator.random() < 0.5:
        window = window.map(lambda layer: layer[:, ::-1])
    return scale_to(window.contiguous(), size)


def placement(
    photo: LabelledPhoto, size: tuple[int, int], scale: float, generator: np.random.Generator
) -> Matrix:
    """Choose where a person comes to stand in a scene of `size`: a matrix for `warp`.

    At scale 1 the person has the size that it has in a photo that fits into the scene. Who is cut
    off by an edge of the photo mostly stays at that edge of the scene: a body ends there, and
    nowhere else.
    """
    left, top, width, height = cv2.boundingRect(photo.mask)
    rows, columns = photo.size
    factor = scale * min(size[0] / rows, size[1] / columns)
    mirrored = bool(generator.random() < 0.5)
    cut = [left <= _NEAR_EDGE, left + width >= columns - _NEAR_EDGE]
    cut_left, cut_right = cut[::-1] if mirrored else cut
    wide, tall = width * factor, height * factor

    ranges = (-0.2 * wide, size[1] - 0.8 * wide), (-0.2 * tall, size[0] - 0.8 * tall)
    x, y = (generator.uniform(min(ends), max(ends)) for ends in ranges)
    keep_side, keep_bottom = generator.random(2) < (0.7, 0.8)
    if keep_side and cut_left != cut_right:
        x = 0.0 if cut_left else size[1] - wide
    if keep_bottom and top + height >= rows - _NEAR_EDGE:
        y = size[0] - tall * generator.uniform(0.8, 1)

    angle = np.radians(generator.normal(0, 5))
    turn = factor * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    if mirrored:
        turn[:, 0] *= -1
    # The middle of the person's box comes to be in the middle of the new one.
    middle = np.array([left + width / 2, top + height / 2])
    shift = np.array([x + wide / 2, y + tall / 2]) - turn @ middle
    return np.column_stack([turn, shift])
