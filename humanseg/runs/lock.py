"""One process at a time works in a run's folder."""

import contextlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from humanseg.errors import HumansegError
from humanseg.files import explain_os_error, write_json

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]


@contextmanager
def run_lock(path: Path) -> Iterator[None]:
    """Hold the lock of a run's folder.

    The lock names a process by its id and its start time, since ids are used again. A lock whose
    process is gone, killed say, is taken over.

    Parameters
    ----------
    path
        The lock file.

    Raises
    ------
    HumansegError
        Another living process holds it.
    """
    mine = {"pid": os.getpid(), "started": psutil.Process().create_time()}
    with _guard(path.parent):
        holder = _holder(path)
        if holder is not None and holder != mine:
            raise HumansegError(
                f"Process {holder['pid']} is working in {path.parent}: wait until it is done, or "
                "stop it first."
            )
        write_json(path, mine)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)


def is_locked(path: Path) -> bool:
    """Say whether a living process holds the lock at `path`."""
    return _holder(path) is not None


def _holder(path: Path) -> dict[str, float] | None:
    try:
        lock = json.loads(path.read_text(encoding="utf-8"))
        process = psutil.Process(int(lock["pid"]))
        # A process that has been killed but not yet waited for still has an entry.
        dead = process.status() == psutil.STATUS_ZOMBIE
        same = abs(process.create_time() - float(lock["started"])) < 1
    except (OSError, ValueError, KeyError, TypeError, psutil.Error):
        return None
    return lock if same and not dead else None


@contextmanager
def _guard(folder: Path) -> Iterator[None]:
    """Make looking at the lock and taking it one step, for processes of one machine."""
    descriptor = None
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if fcntl is not None:
            descriptor = os.open(folder, os.O_RDONLY)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
    except OSError as error:
        raise explain_os_error(error, folder) from error
    try:
        yield
    finally:
        if descriptor is not None:
            os.close(descriptor)
