"""Fetch the task's photos and masks, and put the five folders where a training finds them.

Downloads the archive, unpacks it safely and leaves train, train_mask, valid, valid_mask, test and
the template of the submission in one folder. A download that breaks begins again: it is small.
"""

import argparse
import gzip
import lzma
import re
import shutil
import stat
import sys
import tarfile
import time
import urllib.parse
import zipfile
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import pooch
import requests

from humanseg.errors import HumansegError, says_errors
from humanseg.io.files import explain_os_error
from humanseg.io.names import TEMPLATE_NAME
from humanseg.runs import run_lock

URL = "https://yadi.sk/d/lSkJ25yjP0t8tQ"
FOLDERS = ("train", "train_mask", "valid", "valid_mask", "test")
SHARE_API = "https://cloud-api.yandex.net/v1/disk/public/resources/download"
"""Yandex Disk's public interface: gives for a share's address the file's (or folder's zip)."""
MOST_BYTES = 20 * 1024**3
MOST_FILES = 500_000
"""What an archive may unpack to before it is taken for a bomb."""

_SHARE_HOSTS = re.compile(r"(.+\.)?(yadi\.sk|disk(\.360)?\.yandex\.[a-z.]+)")
_TIMEOUT = 60.0
_ATTEMPTS = 5
# The server is busy or broken for the moment; other refusals will not go away by waiting.
_PASSING = (408, 425, 429, 500, 502, 503, 504)
# What file managers add and nobody wants.
_JUNK = ("__MACOSX", ".DS_Store", "Thumbs.db", "desktop.ini")
_BROKEN = (
    *(zipfile.BadZipFile, tarfile.TarError, zlib.error, gzip.BadGzipFile, lzma.LZMAError),
    *(EOFError, NotImplementedError, RuntimeError, ValueError),
)


class ArchiveError(HumansegError):
    """The archive itself is of no use; another try to unpack it would fail as well."""

    code = "download.bad_archive"


def fetch(url: str, out: Path, pause: float = 1.0) -> bool:
    """Download and unpack a data set; return False where it was there already.

    Parameters
    ----------
    url
        A direct address of a zip or tar archive, or of a public Yandex Disk share.
    out
        Where the five folders shall be: a folder that does not exist yet, or is empty. It
        appears whole or not at all.
    pause
        Seconds before a broken download is tried again; doubled for each further try.

    Raises
    ------
    HumansegError
        The download or the archive fails, or `out` holds something else.
    """
    # A name is needed to put things beside it, which "." has not.
    out = out.resolve()
    archive = out.with_name(f"{out.name}.archive")
    unpacked = out.with_name(f".{out.name}.unpacking")
    try:
        if all((out / name).is_dir() for name in FOLDERS):
            return False
        if out.exists() and (not out.is_dir() or any(out.iterdir())):
            raise HumansegError(
                f"{out} exists and is not the data set ({', '.join(FOLDERS)}): choose another "
                "folder with --out, or take it away.",
                code="download.folder_taken",
            )
        # Another call would write to the same files.
        with run_lock(out.with_name(f".{out.name}.lock")):
            download(url, archive, pause)
            try:
                # What an interrupted call has left.
                shutil.rmtree(unpacked, ignore_errors=True)
                unpack(archive, unpacked)
                _put_in_place(find_root(unpacked), out)
            finally:
                shutil.rmtree(unpacked, ignore_errors=True)
                # A bad one must not stay to be taken for a finished download.
                archive.unlink(missing_ok=True)
    except OSError as error:
        raise explain_os_error(error, out) from error
    return True


def direct_address(url: str) -> str:
    """Return the address to download from: for a share, what its service gives for some hours."""
    parts = urllib.parse.urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise HumansegError(
            f"{url} is no address to download from: give one with http or https.",
            code="download.no_address",
        )
    if not _SHARE_HOSTS.fullmatch(parts.hostname):
        return url
    try:
        answer = requests.get(SHARE_API, params={"public_key": url}, timeout=_TIMEOUT)
        answer.raise_for_status()
        return direct_address(str(answer.json()["href"]))
    except (requests.RequestException, ValueError, KeyError, TypeError) as error:
        raise HumansegError(
            f"Yandex Disk gives no file for {url} ({error}): open the address in a browser to see "
            "whether it is still shared, or give a direct address with --url.",
            code="download.no_share",
        ) from error


def download(url: str, path: Path, pause: float = 1.0) -> None:
    """Download a file, whole or not at all; nothing is done where it is there."""
    if path.exists():
        return
    url = direct_address(url)
    host = urllib.parse.urlsplit(url).netloc
    pooch.get_logger().setLevel("WARNING")
    downloader = pooch.HTTPDownloader(progressbar=sys.stderr.isatty(), timeout=_TIMEOUT)
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            pooch.retrieve(url, None, path.name, path.parent, downloader=downloader)
            return
        except requests.RequestException as error:
            status = None if error.response is None else error.response.status_code
            reason = f"HTTP {status}" if status else str(error) or type(error).__name__
            if status and status not in _PASSING:
                raise HumansegError(
                    f"{host} refuses the download ({reason}): check the address, or give another "
                    "one with --url.",
                    code="download.refused",
                ) from error
            if attempt == _ATTEMPTS:
                raise HumansegError(
                    f"The download from {host} breaks again and again ({reason}): check the "
                    "network connection and run the command again.",
                    code="download.broken",
                ) from error
        time.sleep(pause * 2 ** (attempt - 1))


