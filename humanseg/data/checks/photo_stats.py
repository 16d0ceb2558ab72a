"""What the data doctor learns from one photo and its mask, small enough to keep for all."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from humanseg.data.checks.before_training import read_item
from humanseg.data.checks.concerns import looks_inverted
from humanseg.data.checks.duplicates import Fingerprint, fingerprint
from humanseg.data.checks.problems import Problem
from humanseg.data.layout.folders import Item
from humanseg.data.small_components import find_specks
from humanseg.io.images import LoadedPhoto, grey_counts

_USUAL_MODE = "RGB"
_MODES = {
    "1": "black and white",
    "L": "grey",
    "LA": "grey with transparency",
    "P": "palette",
    "PA": "palette with transparency",
    "RGBA": "with transparency",
    "CMYK": "CMYK",
    "YCbCr": "YCbCr",
    "LAB": "Lab",
    "I": "32-bit grey",
    "F": "float grey",
}


@dataclass(frozen=True)
class Look:
    """What was learnt from one photo.

    Attributes
    ----------
    item
        The photo and its mask.
    problems
        What would stop a training.
    size
        (H, W) as a person sees it; None where the photo cannot be read.
    print
        The photo's fingerprint; None where it cannot be read.
    foreground
        Share of the mask's pixels that are person, in [0, 1]; None without a readable mask.
    specks
        How many specks the mask has, as `find_specks` counts them.
    inverted
        Whether the mask looks inverted.
    grey_share
        Share of the mask's pixels that are neither its darkest nor its brightest value.
    oddities
        What is unusual about the photo's file, as words: "CMYK", "turned by EXIF".
    """

    item: Item
    problems: tuple[Problem, ...]
    size: tuple[int, int] | None
    print: Fingerprint | None
    foreground: float | None
    specks: int
    inverted: bool
    grey_share: float
    oddities: tuple[str, ...]


def look(item: Item) -> Look:
    """Read a photo and its mask, and keep what the doctor needs to know about them."""
    _, photo, mask, problems, picture = read_item(item)
    return Look(
        item=item,
        problems=problems,
        size=None if photo is None else (photo.shape[0], photo.shape[1]),
        print=None if photo is None else fingerprint(photo),
        foreground=None if mask is None else float(mask.mean()),
        specks=0 if mask is None else find_specks(mask)[0],
        inverted=mask is not None and looks_inverted(mask),
        grey_share=0.0 if mask is None or item.mask is None else _grey_share(item.mask),
        oddities=() if picture is None else _oddities(picture),
    )


def _grey_share(path: Path) -> float:
    counts = grey_counts(path)
    values = np.flatnonzero(counts)
    return float(counts[values[1:-1]].sum() / max(counts.sum(), 1))


def _oddities(picture: LoadedPhoto) -> tuple[str, ...]:
    """Name what a photo's file says that a plain RGB photo's does not."""
    found = []
    mode = picture.mode
    if mode != _USUAL_MODE:
        found.append("16-bit" if mode.startswith("I;16") else _MODES.get(mode, mode))
    if picture.alpha is not None and mode in ("P", "RGB"):
        found.append("with transparency")
    if picture.turned:
        found.append("turned by EXIF")
    return (*found, *(notice.word for notice in picture.notices))
