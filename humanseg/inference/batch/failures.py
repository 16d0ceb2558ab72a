"""What could not be used or made, and whether the rest can go on."""

import errno
import os
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile

import cv2

from humanseg.errors import HumansegError
from humanseg.io.files import explain_os_error

_OF_ALL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EMFILE, errno.ENFILE)
"""What the system says of a disk or a process, not of one file."""


@dataclass(frozen=True)
class InputFailure:
    """A photo or video that could not be used, and why: a sentence that names it."""

    path: Path
    reason: str


def to_failure(path: Path, error: Exception) -> InputFailure:
    """Return what an error says of one photo or video, so that the others can go on."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.errno in _OF_ALL:
            raise error
        cause = cause.__cause__
    if isinstance(error, HumansegError):
        return InputFailure(path, str(error))
    if isinstance(error, MemoryError) or (
        isinstance(error, cv2.error) and error.code == cv2.Error.StsNoMem
    ):
        return InputFailure(path, f"{path} is too large for the memory.")
    if isinstance(error, OSError):
        return InputFailure(path, f"{path} cannot be used: {error.strerror or error}.")
    if os.environ.get("HUMANSEG_DEBUG") == "1":
        raise error
    said = (str(error).splitlines() or [""])[0][:200]
    return InputFailure(
        path,
        f"{path} cannot be used, by a fault of humanseg ({type(error).__name__}: {said}): please "
        "report it; HUMANSEG_DEBUG=1 shows where it lies.",
    )


def require_writable(folder: Path) -> None:
    """Check that results can be written below a folder; it is not made yet."""
    there = Path(os.path.abspath(folder))
    while not os.path.lexists(there) and there != there.parent:
        there = there.parent
    try:
        with TemporaryFile(dir=there):
            pass
    except OSError as error:
        raise explain_os_error(error, folder) from error
