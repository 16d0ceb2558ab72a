"""Random traits of a person: head, build, clothes and pose; other modules paint them."""

from dataclasses import dataclass

import numpy as np

from humanseg.data.synthetic.canvas import Points
from humanseg.data.synthetic.palette import HAIR, SKIN, Fabric, Image, draw_fabric, pick

STYLES = ("shaved", "short", "side", "bob", "long", "bun", "curly", "tail")
HATS = ("none", "beanie", "cap", "brim", "scarf")

# Degrees: the upper arm from hanging down outwards, the forearm against it (negative is inwards).
ARM_POSES = {
    "down": ((6, 24), (-20, 6)),
    "hip": ((38, 56), (-105, -85)),
    "wave": ((70, 105), (55, 90)),
    "up": ((135, 165), (-25, 25)),
    "chest": ((8, 24), (-140, -112)),
    "folded": ((12, 22), (-105, -85)),
    "out": ((60, 95), (-20, 20)),
}
_ARM_CHANCES = (0.4, 0.14, 0.1, 0.07, 0.1, 0.1, 0.09)
# Degrees: thigh outwards, shin against it, for the left and the right leg.
LEG_POSES = {
    "straight": ((3, 0), (3, 0)),
    "apart": ((12, -6), (12, -6)),
    "relaxed": ((4, 0), (16, -18)),
    "stride": ((20, -4), (8, -16)),
}


@dataclass(frozen=True)
class HeadTraits:
    """The look of a head, drawn once per person."""

    skin: Image
    hair: Image
    style: str
    hat: str
    hat_fabric: Fabric
    beard: bool
    glasses: bool
    away: bool
    turn: float
    gaze: float


@dataclass(frozen=True)
class Body:
    """Measures of a body in head heights."""

    shoulder: float
    waist: float
    hip: float
    limb: float


@dataclass(frozen=True)
class Outfit:
    """Clothes: fabrics, and how far they reach (0 to 1 along the limb)."""

    top: Fabric
    bottom: Fabric
    shoes: Fabric
    sleeve: float
    trouser: float
    skirt: bool
    collar: str
    open_jacket: Fabric | None
    bag: Fabric | None


def draw_head(rng: np.random.Generator) -> HeadTraits:
    """Draw a head: skin, hair, hat, and which way it faces."""
    return HeadTraits(
        skin=pick(rng, SKIN, 0.025),
        hair=pick(rng, HAIR, 0.025),
        style=str(rng.choice(STYLES)),
        hat=str(rng.choice(HATS, p=(0.66, 0.11, 0.09, 0.07, 0.07))),
        hat_fabric=draw_fabric(rng),
        beard=bool(rng.random() < 0.2),
        glasses=bool(rng.random() < 0.22),
        away=bool(rng.random() < 0.08),
        turn=float(rng.normal(0, 0.1)),
        gaze=float(rng.uniform(-0.09, 0.09)),
    )


def draw_body(rng: np.random.Generator) -> Body:
    """Draw a build from slight to broad."""
    build = rng.uniform(0.88, 1.2)
    return Body(
        shoulder=float(build * rng.uniform(0.84, 1.02)),
        waist=float(build * rng.uniform(0.5, 0.74)),
        hip=float(build * rng.uniform(0.58, 0.74)),
        limb=float(rng.uniform(0.85, 1.15) * build**0.5),
    )


def draw_outfit(rng: np.random.Generator) -> Outfit:
    """Draw clothes that share nothing but their wearer."""
    dress = bool(rng.random() < 0.16)
    top = draw_fabric(rng)
    return Outfit(
        top=top,
        bottom=top if dress else draw_fabric(rng),
        shoes=draw_fabric(rng),
        sleeve=float(rng.choice((0.0, 0.28, 0.6, 1.0), p=(0.1, 0.3, 0.1, 0.5))),
        trouser=float(rng.choice((0.42, 1.0), p=(0.25, 0.75))),
        skirt=dress or bool(rng.random() < 0.15),
        collar=str(rng.choice(("round", "v", "roll"))),
        open_jacket=draw_fabric(rng) if rng.random() < 0.22 else None,
        bag=draw_fabric(rng) if rng.random() < 0.18 else None,
    )


def down(angle: float, side: int) -> Points:
    """Return the direction (x, y) that leaves the body by `angle` degrees from hanging down."""
    radians = np.deg2rad(angle)
    return np.array([side * np.sin(radians), np.cos(radians)])


def draw_arm(rng: np.random.Generator, side: int, body: Body) -> Points:
    """Return shoulder, elbow and wrist (3, 2)."""
    upper_range, bend_range = ARM_POSES[str(rng.choice(list(ARM_POSES), p=_ARM_CHANCES))]
    upper, bend = rng.uniform(*upper_range), rng.uniform(*bend_range)
    shoulder = np.array([side * (body.shoulder - 0.17), 0.3])
    elbow = shoulder + 1.28 * down(upper, side)
    return np.stack([shoulder, elbow, elbow + 1.1 * down(upper + bend, side)])
