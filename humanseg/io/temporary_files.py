"""Files and folders that are being written: names of their own, and nothing left by the dead.

Whoever writes holds a lock on what it writes (`flock`), which the system takes back when the
process is gone, however it ended and whatever container it ran in. What nobody holds is removed by
the next process that writes into the same folder.
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
"""Seconds without a change after which what cannot be asked for its writer counts as left behind:
that of another machine, or of a disk without locks."""

_SUFFIX = ".partial"
# Far below the 143 bytes that encrypted home folders allow, whatever the name of the result is.
_NAME = re.compile(r"\.humanseg-[0-9a-f]{6}-[0-9a-f]{12}\.partial")
_swept: set[str] = set()


def is_partial(path: Path) -> bool:
    """Return whether a path is called like something that is still being written."""
    return path.name.startswith(".") and path.name.endswith(_SUFFIX)


@contextmanager
def partial_file(folder: Path) -> Iterator[Path]:
    """Make an empty file that no other process or thread knows of."""
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
    """Make an empty folder in another one, as `partial_file` makes a file."""
    remove_abandoned_once(folder)
    path, lock = _make(folder, _new_folder)
    try:
        yield path
    finally:
        _close(lock)
        shutil.rmtree(path, ignore_errors=True)


def remove_abandoned(folder: Path) -> None:
    """Remove what processes that are gone were writing into a folder, directly in it."""
    with suppress(OSError):
        found = [path for path in folder.iterdir() if _NAME.fullmatch(path.name)]
        if found:
            now = _clock(folder)
            for path in found:
                _remove_if_abandoned(path, f"-{_machine()}-" in path.name, now)


def remove_abandoned_once(folder: Path) -> None:
    """Do so where this process has not done it yet."""
    name = os.path.abspath(folder)
    if name not in _swept:
        _swept.add(name)
        remove_abandoned(folder)


def _make(folder: Path, make: Callable[[Path], int | None]) -> tuple[Path, int | None]:
    """Make something under a new name, and hold its lock where there are locks."""
    while True:
        path = folder / f".humanseg-{_machine()}-{os.urandom(6).hex()}{_SUFFIX}"
        try:
            descriptor = make(path)
        except FileExistsError:
            continue
        # Between its making and its locking, another process may have taken it for abandoned.
        if _lock(descriptor) is not False and path.exists():
            return path, descriptor
        _close(descriptor)


def _new_file(path: Path) -> int | None:
    # With the permissions that any new file gets here, unlike those of the module tempfile.
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o666)
    if fcntl is None:
        # Windows renames no file that is open.
        os.close(descriptor)
        return None
    return descriptor


def _new_folder(path: Path) -> int | None:
    path.mkdir()
    return None if fcntl is None else os.open(path, os.O_RDONLY)


def _lock(descriptor: int | None) -> bool | None:
    """Take a lock without waiting; None where there are none, False where somebody holds it."""
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
            # A lock that another machine holds need not be seen here.
            if (locked and made_here) or (locked is not False and old):
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        finally:
            _close(descriptor)


def _clock(folder: Path) -> float:
    """Return the time by the clock of a folder's disk, which another machine may serve."""
    probe, descriptor = _make(folder, _new_file)
    try:
        return probe.stat().st_mtime
    finally:
        _close(descriptor)
        probe.unlink(missing_ok=True)


@cache
def _machine() -> str:
    """Name what locks are kept by: a machine since it was switched on, with all its containers."""
    try:
        text = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii")
    except OSError:
        text = platform.node()
    return hashlib.sha256(text.encode()).hexdigest()[:6]
