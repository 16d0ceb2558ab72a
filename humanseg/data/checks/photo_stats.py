"""The statistics of one photo and its mask, small enough to hold for all photos."""

from dataclasses import dataclass

import numpy as np

from humanseg.data.checks.before_training import read_item
from humanseg.data.checks.concerns import MaskStats, mask_stats
from humanseg.data.checks.duplicates import PhotoHash, hash_photo
from humanseg.data.checks.problems import Problem
from humanseg.data.layout.folders import Item
from humanseg.data.small_components import find_small_components
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
class PhotoStats(MaskStats):
    """The statistics of a photo and its mask."""

    problems: tuple[Problem, ...]  # what would stop a training
    hash: PhotoHash | None  # None: the photo cannot be read
    small_components: int  # how many the mask has
    grey_share: float  # of the mask's pixels: neither its darkest nor its brightest value
    oddities: tuple[str, ...]  # what is unusual about the photo's file: "CMYK", "turned by EXIF"


def inspect_photo(item: Item) -> PhotoStats:
    """Read a photo and its mask, and keep what the data check needs to know about them."""
    checked = read_item(item)
    photo, mask, picture = checked.photo, checked.mask, checked.picture
    return PhotoStats(
        **vars(mask_stats(checked)),
        problems=checked.problems,
        hash=None if photo is None else hash_photo(photo),
        small_components=0 if mask is None else find_small_components(mask)[0],
        grey_share=0.0 if mask is None else _grey_share(item),
        oddities=() if picture is None else _oddities(picture),
    )


def _grey_share(item: Item) -> float:
    # Of values that are named, none is in between.
    if item.mask is None or item.rule.person_values:
        return 0.0
    counts = grey_counts(item.mask)
    values = np.flatnonzero(counts)
    return float(counts[values[1:-1]].sum() / max(counts.sum(), 1))


def _oddities(picture: LoadedPhoto) -> tuple[str, ...]:
    """Return the unusual properties of a photo's file."""
    found = []
    mode = picture.mode
    if mode != _USUAL_MODE:
        found.append("16-bit" if mode.startswith("I;16") else _MODES.get(mode, mode))
    if picture.alpha is not None and mode in ("P", "RGB"):
        found.append("with transparency")
    if picture.turned:
        found.append("turned by EXIF")
    return (*found, *(notice.word for notice in picture.notices))
