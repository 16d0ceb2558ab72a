"""One process at a time works in a run's folder."""

import contextlib
import errno
import json
import os
import platform
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from humanseg.errors import HumansegError
from humanseg.io.files import explain_write_errors, read_json, whole_file
from humanseg.io.temporary_files import boot_id, disk_time

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

BEAT = 20.0
"""Seconds after which the holder of a lock touches its file again."""
LEASE = 300.0
"""Seconds without a touch after which a lock of another machine counts as left behind."""
# ENOSYS: Lustre that is mounted without locks, as on many clusters.
_NO_LOCKS_HERE = (
    *(errno.EBADF, errno.ENOLCK, errno.EINVAL),
    *(errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP),
)


class Locked(HumansegError):  # noqa: N818 - read aloud: "Locked: …"
    """Another living process works in the folder."""


@contextmanager
def run_lock(path: Path) -> Iterator[None]:
    """Hold the lock of a run's folder.

    The lock names a machine and a process of it, by its id and its start time since ids are used
    again. A lock whose process is gone, killed say, is taken over. Whether a process of another
    machine lives cannot be asked: its lock is taken over when it has not been touched for `LEASE`
    seconds, by the clock of the disk.

    Parameters
    ----------
    path
        The lock file.

    Raises
    ------
    Locked
        Another living process holds it.
    HumansegError
        The folder cannot be written.
    """
    mine = _mark()
    with _guard(path.parent):
        holder = _holder(path)
        if holder is not None and holder != mine:
            raise _locked(path, holder)
        _write(path, mine)
    stopped = threading.Event()
    beat = threading.Thread(target=_touch, args=(path, stopped), daemon=True)
    beat.start()
    try:
        yield
    finally:
        stopped.set()
        # Another machine may have taken it over, while this process was halted say.
        if read_json(path) == mine:
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)


def is_locked(path: Path) -> bool:
    """Return whether a living process holds the lock at `path`."""
    return _holder(path) is not None


def _mark() -> dict[str, Any]:
    """Return a name of this process."""
    # Here, since an installation that only uses models has no psutil, and scores submissions.
    import psutil

    return {
        "pid": os.getpid(),
        "started": psutil.Process().create_time(),
        **_start(os.getpid()),
        "host": platform.node(),
        "system": _system(),
    }


def _start(pid: int) -> dict[str, Any]:
    """Return when a process started, in seconds since the boot: setting the clock changes nothing.

    Empty on other systems than Linux.
    """
    import psutil

    if not psutil.LINUX:
        return {}
    # In this order: older versions of psutil remember the boot time that was last read, and add it
    # to the start of each new Process.
    booted = psutil.boot_time()
    started = psutil.Process(pid).create_time()
    return {"boot": boot_id(), "since_boot": round(started - booted, 2)}


def _system() -> str:
    """Return a name of the scope of process ids: a machine, or a container."""
    with contextlib.suppress(OSError):
        return f"{platform.node()}:{os.stat('/proc/self/ns/pid').st_ino}"
    return platform.node()


def _holder(path: Path) -> dict[str, Any] | None:
    lock = read_json(path)
    if not lock:
        return None
    import psutil

    try:
        if lock.get("system", _system()) != _system():
            return lock if _age(path) < LEASE else None
        process = psutil.Process(int(lock["pid"]))
        # A process that has been killed but not yet waited for still has an entry.
        dead = process.status() == psutil.STATUS_ZOMBIE
        if "boot" in lock:
            same = _start(process.pid).items() <= lock.items()
        else:
            same = abs(process.create_time() - float(lock["started"])) < 1
    except (OSError, ValueError, KeyError, TypeError, psutil.Error):
        return None
    return lock if same and not dead else None


def _age(path: Path) -> float:
    """Seconds since a file was touched, by the clock of its disk."""
    now = time.time()
    with contextlib.suppress(OSError):
        now = disk_time(path.parent)
    return now - path.stat().st_mtime


def _touch(path: Path, stopped: threading.Event) -> None:
    """Show to other machines that this process lives."""
    while not stopped.wait(BEAT):
        with contextlib.suppress(OSError):
            os.utime(path)


def _write(path: Path, mine: dict[str, Any]) -> None:
    """Create a lock, or replace an empty one; of several machines one succeeds."""
    try:
        with whole_file(path, replace=False) as partial:
            partial.write_text(json.dumps(mine), encoding="utf-8")
            path.unlink(missing_ok=True)
    except HumansegError as error:
        # Another machine has put one there meanwhile.
        if isinstance(error.__cause__, FileExistsError):
            raise _locked(path, _holder(path) or {}) from None
        raise


def _locked(path: Path, holder: dict[str, Any]) -> Locked:
    host = holder.get("host")
    where = "" if host in (None, platform.node()) else f" on {host}"
    gone = ""
    if holder.get("system", _system()) != _system():
        minutes = f"{LEASE / 60:g} minutes"
        gone = f" If its machine or container is gone, its lock is too after {minutes}."
    return Locked(
        f"Process {holder.get('pid', 'of another sweep')}{where} is working in {path.parent}: wait "
        f"until it is done, or stop it first.{gone}"
    )


@contextmanager
def _guard(folder: Path) -> Iterator[None]:
    """Make looking at the lock and taking it one step, for processes of one machine."""
    descriptor = None
    with explain_write_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        if fcntl is not None:
            descriptor = os.open(folder, os.O_RDONLY)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            except OSError as error:
                # On a network disk that cannot lock folders, links suffice.
                if error.errno not in _NO_LOCKS_HERE:
                    raise
    try:
        yield
    finally:
        if descriptor is not None:
            os.close(descriptor)
