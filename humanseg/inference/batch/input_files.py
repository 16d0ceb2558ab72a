"""A photo or video, and where its results go: no two share a place."""

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
    """A photo or video to work on."""

    path: Path
    # Of its results: a path below the output folder, without suffix.
    stem: Path
    # What `path` is a copy of, where it came through a pipe or ``-``.
    stream: str = ""

    @property
    def is_video(self) -> bool:
        """Whether it is a video, by its name."""
        return self.path.suffix.lower() in VIDEO_SUFFIXES

    @property
    def name(self) -> str:
        """The path or stream that the person named."""
        return self.stream or str(self.path)

    def failure(self, error: Exception) -> InputFailure:
        """Return the failure that an error is, under the name that the person gave."""
        failure = to_failure(self.path, error)
        if not self.stream:
            return failure
        reason = failure.reason.replace(str(self.path), self.stream)
        return replace(failure, path=Path(self.stream), reason=reason)


def assign_output_stems(
    inputs: Iterable[InputFile], ignore_case: bool = False
) -> tuple[list[InputFile], list[InputFailure]]:
    """Give inputs whose results would share a name different stems; return the rest as failures.

    ``IMG_1.HEIC`` and ``IMG_1.JPG`` of one folder get the stems ``IMG_1.HEIC`` and ``IMG_1.JPG``;
    ``a/1.jpg`` and ``b/1.jpg`` that were named one by one get ``a/1`` and ``b/1``. With
    `ignore_case`, names that differ in capitals only are one.
    """

    def name_of(source: InputFile) -> tuple[str, bool]:
        stem = str(source.stem)
        # A phone keeps a photo that moves as two files of one name: both are used.
        return stem.casefold() if ignore_case else stem, source.is_video

    separated = list(inputs)
    # A new stem may be another one's: 1.png of twins, and that of 1.png.jpg.
    for _ in range(_ROUNDS):
        separated = _separate(_separate(separated, name_of, _by_suffix), name_of, _by_folder)
    unique, failures = list[InputFile](), list[InputFailure]()
    taken: dict[tuple[str, bool], InputFile] = {}
    for source in separated:
        first = taken.setdefault(name_of(source), source)
        if first is source:
            unique.append(source)
        else:
            reason = (
                f"{source.path}: its results would overwrite those of {first.path}. Rename one, or "
                "write its results to another folder."
            )
            failures.append(InputFailure(source.path, reason, "inference.same_output"))
    return unique, failures


def _separate(
    inputs: list[InputFile],
    name_of: Callable[[InputFile], tuple[str, bool]],
    rename: Callable[[list[InputFile]], list[InputFile]],
) -> list[InputFile]:
    """Rename the inputs of each group that shares a name."""
    groups = defaultdict(list)
    for source in inputs:
        groups[name_of(source)].append(source)
    renamed = {
        id(source): other
        for group in groups.values()
        if len(group) > 1
        for source, other in zip(group, rename(group), strict=True)
    }
    return [renamed.get(id(source), source) for source in inputs]


def _by_suffix(group: list[InputFile]) -> list[InputFile]:
    """Keep the suffix where another file of the same folder has the same stem."""
    folders = Counter(source.path.parent for source in group)
    return [
        replace(source, stem=source.stem.with_name(source.path.name))
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
        replace(source, stem=absolute(source.path).parent.relative_to(common) / source.stem.name)
        for source in group
    ]


def common_folder(folders: Sequence[Path]) -> Path | None:
    """Return the folder that all have in common; None without one, as of two drives."""
    try:
        return Path(os.path.commonpath([absolute(folder) for folder in folders]))
    except ValueError:
        return None


def absolute(path: Path) -> Path:
    """Return a path from the root, with links as they are."""
    return Path(os.path.abspath(path))
