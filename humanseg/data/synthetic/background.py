"""Backgrounds: rooms, streets and gardens, full of things in the colours of people."""

from collections.abc import Callable

import cv2
import numpy as np

from humanseg.data.synthetic.canvas import Points, capsule, ellipse, smooth
from humanseg.data.synthetic.palette import (
    Fabric,
    Image,
    any_colour,
    draw_fabric,
    noise,
    pick,
    plain,
)

_SHIFT = 4


class Scene:
    """A photo in progress, painted in units of `unit` pixels of texture."""

    def __init__(self, rows: int, columns: int, rng: np.random.Generator) -> None:
        self.rows, self.columns, self.rng = rows, columns, rng
        self.scale = min(rows / 320, columns / 240)
        self.image = np.zeros((rows, columns, 3), np.float32)
        self.y, self.x = np.mgrid[:rows, :columns].astype(np.float32)

    def fill(self, outline: Points, fabric: Fabric, shade: float = 0.25) -> None:
        """Paint an outline (n, 2), in pixels, darker by `shade` from its left to its right."""
        mask = np.zeros((self.rows, self.columns), np.uint8)
        fixed = np.round(np.asarray(outline) * (1 << _SHIFT)).astype(np.int32)
        cv2.fillPoly(mask, [fixed], 255, lineType=cv2.LINE_AA, shift=_SHIFT)
        x0, y0, width, height = cv2.boundingRect(mask)
        if width == 0:
            return
        window = (slice(y0, y0 + height), slice(x0, x0 + width))
        unit = 60 * self.scale
        colour = fabric(self.x[window] / unit, self.y[window] / unit)
        ramp = 1 + shade * (0.5 - (self.x[window] - x0) / width)[..., None]
        alpha = mask[window][..., None].astype(np.float32) / 255
        self.image[window] += alpha * (colour * ramp - self.image[window])

    def box(self, left: float, top: float, right: float, bottom: float, fabric: Fabric) -> None:
        """Paint a rectangle given in pixels."""
        corners = [(left, top), (right, top), (right, bottom), (left, bottom)]
        self.fill(np.array(corners, float), fabric)

    def cloth(self) -> Fabric:
        """Draw a fabric in the colours of anything."""
        return draw_fabric(self.rng, any_colour)

    def point(self, low: float = 0.0, high: float = 1.0) -> Points:
        """Draw a place (x, y) whose height is between two shares of the photo's."""
        share = (self.rng.uniform(-0.05, 1.05), self.rng.uniform(low, high))
        return np.array(share) * (self.columns, self.rows)


def _plant(scene: Scene) -> None:
    rng, foot, size = scene.rng, scene.point(0.45, 1.0), scene.scale * scene.rng.uniform(35, 80)
    for _ in range(rng.integers(7, 15)):
        turn, length = rng.uniform(-1.3, 1.3), size * rng.uniform(0.6, 1.2)
        tip = foot + length * np.array([np.sin(turn), -np.cos(turn)])
        green = pick(rng, ["606c38", "283618", "81b29a", "556b2f", "2a9d8f", "7a8b45"], 0.05)
        leaf = ellipse((foot + tip) / 2, length * rng.uniform(0.08, 0.2), length / 2, turn)
        scene.fill(leaf, plain(green), 0.5)
    pot = np.array([(-0.3, -0.1), (0.3, -0.1), (0.22, 0.55), (-0.22, 0.55)]) * size + foot
    scene.fill(pot, scene.cloth(), 0.5)


def _pole(scene: Scene) -> None:
    width = scene.scale * scene.rng.uniform(4, 16)
    ends = scene.point(-0.1, 0.3), scene.point(0.6, 1.1)
    foot = np.array([ends[0][0] + scene.rng.normal(0, 30), ends[1][1]])
    scene.fill(capsule(ends[0], foot, width, width * 1.1), scene.cloth(), 0.5)


def _ball(scene: Scene) -> None:
    rx, ry = scene.scale * scene.rng.uniform(12, 42, 2)
    scene.fill(ellipse(scene.point(), rx, ry, scene.rng.uniform(0, 3)), scene.cloth(), 0.5)


