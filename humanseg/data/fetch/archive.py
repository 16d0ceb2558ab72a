"""Unpacking an archive from the network without trusting it."""

import gzip
import lzma
import re
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from humanseg.errors import HumansegError
from humanseg.io.files import explain_os_error

_CHUNK = 1 << 20
# What file managers add and nobody wants.
_JUNK = ("__MACOSX", ".DS_Store", "Thumbs.db", "desktop.ini")
_BROKEN = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    gzip.BadGzipFile,
    lzma.LZMAError,
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,
)


class ArchiveError(HumansegError):
    """The archive itself is of no use; another try to unpack it would fail as well."""


@dataclass(frozen=True)
class Limits:
    """What an archive may hold before it is taken for a bomb.

    Attributes
    ----------
    size
        Bytes of all its files, unpacked.
    files
        How many entries it may have.
    """

    size: int = 20 * 1024**3
    files: int = 500_000


@dataclass(frozen=True)
class _Entry:
    name: str
    size: int
    is_folder: bool
    is_plain: bool


def unpack(archive: Path, target: Path, limits: Limits | None = None) -> None:
    """Unpack a zip or tar archive (plain, gz, bz2 or xz).

    All entries are checked before the first one is written.

    Parameters
    ----------
    archive
        The file.
    target
        A folder that does not exist yet, or is empty.
    limits
        What the archive may hold.

    Raises
    ------
    ArchiveError
        The file is no archive, is broken or encrypted; an entry is a link or a device, would
        lie outside `target`, comes twice or has another size than announced; or the archive
        is larger than `limits`. A broken one may leave a part of the files in `target`.
    HumansegError
        The disk is full or may not be written.
    """
    limits = limits or Limits()
    try:
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as packed:
                _unpack_zip(packed, archive, target, limits)
        elif tarfile.is_tarfile(archive):
            _unpack_tar(archive, target, limits)
        else:
            raise ArchiveError(
                f"{archive} is neither a zip nor a tar archive: check the address that it came "
                "from (a page that asks for a password or a click is no archive)."
            )
    except _BROKEN as error:
        raise ArchiveError(
            f"The archive {archive} is broken ({error}): remove it and download it again."
        ) from error
    except OSError as error:
        if error.errno is None:
            # bz2 tells broken data in this way.
            raise ArchiveError(f"The archive {archive} is broken ({error}): remove it.") from error
        raise explain_os_error(error, target) from error


def _unpack_zip(packed: zipfile.ZipFile, archive: Path, target: Path, limits: Limits) -> None:
    entries = []
    for info in packed.infolist():
        if info.flag_bits & 1:
            raise ArchiveError(f"The archive {archive} is encrypted: give one that is not.")
        kind = stat.S_IFMT(info.external_attr >> 16)
        plain = kind in (0, stat.S_IFREG, stat.S_IFDIR)
        entries.append(_Entry(info.filename, info.file_size, info.is_dir(), plain))
    places = _check(entries, archive, target, limits)
    for info, place in zip(packed.infolist(), places, strict=True):
        if place is not None and not info.is_dir():
            with packed.open(info) as source:
                _write(source, place, info.file_size, archive)


def _unpack_tar(archive: Path, target: Path, limits: Limits) -> None:
    with tarfile.open(archive) as packed:
        places = _check(map(_tar_entry, packed), archive, target, limits)
        for info, place in zip(packed.getmembers(), places, strict=True):
            source = packed.extractfile(info) if info.isreg() and place is not None else None
            if source is not None and place is not None:
                with source:
                    _write(source, place, info.size, archive)


def _tar_entry(info: tarfile.TarInfo) -> _Entry:
    return _Entry(info.name, info.size, info.isdir(), info.isreg() or info.isdir())


def _check(
    entries: Iterator[_Entry] | list[_Entry], archive: Path, target: Path, limits: Limits
) -> list[Path | None]:
    """Return where each entry goes, None for those to leave out; raise on any bad one."""
    places: list[Path | None] = []
    taken: set[str] = set()
    size = 0
    # Entries of a tar file are read one by one, so a bomb is noticed before it is read.
    for entry in entries:
        size += entry.size
        if size > limits.size or len(places) >= limits.files:
            raise ArchiveError(
                f"The archive {archive} would unpack to more than {limits.size:,} bytes or "
                f"{limits.files:,} files: it is not the data set that was asked for. Nothing was "
                "unpacked."
            )
        parts = PurePosixPath(entry.name.replace("\\", "/")).parts
        outside = ".." in parts or not parts or parts[0] == "/" or re.match("[A-Za-z]:", parts[0])
        if entry.name in (".", "./"):
            places.append(None)
            continue
        if outside or not entry.is_plain or "\0" in entry.name:
            what = "would lie outside the target" if outside else "is a link or a device"
            raise ArchiveError(
                f"The archive {archive} is refused: its entry {entry.name!r} {what}. Nothing was "
                "unpacked; do not trust where it came from."
            )
        if any(part in _JUNK or part.startswith("._") for part in parts):
            places.append(None)
            continue
        name = "/".join(parts)
        # Two names that differ in case are one file on some disks.
        if not entry.is_folder and name.casefold() in taken:
            raise ArchiveError(f"The archive {archive} is refused: it holds {name!r} twice.")
        taken.add(name.casefold())
        places.append(target.joinpath(*parts))
    _check_space(target, size)
    return places


def _check_space(target: Path, size: int) -> None:
    free = shutil.disk_usage(target.parent).free
    if size > free:
        raise HumansegError(
            f"The data needs {size:,} bytes and {target.parent.resolve()} has {free:,} free: free "
            "some space, or choose another folder."
        )


def _write(source: IO[bytes], place: Path, size: int, archive: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    written = 0
    with place.open("xb") as file:
        while chunk := source.read(_CHUNK):
            written += len(chunk)
            if written > size:
                break
            file.write(chunk)
    if written != size:
        raise ArchiveError(
            f"The archive {archive} is broken: {place.name} is not of the {size:,} bytes that it "
            "announces. Remove it and download it again."
        )
