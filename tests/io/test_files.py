"""Files and folders appear whole or not at all."""

import errno
import fcntl
import os
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from humanseg.errors import HumansegError
from humanseg.io import files
from humanseg.io.files import names_in, whole_file, whole_folder, write_bytes, write_text


def _write_folder(folder: Path, content: bytes) -> None:
    with whole_folder(folder) as partial:
        (partial / "b").write_bytes(content)


@pytest.mark.parametrize("name", ["x" * 245, "人" * 80], ids=["Latin", "Japanese"])
def test_threads_that_write_long_names_keep_their_own_contents(tmp_path: Path, name: str) -> None:
    contents = {tmp_path / f"{name}{number:02d}": str(number) for number in range(40)}
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write_text, contents.keys(), contents.values()))
    assert {path: path.read_text() for path in tmp_path.iterdir()} == contents


def test_a_name_too_long_for_the_disk_is_said(tmp_path: Path) -> None:
    with pytest.raises(HumansegError, match="too long for this disk"):
        write_text(tmp_path / ("x" * 300), "")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_error_leaves_the_earlier_file(tmp_path: Path, error: type[BaseException]) -> None:
    path = tmp_path / "a"
    path.write_text("earlier")
    with pytest.raises(error), whole_file(path) as partial:
        partial.write_text("half")
        raise error
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("a", "earlier")]


def test_the_disk_is_asked_to_write_by_a_handle_that_windows_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced = []

    def commit(descriptor: int) -> None:
        if fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY:
            raise OSError(errno.EBADF, "Bad file descriptor")
        synced.append(descriptor)

    monkeypatch.setattr(os, "fsync", commit)
    write_bytes(tmp_path / "a", b"whole")
    assert synced and (tmp_path / "a").read_bytes() == b"whole"


@pytest.mark.parametrize("write", [write_bytes, _write_folder], ids=["file", "folder"])
@pytest.mark.parametrize(("refusals", "is_written"), [(2, True), (3, False)])
def test_what_a_virus_scanner_has_just_opened_takes_its_place_later(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    write: Callable[[Path, bytes], None],
    refusals: int,
    is_written: bool,
) -> None:
    write(tmp_path / "a", b"earlier")
    tries, replace = Counter[str](), Path.replace

    def refuse(path: Path, target: Path) -> Path:
        tries[path.suffix] += 1
        if path.suffix == ".partial" and tries[path.suffix] <= refusals:
            raise PermissionError(errno.EACCES, "Access is denied")
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", refuse)
    monkeypatch.setattr(files, "_PAUSES", (0.0, 0.0))
    if is_written:
        write(tmp_path / "a", b"later")
    else:
        with pytest.raises(HumansegError, match="may not be written"):
            write(tmp_path / "a", b"later")
    (written,) = (path for path in tmp_path.rglob("*") if path.is_file())
    assert written.read_bytes() == (b"later" if is_written else b"earlier")


@pytest.mark.parametrize(("code", "is_written"), [(errno.EINVAL, True), (errno.EIO, False)])
def test_a_disk_that_cannot_be_asked_to_write_is_written_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, is_written: bool
) -> None:
    def refuse(descriptor: int) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "fsync", refuse)
    if is_written:
        write_bytes(tmp_path / "a", b"whole")
        assert (tmp_path / "a").read_bytes() == b"whole"
    else:
        with pytest.raises(HumansegError, match="Cannot write"):
            write_bytes(tmp_path / "a", b"whole")


def test_a_folder_that_cannot_take_its_place_leaves_the_earlier_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, replace = tmp_path / "export", Path.replace
    place.mkdir()
    (place / "a").write_text("earlier")

    def refuse(path: Path, target: Path) -> Path:
        if target == place and path.suffix == ".partial":
            raise PermissionError(errno.EACCES, "Permission denied")
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(HumansegError, match="may not be written"), whole_folder(place) as partial:
        (partial / "a").write_text("later")
    assert [path.name for path in tmp_path.iterdir()] == ["export"]
    assert (place / "a").read_text() == "earlier"


def test_a_folder_behind_a_link_is_replaced_and_the_link_stays(tmp_path: Path) -> None:
    real, link = tmp_path / "disk" / "export", tmp_path / "export"
    real.mkdir(parents=True)
    (real / "a").write_text("earlier")
    link.symlink_to(real)
    with whole_folder(link) as partial:
        (partial / "b").write_text("later")
    assert link.is_symlink() and [path.name for path in real.iterdir()] == ["b"]
    assert {path.name for path in tmp_path.rglob("*")} == {"disk", "export", "b"}


@pytest.mark.parametrize("number", [errno.EBUSY, errno.EXDEV, None])
def test_a_folder_that_cannot_be_renamed_is_filled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int | None
) -> None:
    """A container's volume, a folder of its image; one in a folder that may not be written."""
    volume, replace, access = tmp_path / "volume", Path.replace, os.access
    (volume / "former").mkdir(parents=True)
    (volume / "former" / "a").write_text("earlier")
    # At the root of a disk; whoever writes there may not remove it.
    (volume / "lost+found").mkdir()
    # Of a process that was killed, where no other folder may be written.
    (volume / ".humanseg-012345-0123456789ab.partial").mkdir()
    assert names_in(volume) == {"former"}

    def refuse(path: Path, target: Path) -> Path:
        if path == volume and number is not None:
            raise OSError(number, os.strerror(number))
        return replace(path, target)

    def is_allowed(path: Path, mode: int) -> bool:
        return access(path, mode) and (path != tmp_path or number is not None)

    monkeypatch.setattr(Path, "replace", refuse)
    monkeypatch.setattr(os, "access", is_allowed)
    with whole_folder(volume) as partial:
        assert number is not None or partial.parent == volume
        (partial / "page").mkdir()
        (partial / "page" / "b").write_text("later")
        assert (volume / "former" / "a").read_text() == "earlier"
    assert names_in(tmp_path) == {"volume"} and names_in(volume) == {"page"}
    assert os.listdir(volume / "page") == ["b"] and (volume / "lost+found").is_dir()


@pytest.mark.parametrize("links", [True, False])
def test_a_new_file_replaces_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: bool
) -> None:
    def refuse(*_: Any) -> None:
        raise OSError(errno.EPERM, "no links on this disk")

    if not links:
        monkeypatch.setattr(os, "link", refuse)
    path = tmp_path / "a"
    with whole_file(path, replace=False) as partial:
        partial.write_text("first")
    with pytest.raises(HumansegError, match="is there already") as caught:
        with whole_file(path, replace=False) as partial:
            partial.write_text("second")
    assert isinstance(caught.value.__cause__, FileExistsError)
    assert path.read_text() == "first" and os.listdir(tmp_path) == ["a"]


def test_a_file_where_a_folder_belongs_is_said(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("mine")
    for path in (tmp_path / "a/b", tmp_path / "a/b/c"):
        with pytest.raises(HumansegError, match="a part of this path is a file"):
            write_text(path, "")