def _cushion(scene: Scene) -> None:
    size = scene.scale * scene.rng.uniform(18, 60, 2)
    shape = smooth(np.array([(-1, -1), (0, -0.8), (1, -1), (0.9, 1), (-0.9, 1)]) * size)
    scene.fill(shape + scene.point(0.2), scene.cloth(), 0.4)


def _garment(scene: Scene) -> None:
    """Hang a piece of clothing on the wall, empty."""
    size = scene.scale * scene.rng.uniform(28, 62)
    half = [(0.15, 0), (0.6, 0.12), (1.0, 0.9), (0.75, 1.0), (0.55, 0.6), (0.5, 1.9)]
    both = [*half, *[(-x, y) for x, y in reversed(half)]]
    scene.fill(np.array(both) * size + scene.point(0.0, 0.5), scene.cloth(), 0.3)


def _shelf(scene: Scene) -> None:
    rng, (left, top) = scene.rng, scene.point(0.0, 0.75)
    width, height = scene.scale * rng.uniform(60, 130), scene.scale * rng.uniform(26, 50)
    x = left
    while x < left + width:
        thick = scene.scale * rng.uniform(5, 14)
        scene.box(x, top + height * rng.uniform(0, 0.35), x + thick, top + height, scene.cloth())
        x += thick + 1
    scene.box(left - 5, top + height, left + width + 5, top + height * 1.15, scene.cloth())


def _frame(scene: Scene) -> None:
    rng, (left, top) = scene.rng, scene.point(0.0, 0.5)
    width, height = scene.scale * rng.uniform(35, 90, 2)
    scene.box(left, top, left + width, top + height, scene.cloth())
    edge = 5 * scene.scale
    scene.box(left + edge, top + edge, left + width - edge, top + height - edge, scene.cloth())


def _curtain(scene: Scene) -> None:
    left, width = scene.point()[0], scene.scale * scene.rng.uniform(30, 80)
    scene.box(left, 0, left + width, scene.rows * scene.rng.uniform(0.6, 1.0), scene.cloth())


def _sofa(scene: Scene) -> None:
    rng, left = scene.rng, scene.rng.uniform(-0.3, 0.5) * scene.columns
    width, top = scene.columns * rng.uniform(0.5, 0.9), scene.rows * rng.uniform(0.5, 0.75)
    fabric, deep = scene.cloth(), scene.rows * 0.12
    scene.fill(
        smooth(
            [
                (left, top),
                (left + width, top),
                (left + width, top + 2 * deep),
                (left, top + 2 * deep),
            ]
        ),
        fabric,
    )
    scene.box(left - 12, top + deep, left + width + 12, top + 2.6 * deep, fabric)


_CLUTTER: dict[Callable[[Scene], None], float] = {
    _plant: 0.14,
    _pole: 0.12,
    _ball: 0.14,
    _cushion: 0.14,
    _garment: 0.1,
    _shelf: 0.12,
    _frame: 0.12,
    _curtain: 0.07,
    _sofa: 0.05,
}


def draw_background(rows: int, columns: int, rng: np.random.Generator) -> Image:
    """Draw a place without people, (rows, columns, 3), out of focus as behind a portrait."""
    scene = Scene(rows, columns, rng)
    scene.box(-1, -1, columns, rows, scene.cloth() if rng.random() < 0.6 else draw_fabric(rng))
    floor = rows * rng.uniform(0.55, 1.05)
    scene.box(-1, floor, columns, rows, scene.cloth())
    things = list(_CLUTTER)
    for kind in rng.choice(len(things), int(rng.integers(5, 14)), p=list(_CLUTTER.values())):
        things[kind](scene)
    texture = noise(rng, (rows, columns), 24 * scene.scale) * rng.uniform(0.02, 0.1)
    image = scene.image * (1 + texture[..., None])
    return cv2.GaussianBlur(image, (0, 0), scene.scale * rng.uniform(2.6, 4.4)).astype(np.float32)
