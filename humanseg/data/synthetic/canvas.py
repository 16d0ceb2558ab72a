"""Outlines, and a canvas that paints them with shading and keeps an exact mask."""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from humanseg.data.synthetic.palette import Fabric, Image

Points = NDArray[np.float64]
Corners = ArrayLike | str
"""Points (n, 2); as text, "x,y x,y"."""
Paint = Callable[..., None]
"""`Canvas.paint` with the placement of a person, or of a head, filled in."""

SUPERSAMPLING = 3
_SHIFT = 4  # cv2 takes polygon corners as integers with this many binary places
_INK = 0.62  # how dark a contour is against the colour it surrounds


def ellipse(centre: ArrayLike, rx: float, ry: float, turn: float = 0.0) -> Points:
    """Return the outline (48, 2) of an ellipse turned by `turn` radians."""
    angles = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    flat = np.stack([rx * np.cos(angles), ry * np.sin(angles)], 1)
    return turned(flat, turn) + np.asarray(centre, float)


def turned(points: Points, angle: float) -> Points:
    """Turn (n, 2) points about the origin by `angle` radians."""
    cos, sin = np.cos(angle), np.sin(angle)
    return points @ np.array([[cos, sin], [-sin, cos]])


def capsule(start: ArrayLike, end: ArrayLike, r_start: float, r_end: float) -> Points:
    """Return the outline (n, 2) of a limb: the convex hull of a circle at either end."""
    circles = np.concatenate([ellipse(start, r_start, r_start), ellipse(end, r_end, r_end)])
    return cv2.convexHull(circles.astype(np.float32))[:, 0].astype(float)


def smooth(corners: Corners) -> Points:
    """Return a closed curve (8n, 2) through `corners` (n, 2).

    A uniform Catmull-Rom spline (Catmull and Rom 1974, "A class of local interpolating
    splines", section 3).
    """
    p1 = _points(corners)
    p0, p2, p3 = np.roll(p1, 1, 0), np.roll(p1, -1, 0), np.roll(p1, -2, 0)
    t = np.linspace(0, 1, 8, endpoint=False)[:, None, None]
    curve = 0.5 * (
        2 * p1
        + (p2 - p0) * t
        + (2 * p0 - 5 * p1 + 4 * p2 - p3) * t**2
        + (3 * p1 - p0 - 3 * p2 + p3) * t**3
    )
    return curve.transpose(1, 0, 2).reshape(-1, 2)


def symmetric(right: Corners) -> Points:
    """Return a closed curve whose right half is given from top to bottom."""
    half = _points(right)
    return smooth(np.concatenate([half, (half * (-1, 1))[::-1]]))


def _points(corners: Corners) -> Points:
    if isinstance(corners, str):
        corners = [corner.split(",") for corner in corners.split()]
    return np.array(corners, float)


@dataclass
class Placement:
    """Where a person stands: from head heights about the base of the neck to photo pixels."""

    origin: tuple[float, float]
    head: float
    lean: float

    def to_photo(self, points: Points) -> Points:
        """Move (n, 2) points, as (x, y) in head heights, to photo pixels."""
        return turned(points, self.lean) * self.head + self.origin

    def from_photo(self, x: Image, y: Image) -> tuple[Image, Image]:
        """Move grids of photo pixels to head heights."""
        flat = np.stack([x.ravel() - self.origin[0], y.ravel() - self.origin[1]], 1)
        back = (turned(flat, -self.lean) / self.head).astype(np.float32)
        return back[:, 0].reshape(x.shape), back[:, 1].reshape(x.shape)


class Canvas:
    """A supersampled sheet that people are painted on, part over part.

    `light` is a unit vector (x, y) from the scene towards the light.
    """

    def __init__(self, rows: int, columns: int, light: tuple[float, float]) -> None:
        self.rows, self.columns, self.light = rows, columns, light
        shape = (rows * SUPERSAMPLING, columns * SUPERSAMPLING)
        self.colour = np.zeros((*shape, 3), np.float32)
        self.covered = np.zeros(shape, np.uint8)

    def paint(self, outline: Points, fabric: Fabric, where: Placement, relief: float = 1.0) -> None:
        """Paint one part, (n, 2) corners in head heights, over all earlier ones.

        `relief` is how round it looks: 0 is flat and without a contour.
        """
        corners = where.to_photo(outline)
        sigma = float(max(1.0, 0.16 * min(np.ptp(corners, axis=0))))
        margin = int(2 * sigma) + 2
        # The window may reach beyond the frame: shading must not darken along the frame.
        low = np.maximum(np.floor(corners.min(0)) - 2, -margin).astype(int)
        high = np.minimum(
            np.ceil(corners.max(0)) + 2, (self.columns + margin, self.rows + margin)
        ).astype(int)
        if (high <= low).any():
            return
        width, height = (high - low) * SUPERSAMPLING
        part = np.zeros((height, width), np.uint8)
        fixed = np.round((corners - low) * SUPERSAMPLING * (1 << _SHIFT)).astype(np.int32)
        cv2.fillPoly(part, [fixed], 255, shift=_SHIFT)
        top, left = np.maximum(low[::-1], 0) * SUPERSAMPLING
        bottom, right = np.minimum(high[::-1], (self.rows, self.columns)) * SUPERSAMPLING
        if bottom <= top or right <= left:
            return
        window = (slice(top, bottom), slice(left, right))
        dy, dx = low[::-1] * SUPERSAMPLING
        inside = (slice(top - dy, bottom - dy), slice(left - dx, right - dx))
        shade = _shade(part, sigma, relief, self.light)[inside]
        part = part[inside]
        y, x = np.mgrid[window].astype(np.float32) / SUPERSAMPLING
        painted = fabric(*where.from_photo(x, y)) * shade[..., None]
        np.copyto(self.colour[window], painted, where=part[..., None] > 0)
        self.covered[window] |= part

    def flatten(self, background: Image) -> tuple[Image, NDArray[np.uint8]]:
        """Lay the people over a background.

        Returns the image, and a mask in {0, 1}: 1 where people cover at least half of a pixel.
        """
        size = (self.columns, self.rows)
        alpha = cv2.resize(
            (self.covered > 0).astype(np.float32), size, interpolation=cv2.INTER_AREA
        )
        people = cv2.resize(self.colour, size, interpolation=cv2.INTER_AREA)
        image = people + background * (1 - alpha[..., None])
        return image.astype(np.float32), (alpha >= 0.5).astype(np.uint8)


def _shade(
    part: NDArray[np.uint8], sigma: float, relief: float, light: tuple[float, float]
) -> Image:
    """Return the brightness (h, w) of a part: round towards the light, with an inked contour."""
    if relief == 0:
        return np.ones(part.shape, np.float32)
    size = (part.shape[1] // SUPERSAMPLING, part.shape[0] // SUPERSAMPLING)
    flat = cv2.resize(part, size, interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    depth = cv2.GaussianBlur(flat, (0, 0), sigma)
    # 32 times the derivative: Scharr's kernel weighs 3 + 10 + 3 over a step of two pixels.
    slope = (
        cv2.Scharr(depth, cv2.CV_32F, 1, 0) * light[0]
        + cv2.Scharr(depth, cv2.CV_32F, 0, 1) * light[1]
    )
    shade = 1 - relief * (1.5 * sigma * slope / 32 + 0.3 * (1 - depth))
    full = cv2.resize(shade.astype(np.float32), part.shape[::-1], interpolation=cv2.INTER_LINEAR)
    core = cv2.erode(part, np.ones((3, 3), np.uint8), iterations=2)
    full[(part > 0) & (core == 0)] *= _INK
    return full.astype(np.float32)
