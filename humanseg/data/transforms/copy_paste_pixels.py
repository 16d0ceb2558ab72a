"""The pixels of copy-paste: cutting people out of photos and blending them into others."""

from collections.abc import Sequence
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from humanseg.data.labelled_photo import LabelledPhoto, Pixels

# OpenCV's own threads fight torch's and those of the workers.
cv2.setNumThreads(0)

Matrix = NDArray[np.float64]
"""(2, 3): where a point of a photo comes to be, as OpenCV's warpAffine takes it."""

_Number = TypeVar("_Number", np.uint8, np.float32)

_FRINGE = 7
"""Pixels: how wide a brush goes along a person's outline to take it out of a background."""


def warp(photo: LabelledPhoto, matrix: Matrix, size: tuple[int, int]) -> LabelledPhoto:
    """Move, turn and scale a photo to a result of height and width `size`.

    Beyond its edges all is black, and nobody there. The mask's edge falls where half of a pixel is
    person.
    """
    layers = LabelledPhoto(photo.photo, photo.mask * np.uint8(255), photo.soft)
    scale = float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))
    if scale < 0.7:
        # Warping samples single pixels; averaging first keeps what shrinks free of moiré.
        height, width = (max(1, round(side * scale)) for side in photo.size)
        layers = layers.map(lambda layer: _resized(layer, (width, height), cv2.INTER_AREA))
        enlarge = np.diag([photo.size[1] / width, photo.size[0] / height])
        matrix = np.hstack([matrix[:, :2] @ enlarge, matrix[:, 2:]])
    result = layers.map(
        lambda layer: np.asarray(cv2.warpAffine(layer, matrix, size[::-1]), np.uint8)
    )
    return result._replace(mask=(result.mask > 127).astype(np.uint8))


def feathered(mask: Pixels, width: float) -> NDArray[np.float32]:
    """Soften the edge of a mask by a Gaussian of `width` pixels: float32 in [0, 1]."""
    return np.asarray(cv2.GaussianBlur(mask.astype(np.float32), (0, 0), width), np.float32)


def blend(below: Pixels, above: Pixels, share: NDArray[np.float32]) -> Pixels:
    """Blend two layers; `share` float32 (H, W) in [0, 1] is the weight of the upper one."""
    return np.asarray(cv2.blendLinear(above, below, share, 1 - share), np.uint8)


def paste(
    below: LabelledPhoto, above: LabelledPhoto, feather: float, behind: bool = False
) -> LabelledPhoto:
    """Paste the person of `above` into the scene `below`, of the same size.

    The seam is a Gaussian of `feather` pixels. With `behind`, the scene's own person stands in
    front. The mask holds both people; no pixel outside it is of a pasted one but for the seam.
    """
    share = feathered(above.mask, feather)
    if behind:
        share *= 1 - feathered(below.mask, feather)
    # Not the mask itself: what is thinner than the seam is wide can hardly be seen.
    person = (share > 0.5).astype(np.uint8)
    photo = blend(below.photo, above.photo, share)
    soft = None
    if below.soft is not None and above.soft is not None:
        # It falls off by itself along the outline: by the seam as well, it would shrink the person.
        soft = blend(below.soft, above.soft, np.minimum(2 * share, 1))
    return LabelledPhoto(photo, below.mask | person, soft)


def light(source: LabelledPhoto, scene: LabelledPhoto, gain: float) -> Pixels:
    """Bring a photo's brightness and tint toward a scene's, by factors of at most 1.6.

    The factors are those between the backgrounds of `source` and `scene`, because a dark coat
    stays dark in the sun; one without background changes nothing. A `gain` of 0 is nothing of the
    difference, 1 all of it.
    """
    if not gain:
        return source.photo
    source_mean, scene_mean = (
        cv2.mean(labelled.photo, mask=1 - labelled.mask)[:3] for labelled in (source, scene)
    )
    if min(*source_mean, *scene_mean) < 1:
        return source.photo
    factors = np.clip(np.array(scene_mean) / source_mean, 1 / 1.6, 1.6) ** gain
    table = np.clip(np.arange(256)[:, None] * factors + 0.5, 0, 255).astype(np.uint8)
    return np.asarray(cv2.LUT(source.photo, table[None]), np.uint8)


def without_people(photos: Sequence[LabelledPhoto]) -> Pixels:
    """Make a background without people out of the backgrounds of some photos of one size.

    Where the first one has its person the second one shows, and so on: outlines of people with
    no people in them, from which a net learns that a seam is none. What all of them cover is
    filled smoothly from around it.
    """
    brush = np.ones((_FRINGE, _FRINGE), np.uint8)
    people = [np.asarray(cv2.dilate(photo.mask, brush), np.uint8) for photo in photos]
    background, hole = photos[0].photo.copy(), people[0]
    for photo, person in zip(photos[1:], people[1:], strict=True):
        cv2.copyTo(photo.photo, hole & (1 - person), background)
        hole = hole & person
    return _filled(background, hole)


def _filled(photo: Pixels, hole: Pixels) -> Pixels:
    """Fill a hole smoothly: pull means up a pyramid and push them down again.

    After Gortler et al., "The Lumigraph", SIGGRAPH 1996, section 3.4.
    """
    if not hole.any():
        return photo
    height, width = hole.shape
    # At a quarter of the size: it is smooth anyway. In float only there.
    size = max(1, width // 4), max(1, height // 4)
    black = np.asarray(cv2.copyTo(photo, 1 - hole), np.uint8)
    colours = _resized(black, size, cv2.INTER_AREA)
    known_share = _resized((1 - hole) * np.uint8(255), size, cv2.INTER_AREA) / np.float32(255)
    level = np.dstack([colours, known_share]).astype(np.float32, copy=False)
    levels = [level]
    while min(level.shape[:2]) > 1:
        half = (level.shape[1] + 1) // 2, (level.shape[0] + 1) // 2
        level = _resized(level, half, cv2.INTER_AREA)
        levels.append(level)
    *tint, known_of_all = level.mean(axis=(0, 1))
    grey = np.full(3, 127, np.float32)
    colour = np.broadcast_to(np.float32(tint) / known_of_all if known_of_all else grey, (1, 1, 3))
    for level in reversed(levels):
        # What is known of a cell, even of a part of it; the coarser level says what is not.
        coarser = _resized(colour, (level.shape[1], level.shape[0]), cv2.INTER_LINEAR)
        share = level[..., 3:]
        weight = np.minimum(4 * share, 1)
        colour = weight * level[..., :3] / np.maximum(share, 1e-3) + (1 - weight) * coarser
    fill = _resized(np.clip(colour, 0, 255).astype(np.uint8), (width, height), cv2.INTER_LINEAR)
    cv2.copyTo(fill, hole, photo)
    return photo


def _resized(layer: NDArray[_Number], size: tuple[int, int], how: int) -> NDArray[_Number]:
    """Resize to a width and a height; the type stays."""
    return np.asarray(cv2.resize(layer, size, interpolation=how), layer.dtype)
