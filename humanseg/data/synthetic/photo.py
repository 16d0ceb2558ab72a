"""Drawing one whole photo: a background, people, light and a camera."""

import numpy as np
from numpy.typing import NDArray

from humanseg.data.synthetic.background import draw_background
from humanseg.data.synthetic.camera import cast_shadow, take_photo
from humanseg.data.synthetic.canvas import Canvas, Placement
from humanseg.data.synthetic.person import paint_person


def draw_photo(
    seed: int, number: int, size: tuple[int, int] = (320, 240)
) -> tuple[NDArray[np.uint8], NDArray[np.uint8], int]:
    """Draw photo `number` of the sample of a seed; it depends on nothing but the arguments.

    Returns the photo (H, W, 3), its exact mask in {0, 1}, and the JPEG quality to store it with.
    """
    rows, columns = size
    rng = np.random.Generator(np.random.PCG64([seed, number]))
    angle = rng.uniform(-1.1, 1.1)
    light = (float(np.sin(angle)), float(-np.cos(angle)))
    background = draw_background(rows, columns, rng)
    canvas = Canvas(rows, columns, light)
    for where in _draw_places(rows, columns, rng):
        paint_person(canvas, where, rng)
    _, mask = canvas.flatten(background)
    scene, mask = canvas.flatten(cast_shadow(background, mask, light, rng))
    return take_photo(scene, rng), mask, int(rng.integers(80, 96))


def _draw_places(rows: int, columns: int, rng: np.random.Generator) -> list[Placement]:
    """Draw where people stand: mostly one, close up, to the waist, or whole."""
    scale = min(rows / 320, columns / 240)
    framing = rng.choice(3, p=(0.44, 0.35, 0.21))
    head = scale * rng.uniform(*((88, 150), (58, 88), (33, 50))[framing])
    neck = (rng.uniform(0.46, 0.66), rng.uniform(0.34, 0.52), rng.uniform(0.18, 0.3))[framing]
    # Hair and hats reach 1.5 head heights above the neck: let them be cut only a little.
    y = max(neck * rows, 1.3 * head)
    x = columns * float(np.clip(rng.normal(0.5, 0.14), 0.18, 0.82))
    places = [Placement((x, y), float(head), float(rng.normal(0, 0.06)))]
    if framing > 0 and rng.random() < 0.15:
        beside = x + np.sign(columns / 2 - x) * head * rng.uniform(1.9, 2.4)
        other = float(head * rng.uniform(0.8, 0.95))
        places.insert(0, Placement((float(beside), y), other, float(rng.normal(0, 0.05))))
    return places
