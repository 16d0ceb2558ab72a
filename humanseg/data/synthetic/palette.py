"""Colours and fabrics, shared by people and backgrounds.

Clothes, walls, curtains and clutter draw from one pool, and wood, clay and sand from the range
of skin and hair, so that the colour of a pixel says little about what it belongs to.
"""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.float32]
Fabric = Callable[[Image, Image], Image]
"""Two (h, w) grids of positions in head heights -> (h, w, 3) RGB colours in [0, 1]."""

CLOTH = (
    "264653 2a9d8f e9c46a f4a261 e76f51 8ecae6 219ebc 023047 ffb703 fb8500 606c38 283618 fefae0 "
    "dda15e bc6c25 cdb4db ffc8dd a2d2ff 6d6875 b5838d 3d405b 81b29a f2cc8f e07a5f d62828 f1faee "
    "457b9d 1d3557 2b2d42 8d99ae edf2f4 9b2226 94d2bd 5f0f40 4a4e69 22223b c9ada7 556b2f d8e2dc"
).split()
SKIN = "ffe0c7 f6cdb0 efbb96 e0a57c c98b62 a96f4a 85553a 613d2b".split()
HAIR = "191512 2e211b 4a3022 6b4429 8d5b30 b58048 d9b271 8c8a88 d9d6d0 8f3b20".split()


def from_hex(code: str) -> Image:
    """Turn "rrggbb" into (3,) RGB in [0, 1]."""
    return np.frombuffer(bytes.fromhex(code), np.uint8).astype(np.float32) / np.float32(255)


def pick(rng: np.random.Generator, codes: list[str], spread: float = 0.04) -> Image:
    """Draw a colour (3,) of a pool "rrggbb" and move each channel by the deviation `spread`."""
    colour = from_hex(codes[rng.integers(len(codes))])
    moved = colour + rng.normal(0, spread, 3) + rng.normal(0, spread)
    return np.clip(moved, 0.02, 0.98).astype(np.float32)


def any_colour(rng: np.random.Generator) -> Image:
    """Draw a colour of anything: mostly of cloth, at times of skin or hair."""
    pool = (CLOTH, SKIN, HAIR)[rng.choice(3, p=(0.62, 0.26, 0.12))]
    return pick(rng, pool, 0.05)


def noise(rng: np.random.Generator, shape: tuple[int, int], cell: float) -> Image:
    """Draw smooth noise of `shape` with grains of `cell` pixels, at least 1, about zero."""
    rows, columns = (int(np.ceil(side / cell)) + 2 for side in shape)
    coarse = rng.standard_normal((rows, columns), np.float32)
    return cv2.resize(coarse, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC).astype(
        np.float32
    )


def plain(colour: Image) -> Fabric:
    """Return the fabric of one colour."""
    return lambda x, y: np.broadcast_to(colour, (*x.shape, 3)).astype(np.float32)


def rgb(red: float, green: float, blue: float) -> Image:
    """Return (3,) RGB in [0, 1]."""
    return np.array([red, green, blue], np.float32)


def strands(colour: Image) -> Fabric:
    """Return the fabric of hair."""

    def colours(x: Image, y: Image) -> Image:
        waves = 1 + 0.18 * np.sin(46 * x + 5 * np.sin(5 * y)) * np.sin(31 * x - 3 * y)
        return (colour * waves[..., None]).astype(np.float32)

    return colours


def _mix(first: Image, second: Image, amount: Image) -> Image:
    return first + (second - first) * amount[..., None]


def _weave(rng: np.random.Generator, grain: float) -> Fabric:
    """Grey noise of a fixed tile, repeated over the plane: (h, w, 1) around zero."""
    tile = rng.normal(0, 1, (64, 64)).astype(np.float32)

    def sample(x: Image, y: Image) -> Image:
        columns, rows = np.mod(x / grain, 64), np.mod(y / grain, 64)
        grey = cv2.remap(tile, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
        return grey.astype(np.float32)[..., None]

    return sample


def draw_fabric(rng: np.random.Generator, colour: Callable[..., Image] | None = None) -> Fabric:
    """Draw a fabric: plain, striped, checked, dotted, faded or printed, with a weave.

    `colour` draws a colour from `rng`; by default one of cloth.
    """
    draw = colour or (lambda source: pick(source, CLOTH))
    first, second = draw(rng), draw(rng)
    kind = rng.choice(
        ["plain", "stripes", "checks", "dots", "fade", "print"], p=(0.34, 0.2, 0.13, 0.1, 0.1, 0.13)
    )
    turn, period = rng.choice([0.0, 0.0, np.pi / 2, 0.7]), rng.uniform(0.16, 0.5)
    share, strength = rng.uniform(0.25, 0.6), rng.uniform(0.06, 0.11)
    weave, blotches = _weave(rng, rng.uniform(0.02, 0.05)), _weave(rng, rng.uniform(0.12, 0.25))

    def colours(x: Image, y: Image) -> Image:
        along = (np.sin(turn) * x + np.cos(turn) * y).astype(np.float32)
        across = (np.cos(turn) * x - np.sin(turn) * y).astype(np.float32)
        bands = (np.mod(along / period, 1) < share).astype(np.float32)
        if kind == "stripes":
            cloth = _mix(first, second, bands)
        elif kind == "checks":
            cloth = _mix(first, second, (bands + (np.mod(across / period, 1) < share)) / 2)
        elif kind == "dots":
            radius = np.hypot(np.mod(along / period, 1) - 0.5, np.mod(across / period, 1) - 0.5)
            cloth = _mix(first, second, (radius < share * 0.5).astype(np.float32))
        elif kind == "fade":
            cloth = _mix(first, second, np.clip(0.5 + along * 0.3, 0, 1))
        elif kind == "print":
            cloth = _mix(first, second, (blotches(x, y)[..., 0] > 0.6).astype(np.float32))
        else:
            cloth = plain(first)(x, y)
        return (cloth * (1 + strength * weave(x, y))).astype(np.float32)

    return colours
