"""Heads: face, hair, hats and glasses, in head heights about the base of the neck."""

import numpy as np

from humanseg.data.synthetic.canvas import (
    Canvas,
    Placement,
    Points,
    capsule,
    ellipse,
    mirrored,
    outline,
    smooth,
    turned,
)
from humanseg.data.synthetic.palette import Fabric, plain, rgb, strands
from humanseg.data.synthetic.traits import HeadTraits

CENTRE = np.array([0.0, -0.76])

_FACE = outline("0,-0.5 0.22,-0.46 0.36,-0.2 0.37,0.05 0.3,0.3 0.16,0.47 0,0.52")
_CROWN = {
    "short": outline("0,-0.58 0.24,-0.54 0.41,-0.3 0.41,0.02 0.35,0.02 0.3,-0.24 0,-0.3"),
    "shaved": outline("0,-0.53 0.23,-0.49 0.37,-0.25 0.38,-0.02 0.33,-0.1 0.24,-0.33 0,-0.37"),
    "curtain": outline("0,-0.6 0.27,-0.55 0.46,-0.25 0.48,0.2 0.35,0.25 0.33,-0.1 0,-0.42"),
}


def _placed(points: Points, head: HeadTraits) -> Points:
    """Move points about the middle of the head to the person's own axes."""
    return turned(np.asarray(points, float), head.turn) + CENTRE


def paint_behind(canvas: Canvas, place: Placement, head: HeadTraits) -> None:
    """Paint the hair that hangs behind neck and shoulders."""
    hair = strands(head.hair)
    if head.hat == "scarf":
        shawl = mirrored([(0, -0.2), (0.5, -0.1), (0.56, 0.6), (0.4, 0.95), (0, 1.0)])
        canvas.paint(_placed(smooth(shawl), head), head.hat_fabric, place)
    elif head.style == "long":
        mane = mirrored([(0, -0.5), (0.45, -0.3), (0.52, 0.4), (0.6, 1.15), (0.3, 1.4), (0, 1.35)])
        canvas.paint(_placed(smooth(mane), head), hair, place)
    elif head.style == "bob":
        bob = mirrored(
            [(0, -0.55), (0.44, -0.3), (0.52, 0.25), (0.46, 0.55), (0.2, 0.58), (0, 0.5)]
        )
        canvas.paint(_placed(smooth(bob), head), hair, place)
    elif head.style == "tail":
        tail = [(0.1, -0.5), (0.55, -0.45), (0.72, 0.2), (0.58, 0.75), (0.5, 0.2), (0.35, -0.15)]
        canvas.paint(_placed(smooth(tail), head), hair, place)
    elif head.style == "bun" and head.hat in ("none", "cap"):
        canvas.paint(_placed(ellipse((0, -0.66), 0.21, 0.19), head), hair, place)
    elif head.style == "curly":
        for angle in np.linspace(-2.6, 2.6, 12):
            centre = (0.42 * np.sin(angle), -0.16 - 0.42 * np.cos(angle))
            canvas.paint(_placed(ellipse(centre, 0.2, 0.2), head), hair, place)


def paint_head(canvas: Canvas, place: Placement, head: HeadTraits) -> None:
    """Paint ears, face, hair and hat."""
    skin, hair = plain(head.skin), strands(head.hair)
    for side in (-1, 1):
        canvas.paint(_placed(ellipse((side * 0.38, 0.03), 0.07, 0.12), head), skin, place)
    canvas.paint(_placed(smooth(mirrored(_FACE)), head), skin, place)
    if head.away:
        back = mirrored(
            [(0, -0.58), (0.3, -0.5), (0.42, -0.1), (0.36, 0.3), (0.2, 0.45), (0, 0.47)]
        )
        canvas.paint(_placed(smooth(back), head), hair, place)
    else:
        _paint_face(canvas, place, head)
        crown = {"short": "short", "side": "short", "bun": "short", "tail": "short"}
        crown |= {"shaved": "shaved", "curly": "short", "bob": "curtain", "long": "curtain"}
        canvas.paint(_placed(smooth(mirrored(_CROWN[crown[head.style]])), head), hair, place)
        if head.style == "side":
            fringe = outline("-0.38,-0.1 -0.38,-0.45 0,-0.6 0.4,-0.4 0.38,-0.12 0.1,-0.3")
            canvas.paint(_placed(smooth(fringe), head), hair, place)
    _paint_hat(canvas, place, head)


def _paint_face(canvas: Canvas, place: Placement, head: HeadTraits) -> None:
    skin, dark = head.skin, plain(head.hair * 0.75)
    shift = np.array([head.gaze, 0.0])

    def dab(outline: Points, colour: Fabric) -> None:
        canvas.paint(_placed(outline + shift, head), colour, place, relief=0)

    if head.beard:
        beard = mirrored(
            [(0, 0.2), (0.2, 0.17), (0.36, 0.02), (0.33, 0.32), (0.18, 0.52), (0, 0.56)]
        )
        canvas.paint(_placed(smooth(beard), head), strands(head.hair), place)
    for side in (-1, 1):
        dab(ellipse((side * 0.22, 0.17), 0.08, 0.06), plain(skin * 0.8 + rgb(0.18, 0.06, 0.06)))
        dab(ellipse((side * 0.15, 0.0), 0.065, 0.042), plain(rgb(0.96, 0.95, 0.93)))
        dab(
            ellipse((side * 0.15 + 0.3 * head.gaze, 0.0), 0.035, 0.04), plain(rgb(0.12, 0.09, 0.08))
        )
        dab(capsule((side * 0.08, -0.125), (side * 0.23, -0.1), 0.02, 0.014), dark)
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
            dab(ellipse((side * 0.15, 0.0), 0.035, 0.04), plain(rgb(0.12, 0.09, 0.08)))


def _paint_hat(canvas: Canvas, place: Placement, head: HeadTraits) -> None:
    def put(outline: Points) -> None:
        canvas.paint(_placed(outline, head), head.hat_fabric, place)

    if head.hat == "beanie":
        put(smooth(mirrored([(0, -0.68), (0.28, -0.62), (0.44, -0.3), (0.42, -0.18), (0, -0.2)])))
        put(capsule((-0.36, -0.2), (0.36, -0.2), 0.085, 0.085))
    elif head.hat == "cap":
        put(smooth(mirrored([(0, -0.64), (0.28, -0.58), (0.43, -0.26), (0.3, -0.2), (0, -0.22)])))
        put(smooth(outline("-0.34,-0.24 0,-0.33 0.34,-0.24 0.36,-0.13 0,-0.17 -0.36,-0.13")))
    elif head.hat == "brim":
        put(ellipse((0, -0.26), 0.74, 0.12))
        put(smooth(mirrored([(0, -0.74), (0.26, -0.72), (0.36, -0.45), (0.38, -0.26), (0, -0.22)])))
    elif head.hat == "scarf" and not head.away:
        half = outline("0,-0.6 0.3,-0.53 0.47,-0.15 0.42,0.3 0.24,0.58 0.2,0.42 0.3,0.2")
        put(smooth(mirrored([*half, (0.31, -0.1), (0.2, -0.33), (0, -0.38)])))
    elif head.hat == "scarf":
        put(smooth(mirrored([(0, -0.6), (0.3, -0.53), (0.47, -0.1), (0.42, 0.4), (0, 0.6)])))
