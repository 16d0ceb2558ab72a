"""What a training learns from: photos with masks, and photos with a teacher's opinion alone."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from humanseg.data.cache.buffer import PackedLayers
from humanseg.data.cache.store import PhotoStore
from humanseg.data.picture import Picture


@dataclass(frozen=True)
class Source:
    """Photos of one kind.

    Attributes
    ----------
    ids
        Of all photos in the store, in its order.
    store
        Decoded photos, with masks or without.
    soft
        A teacher's probabilities, in the same order and sizes; None without a teacher.
    kept
        The photos that are trained on; None: all.
    """

    ids: Sequence[str]
    store: PhotoStore
    soft: PackedLayers | None = None
    kept: Sequence[int] | None = None


class Pictures:
    """The photos of several sources, as one sequence.

    Parameters
    ----------
    *sources
        Where they come from. No two photos share an id.

    Attributes
    ----------
    ids
        Of the photos, in order.
    """

    def __init__(self, *sources: Source) -> None:
        self._places = [
            (source, index)
            for source in sources
            for index in (range(len(source.ids)) if source.kept is None else source.kept)
        ]
        self.ids = [source.ids[index] for source, index in self._places]

    def __len__(self) -> int:
        """Count the photos."""
        return len(self._places)

    def __getitem__(self, index: int) -> Picture:
        """Return views: read only. Where nobody has drawn a mask, the teacher's stands for it.

        Raises
        ------
        ValueError
            The photo has neither a mask nor a teacher.
        """
        source, place = self._places[index]
        photo, mask = source.store[place]
        soft = None if source.soft is None else source.soft[place]
        if mask is None:
            if soft is None:
                raise ValueError(f"Train photo {self.ids[index]} has no mask.")
            mask = (soft > 127).astype(np.uint8)
        return Picture(photo, mask, soft)
