"""Photos and videos below a folder, and what of the folder is left out."""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path

from humanseg.inference.batch.failures import InputFailure
from humanseg.inference.batch.input_files import InputFile
from humanseg.inference.batch.outputs import OUTPUTS
from humanseg.inference.batch.provenance import is_prediction
from humanseg.inference.video import VIDEO_SUFFIXES
from humanseg.io.names import PHOTO_SUFFIXES, natural_key

INPUT_SUFFIXES = PHOTO_SUFFIXES | VIDEO_SUFFIXES
"""Suffixes of files that are taken from a folder, in lower case."""

RESULTS = "results of humanseg"
_STREAMS = "pipes and devices"
_NOT_DOWNLOADED = "not downloaded from iCloud"
"""A Mac keeps the file .NAME.icloud in the place of each."""
_ALSO_SOURCES = (".ts", ".mts")
"""Suffixes of videos and of TypeScript."""
_SYSTEM_FOLDERS = frozenset(
    (
        "$recycle.bin",
        "system volume information",
        "lost+found",
        "@eadir",
        "#recycle",
        "#snapshot",
        "__macosx",
    )
)
"""Names of folders, in lower case: of Windows, Linux, Synology's disks and a Mac's archives."""
_HEAD = 1024
_RESULT_SUFFIXES = (".jpeg", ".jpg", ".png", ".webp")


@dataclass
class CollectedInputs:
    """The photos and videos that a person named, and those that cannot be used."""

    inputs: list[InputFile] = field(default_factory=list)
    # Folders that cannot be read, files whose results have no place.
    failures: list[InputFailure] = field(default_factory=list)
    # How many files are no photos or videos: by suffix, or in words.
    left_out: Counter[str] = field(default_factory=Counter)


def search(folder: Path, out: Path, collected: CollectedInputs) -> list[Path]:
    """Return all photos and videos below a folder, also in linked folders, but not in `out`."""
    paths = []
    for entry, is_folder in _walk(folder, out, collected.failures):
        if is_folder:
            continue
        if (reason := _reason_to_leave_out(entry)) is None:
            paths.append(Path(entry.path))
        elif reason:
            collected.left_out[reason] += 1
    return sorted(paths, key=_natural_order)


def match(
    folder: Path, pattern: Sequence[str], out: Path, collected: CollectedInputs
) -> list[Path]:
    """Return the files below a folder that fit a pattern with ``*``, ``?``, ``[…]`` or ``**``.

    Unlike the glob module, it says which folders it could not read, and reads each folder once,
    however many links lead to it.
    """
    paths = []
    depth = None if "**" in pattern else len(pattern)
    for entry, is_folder in _walk(folder, out, collected.failures, depth):
        path = Path(entry.path)
        if entry.name[0] == "." or not _fits(path.relative_to(folder).parts, pattern):
            continue
        if not is_folder:
            if _is_readable_file(entry):
                paths.append(path)
            else:
                collected.left_out[_STREAMS] += 1
        elif depth is not None and not is_output(path, folder, out):
            collected.left_out["folders"] += 1
    return sorted(paths, key=_natural_order)


def _walk(
    folder: Path, out: Path, failures: list[InputFailure], depth: int | None = None
) -> Iterator[tuple["os.DirEntry[str]", bool]]:
    """Yield the entries of a folder and those below it, and whether each is a folder.

    Each folder is read once, and by its own path rather than by a link's. What systems keep for
    themselves is skipped: hidden folders, waste bins, the thumbnails of network disks.
    """
    ancestors = {
        _folder_key(path) for path in Path(os.path.realpath(folder)).parents if path.exists()
    }
    visited: set[tuple[int, int] | str] = set()
    # Links come last, so that a folder in the tree goes by its own name.
    folders, links = [(folder, 1)], list[tuple[Path, int]]()
    while folders or links:
        current, level = folders.pop() if folders else links.pop(0)
        try:
            key = _folder_key(current)
            # A link upwards leads out of what was named, and round in a circle.
            if key in visited or key in ancestors or is_output(current, folder, out):
                continue
            visited.add(key)
            with os.scandir(current) as entries:
                for entry in entries:
                    is_folder = _is_folder(entry)
                    yield entry, is_folder
                    if is_folder and not _is_system_folder(entry.name) and level != depth:
                        below = links if entry.is_symlink() else folders
                        below.append((current / entry.name, level + 1))
        except OSError as error:
            reason = f"{current} cannot be read: {error.strerror}. Check its permissions."
            failures.append(InputFailure(current, reason, "inference.unreadable_folder"))


def is_earlier_result(path: Path) -> bool:
    """Return whether `humanseg predict` made a picture or video, so that it is no input."""
    suffix = path.suffix.lower()
    if suffix in VIDEO_SUFFIXES:
        # To open a video takes its time: only one that is named like a result is opened.
        if path.stem.rpartition("_")[2] not in OUTPUTS:
            return False
        from humanseg.inference.video.probe import read_video_comment

        return is_prediction(path, read_video_comment)
    return suffix in _RESULT_SUFFIXES and is_prediction(path)


def is_inside(path: Path, folder: Path) -> bool:
    """Return whether a path is a folder or is in it, whatever links lead there."""
    return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder))


def is_output(path: Path, folder: Path | None, out: Path) -> bool:
    """Return whether a path below a folder is in `out`, unless all of the folder is."""
    return is_inside(path, out) and (folder is None or not is_inside(folder, out))


def _natural_order(path: Path) -> list[object]:
    return [natural_key(part) for part in path.parts]


def _folder_key(folder: Path) -> tuple[int, int] | str:
    """Return what is the same for a folder by whatever path it is reached, and for no other."""
    stat = folder.stat()
    # On Windows all folders of network and cloud drives have the inode number 0.
    return (stat.st_dev, stat.st_ino) if stat.st_ino else os.path.realpath(folder)


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _is_system_folder(name: str) -> bool:
    return name[0] == "." or name.lower() in _SYSTEM_FOLDERS


def _fits(parts: Sequence[str], pattern: Sequence[str]) -> bool:
    """Return whether a path fits a pattern; ``**`` stands for any number of folders."""
    if not pattern:
        return not parts
    if pattern[0] == "**":
        return any(_fits(parts[start:], pattern[1:]) for start in range(len(parts) + 1))
    return bool(parts) and fnmatch(parts[0], pattern[0]) and _fits(parts[1:], pattern[1:])


def _reason_to_leave_out(entry: "os.DirEntry[str]") -> str | None:
    """Return why a file is no input, empty where nobody needs to know; None for an input."""
    suffix = Path(entry.name).suffix.lower()
    is_hidden = entry.name[0] == "."
    if is_hidden and suffix == ".icloud":
        return _NOT_DOWNLOADED
    if suffix not in INPUT_SUFFIXES:
        return "" if is_hidden else suffix or "no suffix"
    if is_hidden:
        return "hidden"
    if suffix in _ALSO_SOURCES and _is_text(entry.path):
        return suffix
    return None if _is_readable_file(entry) else _STREAMS


def _is_text(path: str) -> bool:
    """Return whether a file holds text; the first packets of a video are filled with bytes 255."""
    try:
        # A pipe would never end.
        if not os.path.isfile(path):
            return False
        with open(path, "rb") as file:
            head = file.read(_HEAD)
    except OSError:
        return False
    return bool(head) and b"\0" not in head and b"\xff" not in head


def _is_readable_file(entry: "os.DirEntry[str]") -> bool:
    # A pipe would never end; a link that leads nowhere is tried, and reported as missing.
    return os.path.isfile(entry.path) or not os.path.exists(entry.path)
