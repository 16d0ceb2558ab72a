"""Pseudo-labels: selects the unlabelled photos to train on, by a teacher's soft labels."""

from collections.abc import Sequence
from dataclasses import replace

from humanseg.data.cache.photos import DecodedPhotos
from humanseg.data.checks.duplicates import find_duplicates, hash_photo
from humanseg.data.labelled_photo import Pixels
from humanseg.data.photo_sets import PhotoSet
from humanseg.system.threads import map_in_order


def find_leaked(held_out: Sequence[DecodedPhotos], photos: DecodedPhotos) -> set[int]:
    """Return the indices of photos that are duplicates of held-out ones."""
    sources = [(decoded, index) for decoded in (photos, *held_out) for index in range(len(decoded))]

    def read(number: int) -> Pixels:
        decoded, index = sources[number]
        return decoded[index][0]

    # In threads: photos that the cache has no room for are decoded here.
    hashes = list(map_in_order(lambda number: hash_photo(read(number)), range(len(sources))))
    groups = find_duplicates(hashes, read)
    count = len(photos)
    return {
        member
        for group in groups
        if group.members[-1] >= count
        for member in group.members
        if member < count
    }


def filter_pseudo_labels(
    photos: PhotoSet, held_out: Sequence[DecodedPhotos], min_confidence: float
) -> tuple[PhotoSet, dict[str, int]]:
    """Leave out duplicates of held-out photos, and photos with a lower confidence of the teacher.

    Returns the photos with the remaining ones as `selected`, and the numbers of these
    (`unlabelled`), of duplicates (`copies`), and of `unsure` ones.
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
    """Return the confidence of a teacher in a photo: 1 at most, 0 where no person is predicted.

    It is the soft Dice between the probabilities, (H, W) with 255 for 1, and their mask at a
    threshold of 0.5.
    """
    person = soft > 127
    total = soft.sum(dtype=float) / 255 + float(person.sum())
    return 2 * soft[person].sum(dtype=float) / 255 / total if person.any() else 0.0
