"""Heads: face, hair, hats and glasses, in head heights about the base of the neck."""

import numpy as np

from humanseg.data.synthetic.canvas import (
    Canvas,
    Placement,
    Points,
    capsule,
    ellipse,
    mirrored,
    smooth,
    turned,
)
from humanseg.data.synthetic.palette import Fabric, plain, rgb, strands
from humanseg.data.synthetic.person import Look

CENTRE = np.array([0.0, -0.76])

_FACE = [
    (0.0, -0.5),
    (0.22, -0.46),
    (0.36, -0.2),
    (0.37, 0.05),
    (0.3, 0.3),
    (0.16, 0.47),
    (0, 0.52),
]
_CROWN = {
    "short": [
        (0, -0.58),
        (0.24, -0.54),
        (0.41, -0.3),
        (0.41, 0.02),
        (0.35, 0.02),
        (0.3, -0.24),
        (0, -0.3),
    ],
    "shaved": [
        (0, -0.53),
        (0.23, -0.49),
        (0.37, -0.25),
        (0.38, -0.02),
        (0.33, -0.1),
        (0.24, -0.33),
        (0, -0.37),
    ],
    "curtain": [
        (0, -0.6),
        (0.27, -0.55),
        (0.46, -0.25),
        (0.48, 0.2),
        (0.35, 0.25),
        (0.33, -0.1),
        (0, -0.42),
    ],
}


def _placed(points: Points, look: Look) -> Points:
    """Move points about the middle of the head to the figure's own axes."""
    return turned(np.asarray(points, float), look.turn) + CENTRE


def paint_behind(canvas: Canvas, place: Placement, look: Look) -> None:
    """Paint the hair that hangs behind neck and shoulders."""
    hair = strands(look.hair)
    if look.hat == "scarf":
        shawl = mirrored([(0, -0.2), (0.5, -0.1), (0.56, 0.6), (0.4, 0.95), (0, 1.0)])
        canvas.paint(_placed(smooth(shawl), look), look.hat_fabric, place)
    elif look.style == "long":
        mane = mirrored([(0, -0.5), (0.45, -0.3), (0.52, 0.4), (0.6, 1.15), (0.3, 1.4), (0, 1.35)])
        canvas.paint(_placed(smooth(mane), look), hair, place)
    elif look.style == "bob":
        bob = mirrored(
            [(0, -0.55), (0.44, -0.3), (0.52, 0.25), (0.46, 0.55), (0.2, 0.58), (0, 0.5)]
        )
        canvas.paint(_placed(smooth(bob), look), hair, place)
    elif look.style == "tail":
        tail = [(0.1, -0.5), (0.55, -0.45), (0.72, 0.2), (0.58, 0.75), (0.5, 0.2), (0.35, -0.15)]
        canvas.paint(_placed(smooth(tail), look), hair, place)
    elif look.style == "bun" and look.hat in ("none", "cap"):
        canvas.paint(_placed(ellipse((0, -0.66), 0.21, 0.19), look), hair, place)
    elif look.style == "curly":
        for angle in np.linspace(-2.6, 2.6, 12):
            centre = (0.42 * np.sin(angle), -0.16 - 0.42 * np.cos(angle))
            canvas.paint(_placed(ellipse(centre, 0.2, 0.2), look), hair, place)


def paint_head(canvas: Canvas, place: Placement, look: Look) -> None:
    """Paint ears, face, hair and hat."""
    skin, hair = plain(look.skin), strands(look.hair)
    for side in (-1, 1):
        canvas.paint(_placed(ellipse((side * 0.38, 0.03), 0.07, 0.12), look), skin, place)
    canvas.paint(_placed(smooth(mirrored(_FACE)), look), skin, place)
    if look.away:
        back = mirrored(
            [(0, -0.58), (0.3, -0.5), (0.42, -0.1), (0.36, 0.3), (0.2, 0.45), (0, 0.47)]
        )
        canvas.paint(_placed(smooth(back), look), hair, place)
    else:
        _paint_face(canvas, place, look)
        crown = {"short": "short", "side": "short", "bun": "short", "tail": "short"}
        crown |= {"shaved": "shaved", "curly": "short", "bob": "curtain", "long": "curtain"}
        canvas.paint(_placed(smooth(mirrored(_CROWN[crown[look.style]])), look), hair, place)
        if look.style == "side":
            fringe = [
                (-0.38, -0.1),
                (-0.38, -0.45),
                (0, -0.6),
                (0.4, -0.4),
                (0.38, -0.12),
                (0.1, -0.3),
            ]
            canvas.paint(_placed(smooth(fringe), look), hair, place)
    _paint_hat(canvas, place, look)


