"""What can be made of a photo and its mask, and under which names it is kept."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from humanseg.inference.backgrounds import Background, composite
from humanseg.inference.guided_filter import row_bands
from humanseg.inference.matting import apply_visibility, estimate_foreground, opacity
from humanseg.io.images import ImageError, over_white

Pixels = NDArray[np.uint8]

BACKGROUND = "background"
"""The output that exists where another background was asked for."""

_TINT = (51, 136, 255)
_OUTLINE = (255, 255, 255)
_TINTED = np.uint8(115)


@dataclass(frozen=True)
class Matte:
    """A photo and what is known of it."""

    # uint8 (H,W,3): its colours, those that it hides included.
    photo: Pixels
    # float32 (H,W) in [0,1].
    probability: NDArray[np.float32]
    # In (0,1); above it lies the mask.
    threshold: float
    # What to put the person before, if anything.
    background: Background | None = None
    # uint8 (H,W): how opaque the photo itself is; None where it is all over. What it hides is in no
    # output.
    visible: Pixels | None = None

    @cached_property
    def matte(self) -> Pixels:
        """uint8 (H,W): how much of what the photo shows at each pixel is person, of 255."""
        return opacity(self.probability, self.threshold)

    @cached_property
    def alpha(self) -> Pixels:
        """uint8 (H,W): how much of each pixel is person, of 255."""
        if self.visible is None:
            return self.matte
        return cv2.multiply(self.matte, self.visible, scale=1 / 255).astype(np.uint8, copy=False)

    @cached_property
    def person(self) -> Pixels:
        """uint8 (H,W,3): the photo, without the background's colours in hair and edges."""
        return estimate_foreground(self.photo, self.matte, self.visible)

    @cached_property
    def shown(self) -> Pixels:
        """uint8 (H,W,3): the photo as it is seen over white."""
        return over_white(self.photo, self.visible)

    @cached_property
    def visible_probability(self) -> NDArray[np.float32]:
        """float32 (H,W) in [0,1]: that a person is seen at each pixel."""
        return apply_visibility(self.probability, self.visible)


def render_mask(cut: Matte) -> Pixels:
    """Return uint8 (H,W): 255 for the person, 0 elsewhere."""
    return np.where(cut.visible_probability > cut.threshold, np.uint8(255), np.uint8(0))


def render_probability(cut: Matte) -> Pixels:
    """Return uint8 (H,W): the probability, 255 for certainty."""
    return cv2.convertScaleAbs(cut.visible_probability, alpha=255).astype(np.uint8, copy=False)


def render_cutout(cut: Matte) -> Pixels:
    """Return uint8 (H,W,4): the person in RGBA."""
    result = np.empty((*cut.alpha.shape, 4), np.uint8)
    for rows in row_bands(*cut.alpha.shape):
        alpha = cut.alpha[rows][..., None]
        # What cannot be seen is not kept: the file is smaller, and gives nothing away.
        np.multiply(cut.person[rows], alpha > 0, out=result[rows][..., :3])
        result[rows][..., 3:] = alpha
    return result


def render_overlay(cut: Matte) -> Pixels:
    """Return uint8 (H,W,3): the photo with the mask tinted and outlined."""
    mask = render_mask(cut)
    tint = np.full_like(cut.shown, _TINT)
    result = composite(tint, cut.shown, np.minimum(mask, _TINTED))
    contours, _ = cv2.findContours(mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    width = max(1, round(max(mask.shape) / 500))
    return cv2.drawContours(result, contours, -1, _OUTLINE, width).astype(np.uint8, copy=False)


def render_background(cut: Matte) -> Pixels:
    """Return uint8 (H,W,3): the person before the other background."""
    assert cut.background is not None
    return composite(cut.person, cut.background.behind(cut.shown, cut.alpha), cut.alpha)


OUTPUTS: dict[str, tuple[str, Callable[[Matte], Pixels]]] = {
    "mask": (".png", render_mask),
    "cutout": (".png", render_cutout),
    "overlay": (".jpg", render_overlay),
    "probability": (".png", render_probability),
    # The name that it had before.
    "soft": (".png", render_probability),
    BACKGROUND: (".jpg", render_background),
}
"""Of each kind of output, the suffix of its file and what makes it."""


_JPEG_SIDE = 65_500
"""The longest side that libjpeg writes."""


@dataclass(frozen=True)
class Destination:
    """Where results go."""

    # Of all results.
    folder: Path
    # The one result, where a person has named a file.
    file: Path | None = None

    def path(self, place: Path, kind: str, size: tuple[int, int] = (1, 1)) -> Path:
        """Return the file of a result."""
        if self.file is not None:
            if self.file.suffix.lower() in (".jpg", ".jpeg") and max(size) > _JPEG_SIDE:
                raise ImageError(
                    f"Cannot write {self.file}: {size[1]}×{size[0]} does not fit in JPEG, which "
                    f"ends at {_JPEG_SIDE} pixels. Name it .png."
                )
            return self.file
        suffix, _ = OUTPUTS[kind]
        if suffix == ".jpg" and max(size) > _JPEG_SIDE:
            suffix = ".png"
        return self.folder / place.parent / f"{place.name}_{kind}{suffix}"
