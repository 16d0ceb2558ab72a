"""Effects of light and camera on a scene: shadows, colour casts, blur, noise and JPEG."""

import io

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage

from humanseg.data.synthetic.palette import Image, noise


def cast_shadow(
    background: Image, mask: NDArray[np.uint8], light: tuple[float, float], rng: np.random.Generator
) -> Image:
    """Darken a background where the people of `mask` stand in its light.

    `light` is a unit vector (x, y) towards the light; the shadow falls away from it.
    """
    rows, columns = mask.shape
    reach = rng.uniform(0.02, 0.09) * rows
    move = np.array([[1, 0, -light[0] * reach], [0, 1, -light[1] * reach]])
    shadow = cv2.warpAffine(
        mask.astype(np.float32), move, (columns, rows), borderMode=cv2.BORDER_REPLICATE
    )
    shadow = cv2.GaussianBlur(shadow, (0, 0), reach * rng.uniform(0.3, 0.9))
    return (background * (1 - rng.uniform(0.0, 0.5) * shadow[..., None])).astype(np.float32)


def take_photo(scene: Image, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Light a scene (H, W, 3), about [0, 1], unevenly and record it with a small camera: uint8."""
    rows, columns = scene.shape[:2]
    y, x = np.mgrid[-1 : 1 : rows * 1j, -1 : 1 : columns * 1j].astype(np.float32)
    angle = rng.uniform(0, 2 * np.pi)
    light = 1 + rng.uniform(0, 0.35) * (np.cos(angle) * x + np.sin(angle) * y)
    light += rng.uniform(0, 0.12) * noise(rng, (rows, columns), min(rows, columns) / 3)
    light *= 1 - rng.uniform(0, 0.3) * (x**2 + y**2) / 2
    cast = rng.normal(1, 0.05, 3).astype(np.float32)
    image = np.clip(scene, 0, None) * light[..., None] * cast * rng.uniform(0.8, 1.12)
    image = np.clip(image, 0, 1) ** rng.uniform(0.8, 1.15)
    sigma = rng.uniform(0.0, 0.7)
    if sigma > 0.3:
        image = cv2.GaussianBlur(image, (0, 0), sigma)
    grain = rng.uniform(0.004, 0.013)
    image = image + grain * rng.standard_normal((rows, columns, 1), np.float32)
    image = image + grain * 0.6 * rng.standard_normal((rows, columns, 3), np.float32)
    return np.round(np.clip(image, 0, 1) * 255).astype(np.uint8)


def encode_jpeg(photo: NDArray[np.uint8], quality: int) -> bytes:
    """Return an (H, W, 3) uint8 RGB photo as the bytes of a JPEG file."""
    buffer = io.BytesIO()
    PillowImage.fromarray(photo).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def encode_png(mask: NDArray[np.uint8]) -> bytes:
    """Return an (H, W) mask in {0, 1} as the bytes of a one-channel PNG file of {0, 255}."""
    buffer = io.BytesIO()
    PillowImage.fromarray(mask * np.uint8(255)).save(buffer, "PNG", optimize=False)
    return buffer.getvalue()
