"""The outputs that can be made of a photo and its mask, and the names of their files."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from humanseg.inference.backgrounds import Background, composite
from humanseg.inference.guided_filter import row_bands
from humanseg.inference.matting import alpha_from_probability, apply_visibility, estimate_foreground
from humanseg.io.images import ImageError, over_white

Pixels = NDArray[np.uint8]

BACKGROUND = "background"
"""The kind of output that needs a background."""

_TINT = (51, 136, 255)
_OUTLINE = (255, 255, 255)
_TINTED = np.uint8(115)


@dataclass(frozen=True)
class Matte:
    """A photo and how much of each pixel is person: what all outputs are rendered from."""

    # uint8 (H,W,3), with the colours of transparent pixels.
    photo: Pixels
    # float32 (H,W) in [0,1].
    probability: NDArray[np.float32]
    # In (0,1); above it is the mask.
    threshold: float
    background: Background | None = None
    # uint8 (H,W), the photo's own opacity; None where it is opaque. No output shows what it hides.
    visible: Pixels | None = None

    @cached_property
    def person_share(self) -> Pixels:
        """uint8 (H,W): how much of the photo's colour at each pixel is person, of 255."""
        return alpha_from_probability(self.probability, self.threshold)

    @cached_property
    def alpha(self) -> Pixels:
        """uint8 (H,W): the same, times the photo's own opacity."""
        if self.visible is None:
            return self.person_share
        alpha = cv2.multiply(self.person_share, self.visible, scale=1 / 255)
        return alpha.astype(np.uint8, copy=False)

    @cached_property
    def person(self) -> Pixels:
        """uint8 (H,W,3): the photo, without the background's colours in hair and edges."""
        return estimate_foreground(self.photo, self.person_share, self.visible)

    @cached_property
    def over_white(self) -> Pixels:
        """uint8 (H,W,3): the photo over white."""
        return over_white(self.photo, self.visible)

    @cached_property
    def visible_probability(self) -> NDArray[np.float32]:
        """float32 (H,W) in [0,1]: that a person is seen at each pixel."""
        return apply_visibility(self.probability, self.visible)


def render_mask(matte: Matte) -> Pixels:
    """Return uint8 (H,W): 255 for the person, 0 elsewhere."""
    return np.where(matte.visible_probability > matte.threshold, np.uint8(255), np.uint8(0))


def render_probability(matte: Matte) -> Pixels:
    """Return uint8 (H,W): the probability, 255 for certainty."""
    return cv2.convertScaleAbs(matte.visible_probability, alpha=255).astype(np.uint8, copy=False)


def render_cutout(matte: Matte) -> Pixels:
    """Return uint8 (H,W,4): the person in RGBA."""
    result = np.empty((*matte.alpha.shape, 4), np.uint8)
    for rows in row_bands(*matte.alpha.shape):
        alpha = matte.alpha[rows][..., None]
        # Invisible colours are left out: the file is smaller, and gives nothing away.
        np.multiply(matte.person[rows], alpha > 0, out=result[rows][..., :3])
        result[rows][..., 3:] = alpha
    return result


def render_overlay(matte: Matte) -> Pixels:
    """Return uint8 (H,W,3): the photo with the mask tinted and outlined."""
    mask = render_mask(matte)
    tint = np.full_like(matte.over_white, _TINT)
    result = composite(tint, matte.over_white, np.minimum(mask, _TINTED))
    contours, _ = cv2.findContours(mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    width = max(1, round(max(mask.shape) / 500))
    return cv2.drawContours(result, contours, -1, _OUTLINE, width).astype(np.uint8, copy=False)


def render_background(matte: Matte) -> Pixels:
    """Return uint8 (H,W,3): the person before the other background."""
    assert matte.background is not None
    background = matte.background.render(matte.over_white, matte.alpha)
    return composite(matte.person, background, matte.alpha)


OUTPUTS: dict[str, tuple[str, Callable[[Matte], Pixels]]] = {
    "mask": (".png", render_mask),
    "cutout": (".png", render_cutout),
    "overlay": (".jpg", render_overlay),
    "probability": (".png", render_probability),
    # Its former name.
    "soft": (".png", render_probability),
    BACKGROUND: (".jpg", render_background),
}
"""Of each kind of output, the suffix of its file and the function that renders it."""

_JPEG_SIDE = 65_500
"""The longest side that libjpeg writes."""


@dataclass(frozen=True)
class Destination:
    """The folder of all results, and the file of the only one where a person named it."""

    folder: Path
    file: Path | None = None

    def path(self, stem: Path, kind: str, size: tuple[int, int] = (1, 1)) -> Path:
        """Return the file of a result of size (H, W), such as ``folder/holiday/17_mask.png``.

        What is too long for JPEG becomes PNG.
        """
        if self.file is not None:
            if self.file.suffix.lower() in (".jpg", ".jpeg") and max(size) > _JPEG_SIDE:
                raise ImageError(
                    f"Cannot write {self.file}: {size[1]}×{size[0]} does not fit in JPEG, which "
                    f"ends at {_JPEG_SIDE} pixels. Name it .png.",
                    code="io.wrong_format",
                )
            return self.file
        suffix, _ = OUTPUTS[kind]
        if suffix == ".jpg" and max(size) > _JPEG_SIDE:
            suffix = ".png"
        return self.folder / stem.parent / f"{stem.name}_{kind}{suffix}"
