"""The folder of decoded photos: for its user alone, bounded, and what is used stays."""

import os
from pathlib import Path

import pytest

from humanseg.data.cache import disk
from humanseg.data.cache.disk import cache_folder, cached_file
from humanseg.errors import HumansegError


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HUMANSEG_CACHE", str(tmp_path))
    monkeypatch.setattr(disk, "BOUND", 30)
    return tmp_path / "photos"


def keep(name: str, size: int = 10, text: str = "x") -> Path:
    def write(path: Path) -> None:
        path.write_text(text * size)

    return cached_file(name, size, write)


def age(path: Path, seconds: int) -> None:
    """Make a file one that was last used so long ago."""
    then = path.stat().st_mtime - seconds
    os.utime(path, (then, then))


def test_a_user_without_a_home_names_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def home() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", home)
    assert cache_folder() == tmp_path / "photos"
    monkeypatch.delenv("HUMANSEG_CACHE")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    with pytest.raises(HumansegError, match="set HUMANSEG_CACHE"):
        cache_folder()


def test_what_is_there_is_used_again() -> None:
    first = keep("a")
    assert keep("a", text="y") == first
    assert first.read_text() == "x" * 10
    first.write_text("cut")
    assert keep("a", text="z").read_text() == "z" * 10


def test_what_was_not_used_for_longest_makes_room(folder: Path) -> None:
    for seconds, name in ((300, "a"), (200, "b"), (100, "c")):
        age(keep(name), seconds)
    keep("a")
    keep("d")
    assert {path.stem for path in folder.iterdir()} == {"a", "c", "d"}
    keep("large", 100)
    assert {path.stem for path in folder.iterdir()} == {"large"}


def test_what_a_killed_process_left_counts_and_goes(folder: Path) -> None:
    folder.mkdir()
    half = folder / ".a.bin.77.partial"
    half.write_text("x" * 25)
    age(half, 100)
    keep("b")
    assert [path.stem for path in folder.iterdir()] == ["b"]


def test_files_that_are_not_of_the_cache_are_left_alone(folder: Path) -> None:
    folder.mkdir()
    (folder / "thesis.txt").write_text("x" * 100)
    keep("a")
    assert (folder / "thesis.txt").exists()


def test_a_file_that_cannot_be_written_leaves_nothing(folder: Path) -> None:
    def fail(path: Path) -> None:
        path.write_text("half")
        raise OSError(28, "No space left on device")

    with pytest.raises(HumansegError, match="the disk is full"):
        cached_file("a", 10, fail)
    assert not list(folder.iterdir())


def test_the_folder_is_for_its_user_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    assert cache_folder().stat().st_mode & 0o077 == 0
    other = os.getuid() + 1
    monkeypatch.setattr(os, "getuid", lambda: other)
    with pytest.raises(HumansegError, match="belongs to somebody else.*HUMANSEG_CACHE"):
        keep("a")


def test_without_a_wish_it_lies_where_caches_lie(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("HUMANSEG_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder() == tmp_path / "xdg/humanseg/photos"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert cache_folder() == tmp_path / "home/.cache/humanseg/photos"