def _paint_face(canvas: Canvas, place: Placement, look: Look) -> None:
    skin, dark = look.skin, plain(look.hair * 0.75)
    shift = np.array([look.gaze, 0.0])

    def dab(outline: Points, colour: Fabric) -> None:
        canvas.paint(_placed(outline + shift, look), colour, place, relief=0)

    if look.beard:
        beard = mirrored(
            [(0, 0.2), (0.2, 0.17), (0.36, 0.02), (0.33, 0.32), (0.18, 0.52), (0, 0.56)]
        )
        canvas.paint(_placed(smooth(beard), look), strands(look.hair), place)
    for side in (-1, 1):
        dab(
            ellipse((side * 0.22, 0.17), 0.08, 0.06),
            plain(skin * 0.8 + rgb(0.18, 0.06, 0.06)),
        )
        dab(ellipse((side * 0.15, 0.0), 0.065, 0.042), plain(rgb(0.96, 0.95, 0.93)))
        dab(
            ellipse((side * 0.15 + 0.3 * look.gaze, 0.0), 0.035, 0.04),
            plain(rgb(0.12, 0.09, 0.08)),
        )
        dab(capsule((side * 0.08, -0.125), (side * 0.23, -0.1), 0.02, 0.014), dark)
    dab(capsule((0.0, 0.02), (0.02, 0.16), 0.016, 0.034), plain(skin * 0.78))
    for side in (-1, 1):
        smile = capsule((0, 0.315), (side * 0.1, 0.28), 0.024, 0.014)
        dab(smile, plain(skin * rgb(0.82, 0.48, 0.48)))
    if look.glasses:
        frame = plain(rgb(0.1, 0.1, 0.12))
        dab(capsule((-0.36, -0.02), (0.36, -0.02), 0.014, 0.014), frame)
        for side in (-1, 1):
            dab(ellipse((side * 0.155, 0.0), 0.125, 0.105), frame)
            dab(ellipse((side * 0.155, 0.0), 0.1, 0.08), plain(skin * 0.6 + 0.3))
            dab(ellipse((side * 0.15, 0.0), 0.035, 0.04), plain(rgb(0.12, 0.09, 0.08)))


def _paint_hat(canvas: Canvas, place: Placement, look: Look) -> None:
    def put(outline: Points) -> None:
        canvas.paint(_placed(outline, look), look.hat_fabric, place)

    if look.hat == "beanie":
        put(smooth(mirrored([(0, -0.68), (0.28, -0.62), (0.44, -0.3), (0.42, -0.18), (0, -0.2)])))
        put(capsule((-0.36, -0.2), (0.36, -0.2), 0.085, 0.085))
    elif look.hat == "cap":
        put(smooth(mirrored([(0, -0.64), (0.28, -0.58), (0.43, -0.26), (0.3, -0.2), (0, -0.22)])))
        put(
            smooth(
                [
                    (-0.34, -0.24),
                    (0, -0.33),
                    (0.34, -0.24),
                    (0.36, -0.13),
                    (0, -0.17),
                    (-0.36, -0.13),
                ]
            )
        )
    elif look.hat == "brim":
        put(ellipse((0, -0.26), 0.74, 0.12))
        put(smooth(mirrored([(0, -0.74), (0.26, -0.72), (0.36, -0.45), (0.38, -0.26), (0, -0.22)])))
    elif look.hat == "scarf" and not look.away:
        half = [
            (0, -0.6),
            (0.3, -0.53),
            (0.47, -0.15),
            (0.42, 0.3),
            (0.24, 0.58),
            (0.2, 0.42),
            (0.3, 0.2),
        ]
        put(smooth(mirrored([*half, (0.31, -0.1), (0.2, -0.33), (0, -0.38)])))
    elif look.hat == "scarf":
        put(smooth(mirrored([(0, -0.6), (0.3, -0.53), (0.47, -0.1), (0.42, 0.4), (0, 0.6)])))
