"""People: a pose, a body and clothes, painted from back to front."""

from functools import partial

import numpy as np

from humanseg.data.synthetic.canvas import (
    Canvas,
    Paint,
    Placement,
    Points,
    capsule,
    ellipse,
    smooth,
    symmetric,
)
from humanseg.data.synthetic.head import head_painter, paint_behind, paint_head
from humanseg.data.synthetic.palette import Fabric, plain
from humanseg.data.synthetic.traits import (
    LEG_POSES,
    Body,
    Outfit,
    down,
    draw_arm,
    draw_body,
    draw_head,
    draw_outfit,
)


def paint_person(canvas: Canvas, where: Placement, rng: np.random.Generator) -> None:
    """Draw one person at `where`: base of the neck, head height in pixels and lean."""
    head, body, outfit = draw_head(rng), draw_body(rng), draw_outfit(rng)
    skin, paint = plain(head.skin), partial(canvas.paint, where=where)
    on_head = head_painter(paint, head)
    arms = [draw_arm(rng, side, body) for side in (-1, 1)]
    # A hand above or beside the trunk leaves the shoulder seam on top; one before it does not.
    in_front = [abs(joints[2, 0]) < body.shoulder and joints[2, 1] > 0 for joints in arms]
    stance = LEG_POSES[str(rng.choice(list(LEG_POSES)))]
    flip = int(rng.choice((-1, 1)))

    paint_behind(on_head, head)
    for side, angles in zip((-flip, flip), stance, strict=True):
        _paint_leg(paint, side, angles, body, outfit, skin)
    paint(capsule((0, -0.4), (0, 0.12), 0.21 * body.limb, 0.25 * body.limb), skin)
    for joints, front in zip(arms, in_front, strict=True):
        if not front:
            _paint_arm(paint, joints, body, outfit, skin)
    _paint_torso(paint, body, outfit, skin)
    if outfit.bag is not None:
        _paint_bag(paint, body, outfit.bag, flip)
    paint_head(on_head, head)
    for joints, front in zip(arms, in_front, strict=True):
        if front:
            _paint_arm(paint, joints, body, outfit, skin)


def _paint_limb(
    paint: Paint, joints: Points, radii: tuple[float, ...], fabric: Fabric, upto: float
) -> None:
    """Paint the part of a two-piece limb from its root to `upto` (0 to 1 of its length)."""
    for piece, fraction in enumerate((min(1.0, upto * 2), upto * 2 - 1)):
        if fraction > 0:
            start, wide = joints[piece], radii[piece]
            end = start + (joints[piece + 1] - start) * fraction
            paint(capsule(start, end, wide, wide + (radii[piece + 1] - wide) * fraction), fabric)


def _paint_arm(paint: Paint, joints: Points, body: Body, outfit: Outfit, skin: Fabric) -> None:
    _, elbow, wrist = joints
    along = (wrist - elbow) / np.hypot(*(wrist - elbow))
    across = np.array([-along[1], along[0]])
    thumb = wrist + 0.1 * along
    paint(capsule(thumb, thumb + 0.14 * along + 0.17 * across, 0.06, 0.05), skin)
    paint(capsule(wrist + 0.08 * along, wrist + 0.3 * along, 0.135, 0.11), skin)
    radii = tuple(body.limb * r for r in (0.21, 0.165, 0.11))
    _paint_limb(paint, joints, radii, skin, 1.0)
    jacket = outfit.open_jacket
    cloth, reach = (outfit.top, outfit.sleeve) if jacket is None else (jacket, 1.0)
    _paint_limb(paint, joints, tuple(r + 0.055 for r in radii), cloth, reach * 0.97)


def _paint_leg(
    paint: Paint, side: int, angles: tuple[float, float], body: Body, outfit: Outfit, skin: Fabric
) -> None:
    hip = np.array([side * body.hip * 0.47, 2.5])
    knee = hip + 1.6 * down(angles[0], side)
    ankle = knee + 1.55 * down(angles[0] + angles[1], side)
    joints = np.stack([hip, knee, ankle])
    paint(capsule(ankle + (0, 0.1), ankle + (side * 0.3, 0.16), 0.16, 0.12), outfit.shoes)
    radii = tuple(body.limb * r for r in (0.33, 0.22, 0.13))
    _paint_limb(paint, joints, radii, skin, 1.0)
    if not outfit.skirt:
        cloth = tuple(r + 0.05 for r in radii)
        _paint_limb(paint, joints, cloth, outfit.bottom, outfit.trouser)


def _paint_torso(paint: Paint, body: Body, outfit: Outfit, skin: Fabric) -> None:
    s, w, h = body.shoulder, body.waist, body.hip
    if outfit.skirt:
        flare = h + 0.35
        skirt = [(0, 1.7), (w, 1.7), (h + 0.08, 2.3), (flare, 3.7), (flare - 0.1, 3.82), (0, 3.9)]
        paint(symmetric(skirt), outfit.bottom)
    else:
        seat = [(0, 1.9), (w, 1.9), (h + 0.05, 2.35), (h, 2.75), (0.1, 2.95), (0, 2.8)]
        paint(symmetric(seat), outfit.bottom)
    half = [(0, 0.02), (0.2, -0.06), (0.55 * s, 0.06), (s, 0.3), (0.93 * s, 0.95)]
    half += [(w, 1.6), (h, 2.3), (h - 0.04, 2.48), (0, 2.5)]
    paint(symmetric(half), outfit.top)
    if outfit.collar == "v":
        paint(smooth("-0.22,-0.1 0.22,-0.1 0.05,0.42 -0.05,0.42"), skin)
    elif outfit.collar == "round":
        paint(ellipse((0, -0.02), 0.27, 0.16), skin)
    else:
        paint(capsule((-0.17, -0.1), (0.17, -0.1), 0.12, 0.12), outfit.top)
    if outfit.open_jacket is not None:
        for side in (-1, 1):
            panel = [(0.16, -0.08), (0.55 * s, 0.04), (s + 0.03, 0.3), (0.98 * s, 1.0)]
            panel += [(w + 0.1, 1.6), (h + 0.1, 2.4), (0.3, 2.62), (0.24, 1.0)]
            paint(smooth(np.array(panel) * (side, 1)), outfit.open_jacket)


def _paint_bag(paint: Paint, body: Body, fabric: Fabric, side: int) -> None:
    hook, bag = np.array([-side * 0.5, 0.02]), np.array([side * (body.hip + 0.05), 2.2])
    paint(capsule(hook, bag, 0.055, 0.055), fabric)
    paint(smooth("-0.3,-0.3 0.3,-0.3 0.36,0.3 0,0.36 -0.36,0.3") + bag, fabric)
