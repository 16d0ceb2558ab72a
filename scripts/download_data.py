"""Fetch the task's photos and masks, and put the five folders where a training finds them.

Downloads the archive (going on where a broken download left off), unpacks it safely and leaves
train, train_mask, valid, valid_mask, test and the template of the submission in one folder.
"""

import argparse
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from humanseg.data.fetch import ArchiveError, direct_address, download, unpack
from humanseg.data.fetch.transfer import Progress as Report
from humanseg.errors import HumansegError, says_errors
from humanseg.io.files import explain_os_error
from humanseg.io.names import TEMPLATE_NAME
from humanseg.runs import run_lock

URL = "https://yadi.sk/d/lSkJ25yjP0t8tQ"
FOLDERS = ("train", "train_mask", "valid", "valid_mask", "test")


def fetch(url: str, out: Path, pause: float = 1.0) -> bool:
    """Download and unpack a data set.

    Parameters
    ----------
    url
        A direct address of a zip or tar archive, or of a public Yandex Disk share.
    out
        Where the five folders shall lie: a folder that does not exist yet, or is empty. It
        appears whole or not at all.
    pause
        Seconds before a broken download is tried again.

    Returns
    -------
    bool
        False where all five folders were there already and nothing was done.

    Raises
    ------
    HumansegError
        The download or the archive fails, or `out` holds something else.
    """
    # A name is needed to put things beside it, which "." has not.
    out = out.resolve()
    try:
        if all((out / name).is_dir() for name in FOLDERS):
            return False
        if out.exists() and (not out.is_dir() or any(out.iterdir())):
            raise HumansegError(
                f"{out} exists and is not the data set ({', '.join(FOLDERS)}): choose another "
                "folder with --out, or take it away."
            )
        # Another call would write to the same files.
        with run_lock(out.with_name(f".{out.name}.lock")):
            _fetch(url, out, pause)
    except OSError as error:
        raise explain_os_error(error, out) from error
    return True


def _fetch(url: str, out: Path, pause: float) -> None:
    archive = out.with_name(f"{out.name}.archive")
    unpacked = out.with_name(f".{out.name}.unpacking")
    if not archive.exists():
        with _bar() as report:
            download(direct_address(url), archive, report, pause)
    try:
        # What an interrupted call has left.
        shutil.rmtree(unpacked, ignore_errors=True)
        unpack(archive, unpacked)
        _put_in_place(find_root(unpacked), out)
    except ArchiveError:
        # It must not stay to be taken for a finished download.
        archive.unlink(missing_ok=True)
        raise
    finally:
        shutil.rmtree(unpacked, ignore_errors=True)
    archive.unlink(missing_ok=True)


def find_root(folder: Path) -> Path:
    """Return the folder at or below `folder` that holds the five folders of a data set.

    Raises
    ------
    ArchiveError
        There is none; the message says what there is.
    """
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
    held = sorted(path.name for path in folder.iterdir())[:10] if folder.is_dir() else []
    raise ArchiveError(
        f"The archive holds no folder with {', '.join(FOLDERS)}, but {', '.join(held) or 'nothing'}"
        ": it is not the data set. Check the address."
    )


@says_errors
def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Returns
    -------
    int
        0; 2 when the person must change something, which is then said.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", default=URL, help=f"a direct or share address; default {URL}")
    parser.add_argument("--out", type=Path, default=Path("data"), help="default: data")
    chosen = parser.parse_args(arguments)
    fresh = fetch(chosen.url, chosen.out)
    counts = ", ".join(f"{name} {len(list((chosen.out / name).iterdir()))}" for name in FOLDERS)
    print(f"{chosen.out} {'holds' if fresh else 'was there already, with'} {counts} files")
    print(f"next: humanseg check {chosen.out}; humanseg train data.root={chosen.out}")
    return 0


def _put_in_place(root: Path, out: Path) -> None:
    template = root / TEMPLATE_NAME
    for path in list(root.iterdir()):
        if path.name in FOLDERS or path == template:
            continue
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    if out.exists():
        out.rmdir()
    root.rename(out)


@contextmanager
def _bar() -> Iterator[Report]:
    columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(TextColumn("downloading"), *columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("downloading", total=None)
        yield lambda have, size: progress.update(task, completed=have, total=size)


if __name__ == "__main__":
    sys.exit(main())
