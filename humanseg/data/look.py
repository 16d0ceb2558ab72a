"""What the data doctor learns from one photo and its mask, small enough to keep for all."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from humanseg.data.checks import read_item
from humanseg.data.concerns import looks_inverted
from humanseg.data.duplicates import Fingerprint, fingerprint
from humanseg.data.folders import Item
from humanseg.data.problems import Problem
from humanseg.data.specks import find_specks

_ORIENTATION_TAG = 0x0112
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
    _, photo, mask, problems = read_item(item)
    return Look(
        item=item,
        problems=problems,
        size=None if photo is None else (photo.shape[0], photo.shape[1]),
        print=None if photo is None else fingerprint(photo),
        foreground=None if mask is None else float(mask.mean()),
        specks=0 if mask is None else find_specks(mask)[0],
        inverted=mask is not None and looks_inverted(mask),
        grey_share=0.0 if mask is None or item.mask is None else _grey_share(item.mask),
        oddities=() if photo is None else _oddities(item.photo),
    )


def _grey_share(path: Path) -> float:
    try:
        with Image.open(path) as image:
            counts = np.array(image.convert("L").histogram())
    except (OSError, ValueError):
        return 0.0
    values = np.flatnonzero(counts)
    return float(counts[values[1:-1]].sum() / max(counts.sum(), 1))


def _oddities(path: Path) -> tuple[str, ...]:
    """Name what a file's header says that a plain RGB photo's does not."""
    try:
        with Image.open(path) as image:
            mode = image.mode
            # Not image.getexif(): for PNG it decodes all pixels to look for a tag behind them.
            turned = Image.Image.getexif(image).get(_ORIENTATION_TAG, 1) not in (0, 1)
            transparent = mode in ("P", "RGB") and "transparency" in image.info
            # The further frames of a phone's JPEG are previews of the same photo.
            animated = image.format != "MPO" and getattr(image, "n_frames", 1) > 1
    except (OSError, ValueError, SyntaxError):
        return ()
    found = []
    if mode != _USUAL_MODE:
        found.append("16-bit" if mode.startswith("I;16") else _MODES.get(mode, mode))
    if transparent:
        found.append("with transparency")
    if turned:
        found.append("turned by EXIF")
    if animated:
        found.append("animated")
    return tuple(found)
