"""A photo or video, and where its results go: two never go to one place."""

import os
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from humanseg.inference.batch.failures import InputFailure, to_failure
from humanseg.inference.video import VIDEO_SUFFIXES

_ROUNDS = 3


@dataclass(frozen=True)
class InputFile:
    """A photo or video to be worked on."""

    # The file.
    path: Path
    # Where its outputs go below the output folder, without suffix.
    place: Path
    # What it came through, where `path` is a copy of it: a pipe, or ``-``.
    stream: str = ""

    @property
    def is_video(self) -> bool:
        """Whether it is a video, by its name."""
        return self.path.suffix.lower() in VIDEO_SUFFIXES

    @property
    def name(self) -> str:
        """What the person named: the path, or what it came through."""
        return self.stream or str(self.path)

    def failure(self, error: Exception) -> InputFailure:
        """Return what an error says of it, in the words by which the person named it."""
        failed = to_failure(self.path, error)
        if not self.stream:
            return failed
        return InputFailure(Path(self.stream), failed.reason.replace(str(self.path), self.stream))


def assign_output_stems(sources: Iterable[InputFile]) -> tuple[list[InputFile], list[InputFailure]]:
    """Part what would be written to one place: by the suffix, then by the folder."""
    parted = list(sources)
    # A new place may be another one's: 1.png of twins, and that of 1.png.jpg.
    for _ in range(_ROUNDS):
        parted = _part(_part(parted, _by_suffix), _by_folder)
    alone, failures = list[InputFile](), list[InputFailure]()
    taken: dict[tuple[Path, bool], InputFile] = {}
    for source in parted:
        first = taken.setdefault((source.place, source.is_video), source)
        if first is source:
            alone.append(source)
        else:
            failures.append(
                InputFailure(
                    source.path,
                    f"{source.path}: its results would overwrite those of {first.path}. Rename "
                    "one, or name the folder that holds both.",
                )
            )
    return alone, failures


def _part(
    sources: Iterable[InputFile], way: Callable[[list[InputFile]], list[InputFile]]
) -> list[InputFile]:
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


def _by_suffix(group: list[InputFile]) -> list[InputFile]:
    """Name those by the whole file that another file of the same folder shares the stem with."""
    folders = Counter(source.path.parent for source in group)
    return [
        replace(source, place=source.place.with_name(source.path.name))
        if folders[source.path.parent] > 1 and not source.stream
        else source
        for source in group
    ]


def _by_folder(group: list[InputFile]) -> list[InputFile]:
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
