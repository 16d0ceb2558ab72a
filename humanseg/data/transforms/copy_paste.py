"""New scenes out of several photos: people before other backgrounds, farther away, in company."""

from collections.abc import Sequence

import cv2
import numpy as np

from humanseg.data.picture import Draw, Picture
from humanseg.data.transforms.copy_paste_pixels import (
    Matrix,
    blend,
    empty_room,
    feathered,
    paste,
    warp,
)
from humanseg.data.transforms.resize import scale_to
from humanseg.errors import HumansegError

_BACKGROUNDS = 3
"""Photos whose backgrounds one new background is made of."""

_NEAR_EDGE = 2
"""Pixels from a photo's edge within which a person is cut off by it."""


class Collage:
    """Copy and paste of people, after Ghiasi et al. 2021 (arXiv 2012.07177), and of backgrounds.

    Parameters
    ----------
    elsewhere
        Probability that the person is put before another background, at another place and scale.
    company
        Probability that people of one or two other photos come in, behind or in front.
    blur
        Probability that the photo's own background, where it is kept, is blurred as by a lens.
    scale
        Smallest and largest scale of a person who is put elsewhere; 1 is as in the own photo.
    company_scale
        The same of those who come in.

    Raises
    ------
    HumansegError
        A probability or a scale is impossible.
    """

    def __init__(
        self,
        elsewhere: float = 0.3,
        company: float = 0.15,
        blur: float = 0.1,
        scale: Sequence[float] = (0.25, 1.2),
        company_scale: Sequence[float] = (0.5, 1.0),
    ) -> None:
        probabilities = {"elsewhere": elsewhere, "company": company, "blur": blur}
        for name, value in probabilities.items():
            if not 0 <= value <= 1:
                raise HumansegError(f"augmentation.collage.{name}={value} must lie in [0, 1].")
        for name, pair in {"scale": scale, "company_scale": company_scale}.items():
            if len(pair) != 2 or not 0 < pair[0] <= pair[1] <= 4:
                raise HumansegError(
                    f"augmentation.collage.{name}={list(pair)} must be two numbers, the smaller "
                    "first, above 0 and at most 4."
                )
        self._elsewhere = elsewhere
        self._company = company
        self._blur = blur
        self._scale = scale
        self._company_scale = company_scale

    def __call__(self, picture: Picture, others: Draw, generator: np.random.Generator) -> Picture:
        """Make a scene.

        Parameters
        ----------
        picture
            The photo that the scene is about; it is left as it is.
        others
            Draws another photo, of any size.
        generator
            All that is random follows from it.

        Returns
        -------
        Picture
            Of the photo's size. The mask holds everybody in the scene.
        """
        if generator.random() < self._elsewhere:
            picture = self._put_elsewhere(picture, others, generator)
        elif generator.random() < self._blur:
            picture = blur_background(picture, generator.uniform(1.5, 6))
        if generator.random() < self._company:
            for _ in range(generator.integers(1, 3)):
                picture = self._join(picture, others, generator)
        return picture

    def _put_elsewhere(
        self, picture: Picture, others: Draw, generator: np.random.Generator
    ) -> Picture:
        room = another_room(others, picture.size, generator)
        if picture.soft is not None:
            room = room._replace(soft=room.mask)
        return self._pasted(room, picture, self._scale, False, generator)

    def _join(self, scene: Picture, others: Draw, generator: np.random.Generator) -> Picture:
        other = others(generator)
        behind = bool(generator.random() < 0.7)
        return self._pasted(scene, other, self._company_scale, behind, generator)

    def _pasted(
        self,
        scene: Picture,
        source: Picture,
        scales: Sequence[float],
        behind: bool,
        generator: np.random.Generator,
    ) -> Picture:
        scale = float(np.exp(generator.uniform(*np.log(scales))))
        person = warp(source, placement(source, scene.size, scale, generator), scene.size)
        feather, gain = generator.uniform(0.5, 1.2), generator.uniform(0, 0.8)
        return paste(scene, person, feather, behind, gain)


