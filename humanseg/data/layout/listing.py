"""Lists a folder of photos or masks: the images, and the files that are not read."""

import os
import unicodedata
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from humanseg.data.checks.problems import escape
from humanseg.errors import HumansegError, plural
from humanseg.io.names import PHOTO_SUFFIXES, SYSTEM_FILES, natural_key

_SYSTEM_NAMES = SYSTEM_FILES | {"__macosx", "@eadir"}
"""What systems leave among photos, in lower case, besides hidden files."""

_NAMED = 3


@dataclass(frozen=True)
class Listing:
    """The content of a folder, without hidden files and what systems leave there."""

    # By id, in natural order. An id is the stem in Unicode's composed form (NFC): some disks store
    # "é" as two characters, and a mask drawn elsewhere must still find its photo.
    images: dict[str, list[Path]]
    others: Counter[str]  # how many files of each other kind, by suffix
    folders: tuple[Path, ...]

    def skipped(self) -> str:
        """Return what is not read: "4 files of other kinds (1 txt, 3 xcf)"; empty when all is."""
        skipped = []
        if self.others:
            count = self.others.total()
            kinds = ", ".join(f"{many} {kind}" for kind, many in sorted(self.others.items()))
            files = "1 file of another kind" if count == 1 else f"{count} files of other kinds"
            skipped.append(f"{files} ({kinds})")
        if self.folders:
            count = len(self.folders)
            named = [
                f"{escape(folder.name)}: {_photos(folder)}" for folder in self.folders[:_NAMED]
            ]
            more = [] if count <= _NAMED else [f"{count - _NAMED} more"]
            skipped.append(f"{plural(count, 'sub-folder')} ({', '.join(named + more)})")
        return " and ".join(skipped)


def list_folder(folder: Path) -> Listing:
    """List the images in a folder, by the suffixes `PHOTO_SUFFIXES`, and what is not read."""
    images: dict[str, list[Path]] = {}
    others: Counter[str] = Counter()
    folders = []
    try:
        for path in sorted(folder.iterdir()):
            if path.name.startswith(".") or path.name.lower() in _SYSTEM_NAMES:
                continue
            if path.is_dir():
                folders.append(path)
            elif path.suffix.lower() in PHOTO_SUFFIXES:
                # A link that leads nowhere is kept: reading it will say so by its name.
                images.setdefault(unicodedata.normalize("NFC", path.stem), []).append(path)
            else:
                others[escape(path.suffix[1:].lower()) or "without a suffix"] += 1
    except OSError as error:
        raise HumansegError(
            f"Cannot read the folder {escape(str(folder))}: {error.strerror}.",
            code="data.unreadable_folder",
        ) from error
    ordered = {id: images[id] for id in sorted(images, key=natural_key)}
    return Listing(ordered, others, tuple(folders))


def _photos(folder: Path) -> str:
    """Count the photos in a folder and below."""
    count = 0
    unreadable: list[OSError] = []
    for _, folders, names in os.walk(folder, onerror=unreadable.append):
        folders[:] = [name for name in folders if not name.startswith(".")]
        visible = [Path(name) for name in names if not name.startswith(".")]
        count += sum(path.suffix.lower() in PHOTO_SUFFIXES for path in visible)
    if unreadable:
        return "cannot be read"
    return plural(count, "photo") if count else "no photo"
