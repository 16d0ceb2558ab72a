"""The photos of a training: labelled ones, and unlabelled ones with soft labels."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from humanseg.data.cache.buffer import LayerCache
from humanseg.data.cache.photos import DecodedPhotos
from humanseg.data.labelled_photo import LabelledPhoto


@dataclass(frozen=True)
class PhotoSet:
    """Decoded photos of one split, as a training takes them."""

    ids: Sequence[str]  # in the order of `photos`
    photos: DecodedPhotos
    soft: LayerCache | None = None  # soft labels in the same order and sizes
    selected: Sequence[int] | None = None  # indices of those that are trained on; None: all
    weights: Sequence[float] | None = None  # how often each is drawn in an epoch; None: once

    @property
    def chosen(self) -> Sequence[int]:
        """The indices of those that are trained on."""
        return range(len(self.ids)) if self.selected is None else self.selected

    def weight(self, index: int) -> float:
        """How often a photo is drawn in an epoch, on average."""
        return 1.0 if self.weights is None else self.weights[index]


class LabelledPhotos:
    """The photos of several sets, which share no id, as one sequence.

    Where some sets have soft labels, the masks of the others are theirs.
    """

    def __init__(self, *sets: PhotoSet) -> None:
        self._has_soft = any(photos.soft is not None for photos in sets)
        self._sources = [(photos, index) for photos in sets for index in photos.chosen]
        self.ids = [photos.ids[index] for photos, index in self._sources]
        self.weights = (
            [photos.weight(index) for photos, index in self._sources]
            if any(photos.weights is not None for photos in sets)
            else None
        )

    def __len__(self) -> int:
        """Count the photos."""
        return len(self._sources)

    def __getitem__(self, index: int) -> LabelledPhoto:
        """Return read-only views; without a mask, soft labels above a half take its place."""
        photos, position = self._sources[index]
        photo, mask = photos.photos[position]
        soft = None if photos.soft is None else photos.soft[position]
        if mask is None:
            if soft is None:
                raise ValueError(f"Train photo {self.ids[index]} has no mask.")
            mask = (soft > 127).astype(np.uint8)
        if soft is None and self._has_soft:
            soft = mask * 255
        return LabelledPhoto(photo, mask, soft)