def unpack(
    archive: Path, target: Path, most_bytes: int = MOST_BYTES, most_files: int = MOST_FILES
) -> None:
    """Unpack a zip or tar archive from a source that is not trusted.

    All entries are checked before the first one is written. A broken archive may leave a part of
    its files.

    Raises
    ------
    ArchiveError
        The file is no archive, is broken or encrypted; an entry is a link or a device, would
        lie outside `target` or comes twice; or it unpacks to more than is allowed.
    """
    limits = most_bytes, most_files
    try:
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as packed:
                infos = ((info.filename, info.file_size, info) for info in packed.infolist())
                packed.extractall(target, _checked(archive, infos, *limits))
        elif tarfile.is_tarfile(archive):
            with tarfile.open(archive) as bundle:
                # Read one by one, so that a bomb is noticed before all of it is read.
                members = ((member.name, member.size, member) for member in bundle)
                bundle.extractall(target, _checked(archive, members, *limits), filter="data")
        else:
            raise ArchiveError(
                f"{archive} is neither a zip nor a tar archive: check the address that it came "
                "from (a page that asks for a password or a click is no archive)."
            )
    except _BROKEN as error:
        raise ArchiveError(f"The archive {archive} is broken ({error}): download it again.") from (
            error
        )
    except OSError as error:
        if error.errno is None:
            # bz2 tells broken data in this way.
            raise ArchiveError(f"The archive {archive} is broken ({error}).") from error
        raise explain_os_error(error, target) from error


def _checked(
    archive: Path, entries: Iterable[tuple[str, int, Any]], most_bytes: int, most_files: int
) -> list[Any]:
    """Return the entries to extract; raise on any bad one. zipfile has no filter for that."""
    chosen: list[Any] = []
    taken: set[str] = set()
    total = 0
    for count, (name, size, entry) in enumerate(entries, start=1):
        total += size
        if total > most_bytes or count > most_files:
            raise ArchiveError(
                f"The archive {archive} would unpack to more than {most_bytes:,} bytes or "
                f"{most_files:,} files: it is not the data set that was requested."
            )
        parts = PurePosixPath(name.replace("\\", "/")).parts
        if not parts or any(part in _JUNK or part.startswith("._") for part in parts):
            continue
        outside = ".." in parts or parts[0] == "/" or re.match("[A-Za-z]:", parts[0])
        if outside or not _is_plain(entry):
            what = "would be outside the target" if outside else "is a link or a device"
            raise ArchiveError(
                f"The archive {archive} is refused: its entry {name!r} {what}. Nothing was "
                "unpacked; do not trust where it came from."
            )
        # Two names that differ in case are one file on some disks.
        folded = "/".join(parts).casefold()
        if folded in taken and not name.endswith("/"):
            raise ArchiveError(f"The archive {archive} is refused: it holds {name!r} twice.")
        taken.add(folded)
        chosen.append(entry)
    return chosen


def _is_plain(entry: zipfile.ZipInfo | tarfile.TarInfo) -> bool:
    """Return whether an entry is a file or a folder."""
    if isinstance(entry, tarfile.TarInfo):
        return entry.isreg() or entry.isdir()
    return stat.S_IFMT(entry.external_attr >> 16) in (0, stat.S_IFREG, stat.S_IFDIR)


def find_root(folder: Path) -> Path:
    """Return the folder at or below `folder` that holds the five folders of a data set."""
    found = sorted(
        (path.parent for path in folder.rglob("train_mask") if path.is_dir()),
        key=lambda path: (len(path.parts), path),
    )
    for root in found:
        if all((root / name).is_dir() for name in FOLDERS):
            return root
    if found:
        missing = [name for name in FOLDERS if not (found[0] / name).is_dir()]
        raise ArchiveError(f"The archive lacks {', '.join(missing)}: it is not the data set.")
    names = sorted(path.name for path in folder.iterdir())[:10] if folder.is_dir() else []
    raise ArchiveError(
        f"The archive holds no folder with {', '.join(FOLDERS)}, but "
        f"{', '.join(names) or 'nothing'}: it is not the data set. Check the address."
    )


def _put_in_place(root: Path, out: Path) -> None:
    for path in list(root.iterdir()):
        if path.name not in (*FOLDERS, TEMPLATE_NAME):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    if out.exists():
        out.rmdir()
    root.rename(out)


@says_errors
def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", default=URL, help=f"a direct or share address; default {URL}")
    parser.add_argument("--out", type=Path, default=Path("data"), help="default: data")
    chosen = parser.parse_args(arguments)
    fresh = fetch(chosen.url, chosen.out)
    counts = ", ".join(f"{name} {len(list((chosen.out / name).iterdir()))}" for name in FOLDERS)
    print(f"{chosen.out} {'holds' if fresh else 'was there already, with'} {counts} files")
    print(f"next: humanseg check {chosen.out}; humanseg train data.root={chosen.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
