"""Which photos somebody means, and where among the outputs each belongs."""

import glob
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from humanseg.errors import HumansegError
from humanseg.inference.video import VIDEO_SUFFIXES
from humanseg.suffixes import PHOTO_SUFFIXES
from humanseg.task import natural_key

_FOUND = PHOTO_SUFFIXES | VIDEO_SUFFIXES

STDIN = "-"
_SHOWN = 10


@dataclass(frozen=True)
class Source:
    """A photo or video to be worked on.

    Attributes
    ----------
    path
        The file.
    place
        Where its outputs go below the output folder, without suffix.
    """

    path: Path
    place: Path

    @property
    def is_video(self) -> bool:
        """Whether it is a video, by its name."""
        return self.path.suffix.lower() in VIDEO_SUFFIXES


def collect(words: Sequence[str], listed: Iterable[str], out: Path) -> list[Source]:
    """Find all photos that somebody has named.

    Parameters
    ----------
    words
        Files, folders and patterns such as ``photos/**/*.jpg``; ``-`` stands for `listed`.
    listed
        Paths, one each, such as the lines of standard input. Only read where asked for.
    out
        The output folder. What lies in it is no input.

    Returns
    -------
    list of Source
        Each file once, in the order named; within a folder sorted as a person does. A folder's
        structure is kept below the folder, that of a pattern below its fixed part, and that of
        a list below the folder that all its files have in common.

    Raises
    ------
    HumansegError
        Something named is not there, no photos are found, the outputs would fall among the
        photos, or those of two photos on each other.
    """
    missing = [word for word in words if word != STDIN and not _exists(word)]
    if missing:
        raise HumansegError(
            f"There is no {_some(missing)}: name photos, folders, or patterns in quotes; - stands "
            "for a list of paths on standard input."
        )
    found: dict[Path, Source] = {}
    for word in words:
        for source in _listed(listed) if word == STDIN else _named(word, out):
            found.setdefault(Path(os.path.abspath(source.path)), source)
    if not found:
        kinds = ", ".join(sorted(suffix[1:] for suffix in _FOUND))
        raise HumansegError(
            f"No photos or videos in {_some(words)}: in folders, files with these suffixes are "
            f"taken: {kinds}."
        )
    sources = list(found.values())
    _require_own_places(sources)
    return sources


def _exists(word: str) -> bool:
    # A file may be called [1].jpg: what exists is no pattern.
    return os.path.exists(word) or bool(glob.has_magic(word) and _matches(word))


def _matches(pattern: str) -> list[Path]:
    paths = [Path(name) for name in glob.glob(pattern, recursive=True)]
    return sorted((path for path in paths if path.is_file()), key=_order)


def _order(path: Path) -> list[object]:
    return [natural_key(part) for part in path.parts]


def _named(word: str, out: Path) -> Iterator[Source]:
    path = Path(word)
    if path.is_dir():
        if os.path.realpath(path) == os.path.realpath(out):
            raise HumansegError(
                f"--out {out} is the folder of the photos itself: name another one, such as "
                f"{out / 'cut'}, so that results are not taken for photos the next time."
            )
        yield from (Source(each, _stem(each, path)) for each in _photos_in(path, out))
    elif path.exists():
        yield Source(path, Path(path.stem))
    else:
        fixed = _fixed_part(path)
        for each in _matches(word):
            if _inside(each, out):
                continue
            yield Source(each, _stem(each, fixed))


def _photos_in(folder: Path, out: Path) -> list[Path]:
    found = []
    for root, folders, names in os.walk(folder):
        here = Path(root)
        # Hidden ones hold thumbnails and what systems keep beside files (._17.jpg), not photos.
        folders[:] = [name for name in folders if name[0] != "." and not _inside(here / name, out)]
        found += [
            here / name for name in names if name[0] != "." and Path(name).suffix.lower() in _FOUND
        ]
    return sorted(found, key=_order)


def _listed(listed: Iterable[str]) -> Iterator[Source]:
    paths = [Path(line) for line in listed if line]
    if not paths:
        return
    common = Path(os.path.commonpath([os.path.abspath(path.parent) for path in paths]))
    for path in paths:
        yield Source(path, _stem(Path(os.path.abspath(path)), common))


def _stem(path: Path, below: Path) -> Path:
    return path.relative_to(below).with_suffix("")


def _fixed_part(pattern: Path) -> Path:
    parts = []
    for part in pattern.parts[:-1]:
        if glob.has_magic(part):
            break
        parts.append(part)
    return Path(*parts)


def _inside(path: Path, folder: Path) -> bool:
    return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder))


def _require_own_places(sources: Iterable[Source]) -> None:
    by_place = defaultdict(list)
    for source in sources:
        # A phone keeps a photo that moves as two files of one name: both may go on.
        by_place[source.place, source.is_video].append(str(source.path))
    shared = [" and ".join(paths) for paths in by_place.values() if len(paths) > 1]
    if shared:
        raise HumansegError(
            f"The results of some photos would overwrite each other: {_some(shared)}. Rename one, "
            "or name the folder that holds both, so that its structure is kept."
        )


def _some(names: Sequence[str]) -> str:
    shown = "; ".join(names[:_SHOWN])
    return shown if len(names) <= _SHOWN else f"{shown}; and {len(names) - _SHOWN} more"
