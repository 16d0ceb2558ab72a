"""Photos without masks: which of them a training may learn from, by a teacher's opinion."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from humanseg.data.cache.store import PhotoStore
from humanseg.data.checks.duplicates import find_copies, fingerprint
from humanseg.data.checks.problems import printable
from humanseg.data.layout.folders import Item
from humanseg.data.layout.listing import list_folder
from humanseg.data.picture import Pixels
from humanseg.data.pictures import Source
from humanseg.errors import HumansegError


def unlabelled_items(folder: Path) -> list[Item]:
    """List the photos of a folder.

    Parameters
    ----------
    folder
        Its sub-folders are passed over.

    Returns
    -------
    list of Item
        Naturally sorted, without masks. An id is the folder's and the file's name, so that it is
        none of a labelled photo.

    Raises
    ------
    HumansegError
        There is no such folder, or no photo in it.
    """
    files = list_folder(folder).images if folder.is_dir() else {}
    if not files:
        raise HumansegError(
            f"data.unlabelled: there is no photo in {printable(str(folder))}. Give a folder of "
            "photos, or null."
        )
    return [
        Item(f"{folder.name}/{path.name}", path, None) for paths in files.values() for path in paths
    ]


def copies_of(held_out: Sequence[PhotoStore], photos: PhotoStore) -> set[int]:
    """Find the photos that are copies of held-out ones: from those nothing may be learnt.

    Parameters
    ----------
    held_out
        The photos that a training is judged by.
    photos
        What it shall learn from.

    Returns
    -------
    set of int
        Places in `photos`.
    """
    places = [(store, index) for store in (photos, *held_out) for index in range(len(store))]

    def read(at: int) -> Pixels:
        store, index = places[at]
        return store[index][0]

    found = find_copies([fingerprint(read(at)) for at in range(len(places))], read)
    count = len(photos)
    return {
        member
        for copies in found
        if copies.members[-1] >= count
        for member in copies.members
        if member < count
    }


def trustworthy(
    source: Source, held_out: Sequence[PhotoStore], min_confidence: float
) -> tuple[Source, dict[str, int]]:
    """Leave out of photos without masks those that nothing should be learnt from.

    Parameters
    ----------
    source
        The photos, with a teacher's answers.
    held_out
        The photos that a training is judged by.
    min_confidence
        Photos of which the teacher is less sure are left out; see `confidence`.

    Returns
    -------
    source
        With the photos that are kept.
    counts
        Of the `unlabelled` photos that are kept, of the `copies` of held-out ones that are not,
        and of the `unsure` ones.
    """
    assert source.soft is not None
    everything = range(len(source.ids))
    copies = copies_of(held_out, source.store)
    unsure = {at for at in everything if confidence(source.soft[at]) < min_confidence} - copies
    kept = [at for at in everything if at not in copies | unsure]
    counts = {"unlabelled": len(kept), "copies": len(copies), "unsure": len(unsure)}
    return replace(source, kept=kept), counts


def confidence(soft: Pixels) -> float:
    """Say how sure a teacher is of a photo.

    Parameters
    ----------
    soft
        uint8 (H, W): probability of person, 255 for 1.

    Returns
    -------
    float
        Soft Dice between the probabilities and the mask that they make at a half: 1 where each
        is 0 or 1, and 0 where nobody is seen.
    """
    person = soft > 127
    total = soft.sum(dtype=float) / 255 + float(person.sum())
    return 2 * soft[person].sum(dtype=float) / 255 / total if person.any() else 0.0
