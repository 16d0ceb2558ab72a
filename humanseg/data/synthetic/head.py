"""Heads: face, hair, hats and glasses, in head heights about the base of the neck."""

from functools import partial

import numpy as np

from humanseg.data.synthetic.canvas import (
    Paint,
    Points,
    capsule,
    ellipse,
    smooth,
    symmetric,
    turned,
)
from humanseg.data.synthetic.palette import Fabric, plain, rgb, strands
from humanseg.data.synthetic.traits import HeadTraits

CENTRE = np.array([0.0, -0.76])

_FACE = symmetric("0,-0.5 0.22,-0.46 0.36,-0.2 0.37,0.05 0.3,0.3 0.16,0.47 0,0.52")
_SHORT = symmetric("0,-0.58 0.24,-0.54 0.41,-0.3 0.41,0.02 0.35,0.02 0.3,-0.24 0,-0.3")
_SHAVED = symmetric("0,-0.53 0.23,-0.49 0.37,-0.25 0.38,-0.02 0.33,-0.1 0.24,-0.33 0,-0.37")
_CURTAIN = symmetric("0,-0.6 0.27,-0.55 0.46,-0.25 0.48,0.2 0.35,0.25 0.33,-0.1 0,-0.42")
_CROWN = {"shaved": _SHAVED, "bob": _CURTAIN, "long": _CURTAIN}
"""The hair above a face, where it is not short."""


def head_painter(paint: Paint, head: HeadTraits) -> Paint:
    """Return a function that paints about the middle of a head, on the person's own axes."""

    def put(shape: Points, fabric: Fabric, relief: float = 1.0) -> None:
        paint(turned(shape, head.turn) + CENTRE, fabric, relief=relief)

    return put


def paint_behind(put: Paint, head: HeadTraits) -> None:
    """Paint the hair that hangs behind neck and shoulders."""
    hair = strands(head.hair)
    if head.hat == "scarf":
        put(symmetric("0,-0.2 0.5,-0.1 0.56,0.6 0.4,0.95 0,1.0"), head.hat_fabric)
    elif head.style == "long":
        put(symmetric("0,-0.5 0.45,-0.3 0.52,0.4 0.6,1.15 0.3,1.4 0,1.35"), hair)
    elif head.style == "bob":
        put(symmetric("0,-0.55 0.44,-0.3 0.52,0.25 0.46,0.55 0.2,0.58 0,0.5"), hair)
    elif head.style == "tail":
        put(smooth("0.1,-0.5 0.55,-0.45 0.72,0.2 0.58,0.75 0.5,0.2 0.35,-0.15"), hair)
    elif head.style == "bun" and head.hat in ("none", "cap"):
        put(ellipse((0, -0.66), 0.21, 0.19), hair)
    elif head.style == "curly":
        for angle in np.linspace(-2.6, 2.6, 12):
            centre = (0.42 * np.sin(angle), -0.16 - 0.42 * np.cos(angle))
            put(ellipse(centre, 0.2, 0.2), hair)


def paint_head(put: Paint, head: HeadTraits) -> None:
    """Paint ears, face, hair and hat."""
    skin, hair = plain(head.skin), strands(head.hair)
    for side in (-1, 1):
        put(ellipse((side * 0.38, 0.03), 0.07, 0.12), skin)
    put(_FACE, skin)
    if head.away:
        put(symmetric("0,-0.58 0.3,-0.5 0.42,-0.1 0.36,0.3 0.2,0.45 0,0.47"), hair)
    else:
        _paint_face(put, head)
        put(_CROWN.get(head.style, _SHORT), hair)
        if head.style == "side":
            fringe = "-0.38,-0.1 -0.38,-0.45 0,-0.6 0.4,-0.4 0.38,-0.12 0.1,-0.3"
            put(smooth(fringe), hair)
    _paint_hat(partial(put, fabric=head.hat_fabric), head)


def _paint_face(put: Paint, head: HeadTraits) -> None:
    skin, pupil = head.skin, plain(rgb(0.12, 0.09, 0.08))
    shift = np.array([head.gaze, 0.0])

    def dab(shape: Points, colour: Fabric) -> None:
        put(shape + shift, colour, relief=0)

    if head.beard:
        beard = symmetric("0,0.2 0.2,0.17 0.36,0.02 0.33,0.32 0.18,0.52 0,0.56")
        put(beard, strands(head.hair))
    for side in (-1, 1):
        dab(ellipse((side * 0.22, 0.17), 0.08, 0.06), plain(skin * 0.8 + rgb(0.18, 0.06, 0.06)))
        dab(ellipse((side * 0.15, 0.0), 0.065, 0.042), plain(rgb(0.96, 0.95, 0.93)))
        dab(ellipse((side * 0.15 + 0.3 * head.gaze, 0.0), 0.035, 0.04), pupil)
        brow = capsule((side * 0.08, -0.125), (side * 0.23, -0.1), 0.02, 0.014)
        dab(brow, plain(head.hair * 0.75))
    dab(capsule((0.0, 0.02), (0.02, 0.16), 0.016, 0.034), plain(skin * 0.78))
    for side in (-1, 1):
        smile = capsule((0, 0.315), (side * 0.1, 0.28), 0.024, 0.014)
        dab(smile, plain(skin * rgb(0.82, 0.48, 0.48)))
    if head.glasses:
        frame = plain(rgb(0.1, 0.1, 0.12))
        dab(capsule((-0.36, -0.02), (0.36, -0.02), 0.014, 0.014), frame)
        for side in (-1, 1):
            dab(ellipse((side * 0.155, 0.0), 0.125, 0.105), frame)
            dab(ellipse((side * 0.155, 0.0), 0.1, 0.08), plain(skin * 0.6 + 0.3))
            dab(ellipse((side * 0.15, 0.0), 0.035, 0.04), pupil)


def _paint_hat(put: Paint, head: HeadTraits) -> None:
    if head.hat == "beanie":
        put(symmetric("0,-0.68 0.28,-0.62 0.44,-0.3 0.42,-0.18 0,-0.2"))
        put(capsule((-0.36, -0.2), (0.36, -0.2), 0.085, 0.085))
    elif head.hat == "cap":
        put(symmetric("0,-0.64 0.28,-0.58 0.43,-0.26 0.3,-0.2 0,-0.22"))
        put(smooth("-0.34,-0.24 0,-0.33 0.34,-0.24 0.36,-0.13 0,-0.17 -0.36,-0.13"))
    elif head.hat == "brim":
        put(ellipse((0, -0.26), 0.74, 0.12))
        put(symmetric("0,-0.74 0.26,-0.72 0.36,-0.45 0.38,-0.26 0,-0.22"))
    elif head.hat == "scarf" and not head.away:
        outer = "0,-0.6 0.3,-0.53 0.47,-0.15 0.42,0.3 0.24,0.58"
        inner = "0.2,0.42 0.3,0.2 0.31,-0.1 0.2,-0.33 0,-0.38"
        put(symmetric(f"{outer} {inner}"))
    elif head.hat == "scarf":
        put(symmetric("0,-0.6 0.3,-0.53 0.47,-0.1 0.42,0.4 0,0.6"))
