"""What lies in a folder of photos: what is worked on, and what is left out of it."""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path

from humanseg.inference.batch.failures import InputFailure
from humanseg.inference.batch.outputs import OUTPUTS
from humanseg.inference.batch.provenance import is_result
from humanseg.inference.video import VIDEO_SUFFIXES
from humanseg.io.names import natural_key
from humanseg.io.suffixes import PHOTO_SUFFIXES

FOUND = PHOTO_SUFFIXES | VIDEO_SUFFIXES
"""Suffixes of files that are taken from a folder, in lower case."""

RESULTS = "results of humanseg"
_RESULT_SUFFIXES = (".jpeg", ".jpg", ".png", ".webp")


@dataclass
class SearchResult:
    """What a search has found."""

    # Photos and videos, in the order of a person.
    paths: list[Path] = field(default_factory=list)
    # How many files of each other kind there are: by suffix, or in words.
    left_out: Counter[str] = field(default_factory=Counter)
    # Folders that cannot be read.
    failures: list[InputFailure] = field(default_factory=list)


def search(folder: Path, out: Path) -> SearchResult:
    """Search a folder to the bottom, linked folders included."""
    found = SearchResult()
    for entry, is_folder in walk(folder, out, found.failures):
        if not is_folder:
            _sort(entry, found)
    found.paths.sort(key=natural_order)
    return found


def match(fixed: Path, pattern: Sequence[str], out: Path) -> SearchResult:
    """Return the files that a pattern with ``*``, ``?``, ``[…]`` or ``**`` stands for.

    Unlike the glob module it says which folders it could not read, and reads each folder once,
    however many links lead to it.
    """
    found = SearchResult()
    depth = None if "**" in pattern else len(pattern)
    for entry, is_folder in walk(fixed, out, found.failures, depth):
        path = Path(entry.path)
        if entry.name[0] == "." or not _fits(path.relative_to(fixed).parts, pattern):
            continue
        if not is_folder:
            found.paths.append(path)
        elif depth is not None and not inside(path, out):
            found.left_out["folders"] += 1
    found.paths.sort(key=natural_order)
    return found


def walk(
    folder: Path, out: Path, failures: list[InputFailure], depth: int | None = None
) -> Iterator[tuple["os.DirEntry[str]", bool]]:
    """Yield what a folder and those below it hold, and whether it is a folder.

    Each folder is read once, however many links lead to it, and by its own path rather than by a
    link's. Hidden folders are passed over: they hold what systems keep for themselves.
    """
    above = {_identity(each) for each in Path(os.path.realpath(folder)).parents if each.exists()}
    seen: set[tuple[int, int]] = set()
    # Links come last, so that a folder in the tree goes by its own name.
    waiting, links = [(folder, 1)], list[tuple[Path, int]]()
    while waiting or links:
        here, level = waiting.pop() if waiting else links.pop(0)
        try:
            identity = _identity(here)
            # A link upwards leads out of what was named, and round in a circle.
            if identity in seen or identity in above or inside(here, out):
                continue
            seen.add(identity)
            with os.scandir(here) as entries:
                for entry in entries:
                    is_folder = _is_folder(entry)
                    yield entry, is_folder
                    if is_folder and entry.name[0] != "." and level != depth:
                        below = links if entry.is_symlink() else waiting
                        below.append((here / entry.name, level + 1))
        except OSError as error:
            reason = f"{here} cannot be read: {error.strerror}. Check its permissions."
            failures.append(InputFailure(here, reason))


def is_earlier_result(path: Path) -> bool:
    """Return whether a picture or film was made by `humanseg predict`, so that it is no photo."""
    suffix = path.suffix.lower()
    if suffix in VIDEO_SUFFIXES:
        # Opening a film takes its time: only what is named like a result is looked into.
        if path.stem.rpartition("_")[2] not in OUTPUTS:
            return False
        from humanseg.inference.video.comment import read_video_comment

        return is_result(path, read_video_comment)
    return suffix in _RESULT_SUFFIXES and is_result(path)


def natural_order(path: Path) -> list[object]:
    """Return the key by which a person sorts paths."""
    return [natural_key(part) for part in path.parts]


def inside(path: Path, folder: Path) -> bool:
    """Return whether a path lies in a folder, or is it, whatever links lead there."""
    return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder))


def _identity(folder: Path) -> tuple[int, int]:
    stat = folder.stat()
    return stat.st_dev, stat.st_ino


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _fits(parts: Sequence[str], pattern: Sequence[str]) -> bool:
    """Return whether a path fits a pattern; ``**`` stands for any number of folders."""
    if not pattern:
        return not parts
    if pattern[0] == "**":
        return any(_fits(parts[start:], pattern[1:]) for start in range(len(parts) + 1))
    return bool(parts) and fnmatch(parts[0], pattern[0]) and _fits(parts[1:], pattern[1:])


def _sort(entry: "os.DirEntry[str]", found: SearchResult) -> None:
    suffix = Path(entry.name).suffix.lower()
    path = Path(entry.path)
    if suffix not in FOUND:
        if entry.name[0] != ".":
            found.left_out[suffix or "no suffix"] += 1
    elif entry.name[0] == ".":
        found.left_out["hidden"] += 1
    elif not (entry.is_file() or entry.is_symlink()):
        # A pipe would never end; a link that leads nowhere is tried, and reported as missing.
        found.left_out["pipes and devices"] += 1
    elif entry.is_symlink() and path.exists() and not path.is_file():
        found.left_out["pipes and devices"] += 1
    else:
        found.paths.append(path)
