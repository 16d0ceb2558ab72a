"""People: a pose, a body and clothes, painted from back to front."""

import numpy as np

from humanseg.data.synthetic.canvas import (
    Canvas,
    Placement,
    Points,
    capsule,
    ellipse,
    mirrored,
    smooth,
)
from humanseg.data.synthetic.head import paint_behind, paint_head
from humanseg.data.synthetic.palette import Fabric, plain
from humanseg.data.synthetic.traits import (
    LEG_POSES,
    Body,
    HeadTraits,
    Outfit,
    down,
    draw_arm,
    draw_body,
    draw_head,
    draw_outfit,
)


def paint_person(canvas: Canvas, place: Placement, rng: np.random.Generator) -> None:
    """Draw one person at `place`: base of the neck, head height in pixels and lean."""
    head, body, outfit = draw_head(rng), draw_body(rng), draw_outfit(rng)
    skin = plain(head.skin)
    arms = [draw_arm(rng, side, body) for side in (-1, 1)]
    # A hand above or beside the trunk leaves the shoulder seam on top; one before it does not.
    in_front = [abs(joints[2, 0]) < body.shoulder and joints[2, 1] > 0 for joints in arms]
    stance = LEG_POSES[str(rng.choice(list(LEG_POSES)))]
    flip = int(rng.choice((-1, 1)))

    paint_behind(canvas, place, head)
    for side, angles in zip((-flip, flip), stance, strict=True):
        _paint_leg(canvas, place, side, angles, body, outfit, skin)
    canvas.paint(capsule((0, -0.4), (0, 0.12), 0.21 * body.limb, 0.25 * body.limb), skin, place)
    for joints, front in zip(arms, in_front, strict=True):
        if not front:
            _paint_arm(canvas, place, joints, body, outfit, head)
    _paint_torso(canvas, place, body, outfit, skin)
    if outfit.bag is not None:
        _paint_bag(canvas, place, body, outfit.bag, flip)
    paint_head(canvas, place, head)
    for joints, front in zip(arms, in_front, strict=True):
        if front:
            _paint_arm(canvas, place, joints, body, outfit, head)


def _paint_limb(
    canvas: Canvas,
    place: Placement,
    joints: Points,
    radii: tuple[float, ...],
    fabric: Fabric,
    upto: float,
) -> None:
    """Paint the part of a two-piece limb from its root to `upto` (0 to 1 of its length)."""
    if upto <= 0:
        return
    first, second = min(1.0, upto * 2), max(0.0, upto * 2 - 1)
    middle = radii[0] + (radii[1] - radii[0]) * first
    canvas.paint(
        capsule(joints[0], joints[0] + (joints[1] - joints[0]) * first, radii[0], middle),
        fabric,
        place,
    )
    if second > 0:
        end = radii[1] + (radii[2] - radii[1]) * second
        canvas.paint(
            capsule(joints[1], joints[1] + (joints[2] - joints[1]) * second, radii[1], end),
            fabric,
            place,
        )


def _paint_arm(
    canvas: Canvas, place: Placement, joints: Points, body: Body, outfit: Outfit, head: HeadTraits
) -> None:
    skin, (_, elbow, wrist) = plain(head.skin), joints
    along = (wrist - elbow) / np.hypot(*(wrist - elbow))
    across = np.array([-along[1], along[0]])
    thumb = wrist + 0.1 * along
    canvas.paint(capsule(thumb, thumb + 0.14 * along + 0.17 * across, 0.06, 0.05), skin, place)
    canvas.paint(capsule(wrist + 0.08 * along, wrist + 0.3 * along, 0.135, 0.11), skin, place)
    radii = tuple(body.limb * r for r in (0.21, 0.165, 0.11))
    _paint_limb(canvas, place, joints, radii, skin, 1.0)
    jacket = outfit.open_jacket
    cloth, reach = (outfit.top, outfit.sleeve) if jacket is None else (jacket, 1.0)
    _paint_limb(canvas, place, joints, tuple(r + 0.055 for r in radii), cloth, reach * 0.97)


def _paint_leg(
    canvas: Canvas,
    place: Placement,
    side: int,
    angles: tuple[float, float],
    body: Body,
    outfit: Outfit,
    skin: Fabric,
) -> None:
    hip = np.array([side * body.hip * 0.47, 2.5])
    knee = hip + 1.6 * down(angles[0], side)
    ankle = knee + 1.55 * down(angles[0] + angles[1], side)
    joints = np.stack([hip, knee, ankle])
    toe = ankle + (side * 0.3, 0.16)
    canvas.paint(capsule(ankle + (0, 0.1), toe, 0.16, 0.12), outfit.shoes, place)
    radii = tuple(body.limb * r for r in (0.33, 0.22, 0.13))
    _paint_limb(canvas, place, joints, radii, skin, 1.0)
    if not outfit.skirt:
        _paint_limb(
            canvas, place, joints, tuple(r + 0.05 for r in radii), outfit.bottom, outfit.trouser
        )


def _paint_torso(
    canvas: Canvas, place: Placement, body: Body, outfit: Outfit, skin: Fabric
) -> None:
    s, w, h = body.shoulder, body.waist, body.hip
    if outfit.skirt:
        flare = h + 0.35
        skirt = [(0, 1.7), (w, 1.7), (h + 0.08, 2.3), (flare, 3.7), (flare - 0.1, 3.82), (0, 3.9)]
        canvas.paint(smooth(mirrored(skirt)), outfit.bottom, place)
    else:
        seat = [(0, 1.9), (w, 1.9), (h + 0.05, 2.35), (h, 2.75), (0.1, 2.95), (0, 2.8)]
        canvas.paint(smooth(mirrored(seat)), outfit.bottom, place)
    half = [(0, 0.02), (0.2, -0.06), (0.55 * s, 0.06), (s, 0.3), (0.93 * s, 0.95)]
    half += [(w, 1.6), (h, 2.3), (h - 0.04, 2.48), (0, 2.5)]
    canvas.paint(smooth(mirrored(half)), outfit.top, place)
    if outfit.collar == "v":
        canvas.paint(
            smooth([(-0.22, -0.1), (0.22, -0.1), (0.05, 0.42), (-0.05, 0.42)]), skin, place
        )
    elif outfit.collar == "round":
        canvas.paint(ellipse((0, -0.02), 0.27, 0.16), skin, place)
    else:
        canvas.paint(capsule((-0.17, -0.1), (0.17, -0.1), 0.12, 0.12), outfit.top, place)
    if outfit.open_jacket is not None:
        for side in (-1, 1):
            panel = [(0.16, -0.08), (0.55 * s, 0.04), (s + 0.03, 0.3), (0.98 * s, 1.0)]
            panel += [(w + 0.1, 1.6), (h + 0.1, 2.4), (0.3, 2.62), (0.24, 1.0)]
            canvas.paint(smooth(np.array(panel) * (side, 1)), outfit.open_jacket, place)


def _paint_bag(canvas: Canvas, place: Placement, body: Body, fabric: Fabric, side: int) -> None:
    hook, bag = np.array([-side * 0.5, 0.02]), np.array([side * (body.hip + 0.05), 2.2])
    canvas.paint(capsule(hook, bag, 0.055, 0.055), fabric, place)
    corners = np.array([(-0.3, -0.3), (0.3, -0.3), (0.36, 0.3), (0, 0.36), (-0.36, 0.3)])
    canvas.paint(smooth(corners) + bag, fabric, place)
