"""A photo or video, and where its results go: two never go to one place."""

import os
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from humanseg.inference.batch.failures import Failure, failure_of
from humanseg.inference.video import VIDEO_SUFFIXES

_ROUNDS = 3


@dataclass(frozen=True)
class Source:
    """A photo or video to be worked on.

    Attributes
    ----------
    path
        The file.
    place
        Where its outputs go below the output folder, without suffix.
    stream
        What it came through, where `path` is a copy of it: a pipe, or ``-``.
    """

    path: Path
    place: Path
    stream: str = ""

    @property
    def is_video(self) -> bool:
        """Whether it is a video, by its name."""
        return self.path.suffix.lower() in VIDEO_SUFFIXES

    @property
    def name(self) -> str:
        """What the person named: the path, or what it came through."""
        return self.stream or str(self.path)

    def failure(self, error: Exception) -> Failure:
        """Return what an error says of it, in the words by which the person named it.

        Raises
        ------
        Exception
            As of `failure_of`.
        """
        failed = failure_of(self.path, error)
        if not self.stream:
            return failed
        return Failure(Path(self.stream), failed.reason.replace(str(self.path), self.stream))


def give_places(sources: Iterable[Source]) -> tuple[list[Source], list[Failure]]:
    """Part what would be written to one place: by the suffix, then by the folder.

    Parameters
    ----------
    sources
        With the places that their names suggest.

    Returns
    -------
    tuple
        Those that have a place of their own now, in the same order, and what to say of the rest.
        ``IMG_1.HEIC`` and ``IMG_1.JPG`` of one folder get the places ``IMG_1.HEIC`` and
        ``IMG_1.JPG``; ``a/1.jpg`` and ``b/1.jpg`` that were named one by one get ``a/1`` and
        ``b/1``.
    """
    parted = list(sources)
    # A new place may be another one's: 1.png of twins, and that of 1.png.jpg.
    for _ in range(_ROUNDS):
        parted = _part(_part(parted, _by_suffix), _by_folder)
    alone, failures = list[Source](), list[Failure]()
    taken: dict[tuple[Path, bool], Source] = {}
    for source in parted:
        first = taken.setdefault((source.place, source.is_video), source)
        if first is source:
            alone.append(source)
        else:
            failures.append(
                Failure(
                    source.path,
                    f"{source.path}: its results would overwrite those of {first.path}. Rename "
                    "one, or name the folder that holds both.",
                )
            )
    return alone, failures


def _part(sources: Iterable[Source], way: Callable[[list[Source]], list[Source]]) -> list[Source]:
    by_place = defaultdict(list)
    order = []
    for source in sources:
        # A phone keeps a photo that moves as two files of one name: both may go on.
        by_place[source.place, source.is_video].append(source)
        order.append(source)
    parted = {
        id(source): other
        for group in by_place.values()
        if len(group) > 1
        for source, other in zip(group, way(group), strict=True)
    }
    return [parted.get(id(source), source) for source in order]


def _by_suffix(group: list[Source]) -> list[Source]:
    """Name those by the whole file that another file of the same folder shares the stem with."""
    folders = Counter(source.path.parent for source in group)
    return [
        replace(source, place=source.place.with_name(source.path.name))
        if folders[source.path.parent] > 1 and not source.stream
        else source
        for source in group
    ]


def _by_folder(group: list[Source]) -> list[Source]:
    """Keep the structure below the folder that all have in common."""
    common = common_folder([source.path.parent for source in group])
    if common is None:
        return group
    return [
        replace(source, place=absolute(source.path).parent.relative_to(common) / source.place.name)
        for source in group
    ]


def common_folder(folders: Sequence[Path]) -> Path | None:
    """Return the folder that all have in common; None without one, as of two drives."""
    try:
        return Path(os.path.commonpath([absolute(folder) for folder in folders]))
    except ValueError:
        return None


def absolute(path: Path) -> Path:
    """Return a path from the root, links as they are."""
    return Path(os.path.abspath(path))
