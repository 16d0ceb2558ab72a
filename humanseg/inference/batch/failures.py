"""Failures of single files, and whether the others can continue."""

import errno
import os
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile

import cv2

from humanseg.errors import HumansegError, first_line
from humanseg.io.files import explain_write_errors
from humanseg.io.temporary_files import partial_file

_FATAL_ERRNOS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EMFILE, errno.ENFILE)
"""Errors of a disk or a process, not of one file."""


@dataclass(frozen=True)
class InputFailure:
    """A photo or video that could not be used, and why: a sentence that names it."""

    path: Path
    reason: str
    # As of `HumansegError`.
    code: str = "inference.unusable"


def to_failure(path: Path, error: Exception) -> InputFailure:
    """Return the failure of one input; raise `error` itself where it stops all of them.

    With HUMANSEG_DEBUG=1, a fault of the program stops all, too: its traceback is wanted.
    """
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.errno in _FATAL_ERRNOS:
            raise error
        cause = cause.__cause__
    if isinstance(error, HumansegError):
        return InputFailure(path, str(error), error.code)
    if isinstance(error, MemoryError) or (
        isinstance(error, cv2.error) and error.code == cv2.Error.StsNoMem
    ):
        return InputFailure(path, f"{path} is too large for the memory.", "inference.memory")
    if isinstance(error, OSError):
        return InputFailure(path, f"{path} cannot be used: {error.strerror or error}.")
    if os.environ.get("HUMANSEG_DEBUG") == "1":
        raise error
    return InputFailure(
        path,
        f"{path} cannot be used, by a fault of humanseg ({type(error).__name__}: "
        f"{first_line(error)[:200]}): please report it; HUMANSEG_DEBUG=1 shows where it is.",
        "inference.internal",
    )


def require_writable(folder: Path) -> None:
    """Raise where results cannot be written below a folder, which need not exist yet."""
    with explain_write_errors(folder), TemporaryFile(dir=_existing(folder)):
        pass


def ignores_case(folder: Path) -> bool:
    """Return whether `A` and `a` are one file below a folder, which need not exist yet."""
    try:
        with partial_file(_existing(folder)) as probe:
            return probe.with_name(probe.name.upper()).exists()
    except OSError:
        # Where nothing can be written, `require_writable` says so.
        return False


def _existing(folder: Path) -> Path:
    existing = Path(os.path.abspath(folder))
    while not os.path.lexists(existing) and existing != existing.parent:
        existing = existing.parent
    return existing
