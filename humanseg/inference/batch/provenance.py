"""What a result was made from: kept in its file, and compared before the file is relied on."""

import hashlib
import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from enum import Enum
from functools import cached_property
from pathlib import Path
from typing import Any

from humanseg.io.image_comment import read_comment
from humanseg.io.images import ImageError

_MARK = "humanseg: "
_FORMAT = 1
"""To be raised when the same photo, options and model give another result."""
_SETTLED_NS = 2_000_000_000
"""The coarsest clock of a file system: what changed later than that may change unseen."""


class ResultState(Enum):
    """What a file that is to be written is now; the value says how it was made, if known."""

    MISSING = "was not there"
    CURRENT = "is what was asked for"
    OTHER_OPTIONS = "with other options"
    OTHER_MODEL = "by another model"
    CHANGED_PHOTO = "from the photo before it changed"
    OTHER_PHOTO = "from another photo"
    UNKNOWN = "does not say what it was made from"
    SOURCE = "is the photo itself"


OUTDATED = frozenset(
    (ResultState.OTHER_OPTIONS, ResultState.OTHER_MODEL, ResultState.CHANGED_PHOTO)
)
"""Replaced without being asked: whatever is lost, the same command makes again."""


@dataclass(frozen=True)
class Provenance:
    """What a result was made from."""

    # Digest of the photo's bytes.
    photo: str
    # Digest of the photo's path: it tells a photo that changed from another one of its name.
    origin: str
    # Digest of what the file system says of the photo; empty where that proves nothing.
    stat: str
    # Digest of the model.
    model: str
    # All that shapes this result, those that are not set left out.
    options: Mapping[str, Any]
    # Whether anybody was found.
    person: bool

    def text(self) -> str:
        """Return it as a comment for the file of the result."""
        return _MARK + json.dumps({"format": _FORMAT} | asdict(self), separators=(",", ":"))

    @classmethod
    def parse(cls, text: str | None) -> "Provenance | None":
        """Return what `text` wrote; None for any other text."""
        if text is None or not text.startswith(_MARK):
            return None
        try:
            values = json.loads(text.removeprefix(_MARK))
            return cls(**values) if values.pop("format") == _FORMAT else None
        except (ValueError, TypeError, AttributeError, LookupError):
            return None


class FileIdentity:
    """Tells whether a file is the one that something was made from."""

    def __init__(self, path: Path, *, named: bool = True) -> None:
        self.path = path
        self._stat = self._look()
        self.origin = _digest(os.fsencode(os.path.abspath(path))) if named else ""

    @property
    def stat(self) -> str:
        """Digest of the file's identity, size and times; a change of its bytes changes it."""
        stat = self._stat
        known = (stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)
        return _digest(repr(known).encode())

    @property
    def settled_stat(self) -> str:
        """The same, or empty where a later change may not show, since the last one is so near."""
        return self.stat if time.time_ns() - self._stat.st_ctime_ns > _SETTLED_NS else ""

    @cached_property
    def content(self) -> str:
        """Digest of all bytes."""
        try:
            with self.path.open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest()[:32]
        except OSError as error:
            raise _unreadable(self.path, error) from error

    def require_unchanged(self) -> None:
        """Raise ImageError where the file is no longer the one that was looked at."""
        before, now = self._stat, self._look()
        if (before.st_size, before.st_mtime_ns) != (now.st_size, now.st_mtime_ns):
            raise ImageError(f"{self.path} changed while it was read: run the same command again.")

    def is_file(self, path: Path) -> bool:
        """Return whether `path` is this very file."""
        try:
            return os.path.samestat(self._stat, os.stat(path))
        except (OSError, ValueError):
            return False

    def _look(self) -> os.stat_result:
        try:
            return self.path.stat()
        except (OSError, ValueError) as error:
            raise _unreadable(self.path, error) from error


def state_of(
    path: Path,
    source: FileIdentity,
    model: str,
    options: Mapping[str, Any],
    read: Callable[[Path], str | None] = read_comment,
) -> tuple[ResultState, Provenance | None]:
    """Compare a file with what is asked for."""
    if not os.path.lexists(path):
        return ResultState.MISSING, None
    if source.is_file(path):
        return ResultState.SOURCE, None
    # A pipe would never end.
    found = Provenance.parse(read(path)) if path.is_file() else None
    if found is None:
        return ResultState.UNKNOWN, None
    # Bytes are read only where the cheap proof fails, as of a copy.
    if found.stat != source.stat and found.photo != source.content:
        same_place = source.origin and found.origin == source.origin
        return (ResultState.CHANGED_PHOTO if same_place else ResultState.OTHER_PHOTO), found
    if found.model != model:
        return ResultState.OTHER_MODEL, found
    if found.options != options:
        return ResultState.OTHER_OPTIONS, found
    return ResultState.CURRENT, found


def is_result(path: Path, read: Callable[[Path], str | None] = read_comment) -> bool:
    """Return whether a file was made by `humanseg predict`; `read` returns its comment."""
    return Provenance.parse(read(path)) is not None


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


def _unreadable(path: Path, error: Exception) -> ImageError:
    if isinstance(error, FileNotFoundError):
        return ImageError(f"There is no file {path}: check the name, or put the image there.")
    said = getattr(error, "strerror", None) or error
    return ImageError(f"Cannot read {path}: {said}. Check the file and its permissions.")
