"""What lies in a folder of photos: what is worked on, and what is left out of it."""

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from humanseg.inference.failures import Failure
from humanseg.inference.outputs import OUTPUTS
from humanseg.inference.provenance import is_result
from humanseg.inference.video import VIDEO_SUFFIXES
from humanseg.suffixes import PHOTO_SUFFIXES
from humanseg.task import natural_key

FOUND = PHOTO_SUFFIXES | VIDEO_SUFFIXES
"""Suffixes of files that are taken from a folder, in lower case."""

RESULTS = "results of humanseg"
_RESULT_SUFFIXES = (".jpeg", ".jpg", ".png", ".webp")


@dataclass
class Contents:
    """What a search has found.

    Attributes
    ----------
    paths
        Photos and videos, in the order of a person.
    left_out
        How many files of each other kind there are: by suffix, or in words.
    failures
        Folders that cannot be read.
    """

    paths: list[Path] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)
    failures: list[Failure] = field(default_factory=list)


def search(folder: Path, out: Path) -> Contents:
    """Search a folder to the bottom, linked folders included.

    Parameters
    ----------
    folder
        Where to begin.
    out
        The output folder. What lies in it is passed over.

    Returns
    -------
    Contents
        Each folder is read once, however many links lead to it, and by its own path rather than by
        a link's. Hidden folders are passed over: they hold what systems keep for themselves.
    """
    found = Contents()
    above = {_identity(each) for each in Path(os.path.realpath(folder)).parents if each.exists()}
    seen: set[tuple[int, int]] = set()
    # Links come last, so that a folder in the tree goes by its own name.
    waiting, links = [folder], list[Path]()
    while waiting or links:
        here = waiting.pop() if waiting else links.pop(0)
        try:
            identity = _identity(here)
            # A link upwards leads out of what was named, and round in a circle.
            if identity in seen or identity in above or inside(here, out):
                continue
            seen.add(identity)
            for entry in _entries(here):
                if not _is_folder(entry):
                    _sort(entry, found)
                elif entry.name[0] != ".":
                    (links if entry.is_symlink() else waiting).append(here / entry.name)
        except OSError as error:
            reason = f"{here} cannot be read: {error.strerror}. Check its permissions."
            found.failures.append(Failure(here, reason))
    found.paths.sort(key=natural_order)
    return found


def is_earlier_result(path: Path) -> bool:
    """Return whether a picture or film was made by `humanseg predict`, so that it is no photo."""
    suffix = path.suffix.lower()
    if suffix in VIDEO_SUFFIXES:
        # Opening a film takes its time: only what is named like a result is looked into.
        if path.stem.rpartition("_")[2] not in OUTPUTS:
            return False
        from humanseg.inference.video.comment import read_film_comment

        return is_result(path, read_film_comment)
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


def _entries(folder: Path) -> Iterator["os.DirEntry[str]"]:
    with os.scandir(folder) as entries:
        yield from entries


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _sort(entry: "os.DirEntry[str]", found: Contents) -> None:
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
