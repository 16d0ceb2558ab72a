"""Statistics of true masks, and the Dice of slightly perturbed ones."""

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from humanseg.data.small_components import SMALL_COMPONENT, clean_mask, find_small_components
from humanseg.metrics.scores import dice

Mask = NDArray[np.uint8]

PERSON = 0.02
"""A component that covers at least this share of a photo counts as one person."""

_STEPS = (1, 2, 3)


@dataclass(frozen=True)
class MaskStats:
    """Statistics of one mask.

    Attributes
    ----------
    foreground
        Share of the photo that is person, in [0, 1].
    people
        Components that cover at least `PERSON` of the photo.
    specks, speck_pixels
        Components and holes of under `SMALL_COMPONENT` pixels, and their total area.
    outline
        Length of the outline: sides between neighbouring pixels that differ, in pixels.
    ragged
        `outline` over that of the mask smoothed by two pixels: 1 for a smooth mask.
    top, bottom, left, right
        Share of each edge of the frame that is person: where the person is cut off.
    row, column
        Centre of the person, in [0, 1] from the top left.
    """

    foreground: float
    people: int
    specks: int
    speck_pixels: int
    outline: int
    ragged: float
    top: float
    bottom: float
    left: float
    right: float
    row: float
    column: float


def mask_stats(mask: Mask) -> MaskStats:
    """Measure a mask, uint8 (H,W) in {0,1} with at least one pixel of person."""
    small_components, small_pixels = find_small_components(mask)
    _, _, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    rows, columns = np.nonzero(mask)
    outline = outline_length(mask)
    return MaskStats(
        foreground=float(mask.mean()),
        people=int((stats[1:, cv2.CC_STAT_AREA] >= PERSON * mask.size).sum()),
        specks=small_components,
        speck_pixels=int(small_pixels.sum()),
        outline=outline,
        ragged=outline / max(outline_length(smoothed(mask, 2)), 1),
        top=float(mask[0].mean()),
        bottom=float(mask[-1].mean()),
        left=float(mask[:, 0].mean()),
        right=float(mask[:, -1].mean()),
        row=float((rows.mean() + 0.5) / mask.shape[0]),
        column=float((columns.mean() + 0.5) / mask.shape[1]),
    )


def outline_length(mask: Mask) -> int:
    """Count the sides between neighbouring pixels that differ; the frame is no outline."""
    return int((mask[1:] != mask[:-1]).sum() + (mask[:, 1:] != mask[:, :-1]).sum())


def smoothed(mask: Mask, sigma: float) -> Mask:
    """Smooth the outline: a Gaussian of `sigma` pixels, cut at a half."""
    soft = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)
    return (soft > 0.5).astype(np.uint8)


def shifted(mask: Mask, rows: int, columns: int) -> Mask:
    """Shift a mask; the new pixels at the frame repeat the edge."""
    height, width = mask.shape
    reach = max(abs(rows), abs(columns))
    padded = np.pad(mask, reach, mode="edge")
    top, left = reach - rows, reach - columns
    return padded[top : top + height, left : left + width]


def resampled(mask: Mask, size: tuple[int, int]) -> Mask:
    """Scale a mask to `size` (H,W) and back: the best possible prediction at that size."""
    height, width = mask.shape
    small = cv2.resize(mask.astype(np.float32), size[::-1], interpolation=cv2.INTER_AREA)
    return (cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR) > 0.5).astype(
        np.uint8
    )


def perturbed_dice(mask: Mask) -> dict[str, float]:
    """Score perturbed versions of a mask against the mask itself.

    Returns
    -------
    dict
        Dice by perturbation: `shift1` to `shift3` (pixels; mean of the four directions),
        `shrink…` and `grow…` (pixels, all around but not at the frame), `smooth…` (sigma in
        pixels), `specks` (small components removed), `side160`, `side128` (scaled to that
        longer side and back), `square224` (scaled to a square), `everything` (all pixels are
        person).
    """
    return {
        name: float(np.mean([dice(changed, mask) for changed in versions]))
        for name, versions in _versions(mask)
    }


def _versions(mask: Mask) -> Iterator[tuple[str, list[Mask]]]:
    for step in _STEPS:
        sideways = ((step, 0), (-step, 0), (0, step), (0, -step))
        yield f"shift{step}", [shifted(mask, *way) for way in sideways]
        disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * step + 1, 2 * step + 1))
        yield f"shrink{step}", [np.asarray(cv2.erode(mask, disc), np.uint8)]
        yield f"grow{step}", [np.asarray(cv2.dilate(mask, disc), np.uint8)]
        yield f"smooth{step}", [smoothed(mask, step)]
    yield "specks", [clean_mask(mask, SMALL_COMPONENT)]
    for side in (160, 128):
        scale = side / max(mask.shape)
        rows, columns = (max(1, round(length * scale)) for length in mask.shape)
        yield f"side{side}", [resampled(mask, (rows, columns))]
    yield "square224", [resampled(mask, (224, 224))]
    yield "everything", [np.ones_like(mask)]
