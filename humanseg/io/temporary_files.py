"""Temporary files and folders, removed after a crash by the next process; filelock cannot do it.

A writer holds a lock (`flock`) on the file or folder itself, which the system releases when the
process ends, in whatever way and container. filelock would lock another file, which stays behind.
"""

import hashlib
import os
import platform
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

ABANDONED_AFTER = 24 * 3600.0
"""Seconds without a change after which a file of another machine, or on a disk without locks,
counts as abandoned."""

_SUFFIX = ".partial"
# Far below the 143 bytes that encrypted home folders allow, however long the result's name is.
_NAME = re.compile(r"\.humanseg-[0-9a-f]{6}-[0-9a-f]{12}\.partial")
_swept: set[str] = set()


def is_partial(path: Path) -> bool:
    """Return whether a path has the name of a temporary file or folder."""
    return path.name.startswith(".") and path.name.endswith(_SUFFIX)


@contextmanager
def partial_file(folder: Path) -> Iterator[Path]:
    """Yield a new empty file in a folder; it is removed at the end, unless it was renamed."""
    remove_abandoned_once(folder)
    path, lock = _make(folder, _new_file)
    try:
        yield path
    finally:
        _close(lock)
        with suppress(OSError):
            path.unlink(missing_ok=True)


@contextmanager
def partial_folder(folder: Path) -> Iterator[Path]:
    """Yield a new empty folder in another one, as `partial_file` does."""
    remove_abandoned_once(folder)
    path, lock = _make(folder, _new_folder)
    try:
        yield path
    finally:
        _close(lock)
        shutil.rmtree(path, ignore_errors=True)


def remove_abandoned(folder: Path) -> None:
    """Remove temporary files and folders directly in a folder whose processes have ended."""
    with suppress(OSError):
        candidates = [path for path in folder.iterdir() if _NAME.fullmatch(path.name)]
        if candidates:
            now = disk_time(folder)
            for path in candidates:
                _remove_if_abandoned(path, f"-{boot_id()}-" in path.name, now)


def remove_abandoned_once(folder: Path) -> None:
    """Do so once for each folder in this process."""
    name = os.path.abspath(folder)
    if name not in _swept:
        _swept.add(name)
        remove_abandoned(folder)


def _make(folder: Path, make: Callable[[Path], int | None]) -> tuple[Path, int | None]:
    """Make a file or folder under a new name, and lock it where the disk has locks."""
    while True:
        path = folder / f".humanseg-{boot_id()}-{os.urandom(6).hex()}{_SUFFIX}"
        try:
            descriptor = make(path)
        except FileExistsError:
            continue
        # Before it was locked, another process may have removed it as abandoned.
        if _lock(descriptor) is not False and path.exists():
            return path, descriptor
        _close(descriptor)


def _new_file(path: Path) -> int | None:
    # With the usual permissions of a new file, unlike the module tempfile.
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o666)
    if fcntl is None:
        # Windows renames no open file.
        os.close(descriptor)
        return None
    return descriptor


def _new_folder(path: Path) -> int | None:
    path.mkdir()
    return None if fcntl is None else os.open(path, os.O_RDONLY)


def _lock(descriptor: int | None) -> bool | None:
    """Take a lock without waiting; False where another holds it, None where there are no locks."""
    if fcntl is None or descriptor is None:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a network disk without locks
        return None
    return True


def _close(descriptor: int | None) -> None:
    if descriptor is not None:
        os.close(descriptor)


def _remove_if_abandoned(path: Path, made_here: bool, now: float) -> None:
    with suppress(OSError):
        old = now - path.stat().st_mtime > ABANDONED_AFTER
        descriptor = None if fcntl is None else os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
        try:
            locked = _lock(descriptor)
            # Another machine's lock need not show here.
            if (locked and made_here) or (locked is not False and old):
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        finally:
            _close(descriptor)


def disk_time(folder: Path) -> float:
    """Return the time by the clock of a folder's disk, which may be another machine's."""
    with partial_file(folder) as probe:
        return probe.stat().st_mtime


@cache
def boot_id() -> str:
    """Return an id of the machine since its start, the same in all its containers."""
    try:
        text = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii")
    except OSError:
        text = platform.node()
    return hashlib.sha256(text.encode()).hexdigest()[:6]