def another_room(others: Draw, size: tuple[int, int], generator: np.random.Generator) -> Picture:
    """Make a scene of `size` without people out of the backgrounds of a few other photos."""
    drawn = [others(generator) for _ in range(_BACKGROUNDS)]
    # The one that shows most of its background shows most in the new one.
    drawn.sort(key=lambda one: float(one.mask.mean()))
    photo = empty_room([covering(one, size, generator) for one in drawn])
    return Picture(photo, np.zeros(size, np.uint8))


def blur_background(picture: Picture, width: float) -> Picture:
    """Blur what is not person, as a wide lens or a phone's portrait mode does.

    Parameters
    ----------
    picture
        Of any size.
    width
        Standard deviation of the blur in pixels, at least 1.

    Returns
    -------
    Picture
        With the same mask.
    """
    height, width_ = picture.size
    # At half the size: a quarter of the time, and it is blurred anyway.
    small = cv2.resize(
        picture.photo, (max(1, width_ // 2), max(1, height // 2)), interpolation=cv2.INTER_AREA
    )
    small = cv2.GaussianBlur(small, (0, 0), width / 2)
    blurred = cv2.resize(small, (width_, height), interpolation=cv2.INTER_LINEAR)
    photo = blend(blurred.astype(np.uint8, copy=False), picture.photo, feathered(picture.mask, 1.0))
    return picture._replace(photo=photo)


def covering(picture: Picture, size: tuple[int, int], generator: np.random.Generator) -> Picture:
    """Cut a random window out of a picture, mirrored or not, and scale it to `size`."""
    # The largest window of the scene's shape, and down to 1 / 1.6 of it.
    height, width = picture.size
    scale = max(size[0] / height, size[1] / width) * np.exp(generator.uniform(0, np.log(1.6)))
    rows, columns = (max(1, round(side / scale)) for side in size)
    top = int(generator.integers(max(0, height - rows) + 1))
    left = int(generator.integers(max(0, width - columns) + 1))
    window = picture.map(lambda layer: layer[top : top + rows, left : left + columns])
    if generator.random() < 0.5:
        window = window.map(lambda layer: layer[:, ::-1])
    return scale_to(window.contiguous(), size)


def placement(
    picture: Picture, size: tuple[int, int], scale: float, generator: np.random.Generator
) -> Matrix:
    """Choose where a person comes to stand in a scene.

    Who is cut off by an edge of the photo mostly stays at that edge of the scene: a body ends
    there, and nowhere else.

    Parameters
    ----------
    picture
        The person's photo.
    size
        Height and width of the scene.
    scale
        Of the person, where 1 is the size in a photo that fits into the scene.
    generator
        Place, tilt and mirroring follow from it.

    Returns
    -------
    ndarray
        float64 (2, 3): from points of the photo to points of the scene.
    """
    left, top, width, height = cv2.boundingRect(picture.mask)
    rows, columns = picture.size
    factor = scale * min(size[0] / rows, size[1] / columns)
    mirrored = bool(generator.random() < 0.5)
    cut = [left <= _NEAR_EDGE, left + width >= columns - _NEAR_EDGE]
    cut_left, cut_right = cut[::-1] if mirrored else cut
    wide, tall = width * factor, height * factor

    x, y = (
        generator.uniform(*_ordered(-0.2 * length, space - 0.8 * length))
        for length, space in ((wide, size[1]), (tall, size[0]))
    )
    keep_side, keep_bottom = generator.random(2) < (0.7, 0.8)
    if keep_side and cut_left != cut_right:
        x = 0.0 if cut_left else size[1] - wide
    if keep_bottom and top + height >= rows - _NEAR_EDGE:
        y = size[0] - tall * generator.uniform(0.8, 1)

    angle = np.radians(generator.normal(0, 5))
    turn = factor * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    if mirrored:
        turn[:, 0] *= -1
    # The middle of the person's box comes to lie in the middle of the new one.
    middle = np.array([left + width / 2, top + height / 2])
    shift = np.array([x + wide / 2, y + tall / 2]) - turn @ middle
    return np.column_stack([turn, shift])


def _ordered(one: float, other: float) -> tuple[float, float]:
    return min(one, other), max(one, other)
