"""Writing files so that they appear whole or not at all."""

import errno
import hashlib
import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from humanseg.errors import HumansegError
from humanseg.io.names import SYSTEM_FILES
from humanseg.io.temporary_files import is_partial, partial_file, partial_folder

_ADVICE = {
    errno.ENOSPC: "the disk is full: free some space, or choose another folder",
    errno.EDQUOT: "the disk quota is used up: free some space, or choose another folder",
    errno.EACCES: "it may not be written: change its permissions, or choose another folder",
    errno.EPERM: "it may not be written: change its permissions, or choose another folder",
    errno.EROFS: "the disk is read-only: choose another folder",
    errno.ENOTDIR: "a part of this path is a file, not a folder: choose another folder",
    errno.EEXIST: "a file of this name is there already: choose another folder",
    errno.ENAMETOOLONG: "the name is too long for this disk: choose a shorter one",
}
_PAUSES = (0.05, 0.1, 0.2, 0.4, 0.8) if os.name == "nt" else ()
"""Seconds to wait before each further try to rename. On Windows a virus scanner or a program that
synchronises folders opens new files for some milliseconds, which refuses it."""


def file_sha256(file: Path) -> str:
    """Return the SHA-256 of a file's bytes, as hexadecimal digits."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def names_in(folder: Path) -> set[str]:
    """Return the names in a folder, without what systems and killed processes leave there."""
    paths = [path for path in folder.iterdir() if not is_partial(path)]
    return {path.name for path in paths if path.name.lower() not in SYSTEM_FILES}


def explain_os_error(error: OSError, path: Path) -> HumansegError:
    """Return an error for a person that says why `path` cannot be written."""
    advice = _ADVICE.get(error.errno or 0, error.strerror or str(error))
    return HumansegError(f"Cannot write {path}: {advice}.", code="io.cannot_write")


@contextmanager
def explain_write_errors(path: Path) -> Iterator[None]:
    """Turn errors of the system into a HumansegError that says why `path` cannot be written."""
    try:
        yield
    except OSError as error:
        raise explain_os_error(error, path) from error


def rename(source: Path, target: Path) -> None:
    """Rename a file or folder; a file replaces one of that name."""
    for pause in _PAUSES:
        try:
            source.replace(target)
            return
        except PermissionError:
            time.sleep(pause)
    source.replace(target)


@contextmanager
def whole_file(path: Path, *, replace: bool = True) -> Iterator[Path]:
    """Yield a temporary file, which takes the name `path` when the block ends without an error.

    Its folder is made. Without `replace`, an existing file is an error.
    """
    with explain_write_errors(path):
        _make_folder(path.parent)
        with partial_file(path.parent) as partial:
            yield partial
            # Else a power cut after the rename could leave an empty file under the name. Windows
            # requires a file that is open for writing.
            with partial.open("r+b") as file:
                _sync(file.fileno())
            if replace:
                rename(partial, path)
            else:
                _place_new(partial, path)


def _sync(descriptor: int) -> None:
    try:
        os.fsync(descriptor)
    except OSError as error:
        # Some network and cloud file systems do not support it.
        if error.errno not in (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP):
            raise


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR)) from error


def _place_new(partial: Path, path: Path) -> None:
    try:
        # Unlike a rename, it never replaces a file that another process has put there meanwhile.
        os.link(partial, path)
    except FileExistsError:
        raise
    except OSError as error:
        # A disk without links.
        if os.path.lexists(path):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path)) from error
        rename(partial, path)


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """Yield a temporary folder, which replaces `folder` when the block ends without an error."""
    # A link to a folder on another disk stays one.
    folder = Path(os.path.realpath(folder))
    with explain_write_errors(folder):
        _make_folder(folder.parent)
        # Of a drive, or a shared disk, a person may be allowed to write one folder alone.
        is_alone = folder.is_dir() and not os.access(folder.parent, os.W_OK)
        with partial_folder(folder if is_alone else folder.parent) as partial:
            yield partial
            # Not a temporary name: after a crash here, nobody may remove it.
            former = partial.with_suffix(".former")
            try:
                if folder.exists():
                    rename(folder, former)
            except OSError as error:
                if not is_alone and error.errno not in (errno.EBUSY, errno.EXDEV):
                    raise
                # A disk or a container's volume is there, or a folder of a container's image.
                _refill(folder, partial)
                return
            try:
                rename(partial, folder)
            except BaseException:
                if former.exists():
                    rename(former, folder)
                raise
            shutil.rmtree(former, ignore_errors=True)


def _refill(folder: Path, partial: Path) -> None:
    """Replace what is in a folder that cannot be renamed."""
    for name in names_in(folder):
        child = folder / name
        if child.is_dir() and not child.is_symlink():
            shutil.rmtree(child)
        else:
            child.unlink()
    for child in partial.iterdir():
        shutil.move(child, folder)


def write_bytes(path: Path, content: bytes) -> None:
    """Write `content` to `path`, whole or not at all."""
    with whole_file(path) as partial:
        partial.write_bytes(content)


def write_text(path: Path, text: str) -> None:
    """Write `text` to `path` as UTF-8 with LF line ends, whole or not at all."""
    write_bytes(path, text.encode())


def read_json(path: Path) -> dict[str, Any]:
    """Return the object that a JSON file holds; empty where there is none that can be read."""
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def write_json(path: Path, value: Any) -> None:
    """Write `value`, without NaN and infinity, to `path` as indented JSON, whole or not at all."""
    write_text(path, json.dumps(value, indent=2, allow_nan=False) + "\n")
