"""Pseudo-labels: which unlabelled photos a training may learn from, by a teacher's soft labels."""

from collections.abc import Sequence
from dataclasses import replace

from humanseg.data.cache.photos import DecodedPhotos
from humanseg.data.checks.duplicates import find_duplicates, hash_photo
from humanseg.data.labelled_photo import Pixels
from humanseg.data.photo_sets import PhotoSet


def find_leaked(held_out: Sequence[DecodedPhotos], photos: DecodedPhotos) -> set[int]:
    """Return the indices of photos that are duplicates of held-out ones."""
    sources = [(decoded, index) for decoded in (photos, *held_out) for index in range(len(decoded))]

    def read(place: int) -> Pixels:
        decoded, index = sources[place]
        return decoded[index][0]

    found = find_duplicates([hash_photo(read(place)) for place in range(len(sources))], read)
    count = len(photos)
    return {
        member
        for duplicates in found
        if duplicates.members[-1] >= count
        for member in duplicates.members
        if member < count
    }


def filter_pseudo_labels(
    photos: PhotoSet, held_out: Sequence[DecodedPhotos], min_confidence: float
) -> tuple[PhotoSet, dict[str, int]]:
    """Leave out duplicates of held-out photos, and photos of which the teacher is less sure.

    Returns the photos with those `selected` that are left, and counts: of these (`unlabelled`), of
    the `copies` of held-out photos, and of the `unsure` ones.
    """
    assert photos.soft is not None
    indices = range(len(photos.ids))
    leaked = find_leaked(held_out, photos.photos)
    unsure = {index for index in indices if confidence(photos.soft[index]) < min_confidence}
    unsure -= leaked
    selected = [index for index in indices if index not in leaked | unsure]
    counts = {"unlabelled": len(selected), "copies": len(leaked), "unsure": len(unsure)}
    return replace(photos, selected=selected), counts


def confidence(soft: Pixels) -> float:
    """Return how sure a teacher is of a photo: 1 where each pixel is, 0 where nobody is seen.

    It is the soft Dice between the probabilities, (H, W) with 255 for 1, and the mask that they
    make at a half.
    """
    person = soft > 127
    total = soft.sum(dtype=float) / 255 + float(person.sum())
    return 2 * soft[person].sum(dtype=float) / 255 / total if person.any() else 0.0
