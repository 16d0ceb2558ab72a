"""What a result was made from: kept in its file, compared before the file is relied on."""

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

from humanseg.io.decoding.errors import explain_image_errors
from humanseg.io.image_comment import read_comment
from humanseg.io.images import ImageError

_MARK = "humanseg: "
_FORMAT = 1
"""Raised when the same photo, options and model give another result."""
_SETTLED_NS = 2_000_000_000
"""The coarsest clock of a file system: a file that changed later may change again unseen."""


class ResultState(Enum):
    """The state of a file that is to be written; the value says how it was made, if known."""

    MISSING = "was not there"
    CURRENT = "is what was requested"
    OTHER_OPTIONS = "with other options"
    OTHER_MODEL = "by another model"
    CHANGED_PHOTO = "from the photo before it changed"
    OTHER_PHOTO = "from another photo"
    UNKNOWN = "does not say what it was made from"
    SOURCE = "is the photo itself"


OUTDATED = frozenset(
    (ResultState.OTHER_OPTIONS, ResultState.OTHER_MODEL, ResultState.CHANGED_PHOTO)
)
"""Replaced unasked: whatever is lost, the same command makes again."""


@dataclass(frozen=True)
class Provenance:
    """The provenance of a result."""

    # Digest of the photo's bytes.
    photo: str
    # Digest of the photo's path: tells a photo that changed from another one of its name.
    origin: str
    # Digest of the photo's file status; empty where that proves nothing.
    stat: str
    # Digest of the model.
    model: str
    # All that shapes this result, without those that are not set.
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
    """Checks whether a file is the source of a result.

    Its path says which photo it is, unless `named` is false, as for a pipe.
    """

    def __init__(self, path: Path, *, named: bool = True) -> None:
        self.path = path
        self._stat = self._read_stat()
        self.origin = _digest(os.fsencode(os.path.abspath(path))) if named else ""

    @property
    def stat(self) -> str:
        """Digest of the file's inode, size and times; a change of its bytes changes it."""
        stat = self._stat
        values = (stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)
        return _digest(repr(values).encode())

    @property
    def settled_stat(self) -> str:
        """The same; empty where the last change is so recent that another may not show."""
        return self.stat if time.time_ns() - self._stat.st_ctime_ns > _SETTLED_NS else ""

    @cached_property
    def content(self) -> str:
        """Digest of all bytes."""
        with explain_image_errors(self.path), self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()[:32]

    def require_unchanged(self) -> None:
        """Raise ImageError where the file has changed meanwhile."""
        first, now = self._stat, self._read_stat()
        if (first.st_size, first.st_mtime_ns) != (now.st_size, now.st_mtime_ns):
            message = f"{self.path} changed while it was read: run the same command again."
            raise ImageError(message, code="inference.changed_input")

    def is_file(self, path: Path) -> bool:
        """Return whether `path` is this very file."""
        try:
            # On Windows all files of network and cloud drives have the inode number 0.
            return os.path.samestat(self._stat, os.stat(path)) and (
                self._stat.st_ino != 0 or os.path.realpath(self.path) == os.path.realpath(path)
            )
        except (OSError, ValueError):
            return False

    def _read_stat(self) -> os.stat_result:
        with explain_image_errors(self.path):
            return self.path.stat()


def compare_result(
    path: Path,
    source: FileIdentity,
    model: str,
    options: Mapping[str, Any],
    read: Callable[[Path], str | None] = read_comment,
) -> tuple[ResultState, Provenance | None]:
    """Compare a file with the result that is requested; return its state and what it says."""
    if not os.path.lexists(path):
        return ResultState.MISSING, None
    if source.is_file(path):
        return ResultState.SOURCE, None
    # A pipe would never end.
    provenance = Provenance.parse(read(path)) if path.is_file() else None
    if provenance is None:
        return ResultState.UNKNOWN, None
    # Bytes are read only where the cheap proof fails, as of a copy.
    if provenance.stat != source.stat and provenance.photo != source.content:
        same_path = source.origin and provenance.origin == source.origin
        return (ResultState.CHANGED_PHOTO if same_path else ResultState.OTHER_PHOTO), provenance
    if provenance.model != model:
        return ResultState.OTHER_MODEL, provenance
    if provenance.options != options:
        return ResultState.OTHER_OPTIONS, provenance
    return ResultState.CURRENT, provenance


def is_prediction(path: Path, read: Callable[[Path], str | None] = read_comment) -> bool:
    """Return whether `humanseg predict` made a file; `read` returns its comment."""
    return Provenance.parse(read(path)) is not None


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]
