"""True masks in numbers, and what the task's score makes of masks that are slightly off."""

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from humanseg.data.small_components import SMALL_COMPONENT, clean_mask, find_small_components
from humanseg.metrics.scores import dice

Mask = NDArray[np.uint8]

PERSON = 0.02
"""A connected part that covers this share of a photo counts as a person of its own."""

_STEPS = (1, 2, 3)


@dataclass(frozen=True)
class MaskFacts:
    """One mask in numbers.

    Attributes
    ----------
    foreground
        Share of the photo that is person, in [0, 1].
    people
        Connected parts that cover at least `PERSON` of the photo.
    specks, speck_pixels
        Dots and pinholes of under `SMALL_COMPONENT` pixels, and how many pixels they have together.
    outline
        Sides between neighbouring pixels that differ, in pixels.
    ragged
        `outline` over that of the mask smoothed by two pixels: 1 for a smooth mask.
    top, bottom, left, right
        Share of each side of the frame that is person: where somebody is cut off.
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


def mask_facts(mask: Mask) -> MaskFacts:
    """Measure a mask, uint8 (H,W) in {0,1} with at least one pixel of person."""
    specks, where = find_small_components(mask)
    _, _, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    rows, columns = np.nonzero(mask)
    outline = outline_length(mask)
    return MaskFacts(
        foreground=float(mask.mean()),
        people=int((stats[1:, cv2.CC_STAT_AREA] >= PERSON * mask.size).sum()),
        specks=specks,
        speck_pixels=int(where.sum()),
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
    """Move a mask; what comes in at the frame continues what was there."""
    height, width = mask.shape
    reach = max(abs(rows), abs(columns))
    padded = np.pad(mask, reach, mode="edge")
    top, left = reach - rows, reach - columns
    return padded[top : top + height, left : left + width]


def resampled(mask: Mask, size: tuple[int, int]) -> Mask:
    """Scale a mask to `size` (H,W) and back: the best that a model of that size can answer."""
    height, width = mask.shape
    small = cv2.resize(mask.astype(np.float32), size[::-1], interpolation=cv2.INTER_AREA)
    return (cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR) > 0.5).astype(
        np.uint8
    )


def perturbed_dice(mask: Mask) -> dict[str, float]:
    """Score slightly wrong versions of a mask against the mask itself.

    Returns
    -------
    dict
        Dice by what was done: `shift1` to `shift3` (pixels; mean of the four directions),
        `shrink…` and `grow…` (pixels, all around but not at the frame), `smooth…` (sigma in
        pixels), `specks` (taken out), `side160`, `side128` (longer side that a model works at),
        `square224` (both sides), `everything` (all is person).
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
