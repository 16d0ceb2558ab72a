"""The disk cache of decoded photos: files in one folder, which later runs reuse.

The folder is `~/.cache/humanseg/photos`, or `photos` where `HUMANSEG_CACHE` says. It may be removed
at any time.
"""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from humanseg.errors import HumansegError
from humanseg.io.files import explain_write_errors, whole_file

BOUND = 20_000_000_000
"""Bytes that the folder may hold; the files that were not used for longest make room."""

SUFFIX = ".bin"


def cached_file(name: str, size: int, write: Callable[[Path], None]) -> Path:
    """Return a file of the cache, marked as just used; `write` makes it where it is not there.

    The name, without the suffix, must change with the contents. A file of another size than `size`
    bytes was cut short and is written again. Others are removed for it, if need be.
    """
    folder = cache_folder()
    path = folder / f"{name}{SUFFIX}"
    if not path.exists() or path.stat().st_size != size:
        _make_room(folder, BOUND - size)
        with whole_file(path) as partial:
            write(partial)
    with suppress(OSError):
        os.utime(path)
    return path


def cache_folder(name: str = "photos") -> Path:
    """Make a folder of the cache, for this user alone: what is there may be private."""
    folder = _above() / name
    with explain_write_errors(folder):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        owner = folder.stat().st_uid
    if hasattr(os, "getuid") and owner != os.getuid():
        raise HumansegError(
            f"{folder} belongs to somebody else, so nothing is kept there: set HUMANSEG_CACHE to a "
            "folder of your own, or, for decoded photos, take data.cache=memory.",
            code="data.foreign_cache",
        )
    return folder


def _above() -> Path:
    """Return the folder of all caches."""
    try:
        if given := os.environ.get("HUMANSEG_CACHE"):
            return Path(given).expanduser()
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "humanseg"
    except RuntimeError as error:
        raise HumansegError(
            "This user has no home folder, as in some containers, and that is where files are "
            "kept for later runs: set HUMANSEG_CACHE to a folder, or take data.cache=memory.",
            code="data.no_cache_folder",
        ) from error


def _make_room(folder: Path, bound: int) -> None:
    """Remove the files that were not used for longest, until the others fit the bound.

    Whoever has mapped one keeps it until it is done.
    """
    files = []
    # With the dot: what an earlier version left half written when it was killed.
    for path in [*folder.glob(f"*{SUFFIX}"), *folder.glob(f".*{SUFFIX}.*.partial")]:
        with suppress(OSError):
            state = path.stat()
            files.append((state.st_mtime, state.st_size, path))
    held = sum(size for _, size, _ in files)
    for _, size, path in sorted(files):
        if held <= bound:
            return
        with suppress(OSError):
            path.unlink()
            held -= size
