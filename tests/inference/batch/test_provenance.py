"""What a result says of itself, and what is made of it."""

import os
import time
from pathlib import Path

import pytest

from humanseg.inference.batch.provenance import (
    FileIdentity,
    Provenance,
    ResultState,
    compare_result,
)
from humanseg.io.images import ImageError

OPTIONS = {"kind": "mask", "min_area": 0.01}


def test_a_text_holds_all_and_no_path(tmp_path: Path) -> None:
    path = tmp_path / "secret-name.jpg"
    path.write_bytes(b"a")
    source = FileIdentity(path)
    told = Provenance(source.content, source.origin, source.stat, "m", OPTIONS, False)
    assert Provenance.parse(told.text()) == told
    assert "secret" not in told.text() and told.text().isascii()


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "humanseg: ",
        "humanseg: 3",
        "humanseg: {}",
        'humanseg: {"format":1}',
        Provenance("", "", "", "", {}, True).text().replace('"format":1', '"format":99'),
        "a photo of mine",
    ],
)
def test_any_other_text_says_nothing(text: str | None) -> None:
    assert Provenance.parse(text) is None


def test_bytes_are_read_only_where_the_file_system_proves_nothing(tmp_path: Path) -> None:
    path, result = tmp_path / "a.jpg", tmp_path / "result"
    path.write_bytes(b"a")
    result.touch()
    source = FileIdentity(path)
    told = Provenance("other bytes", source.origin, source.stat, "m", OPTIONS, True).text()
    state, _ = compare_result(result, source, "m", OPTIONS, lambda _: told)
    assert state is ResultState.CURRENT and "content" not in vars(source)
    os.utime(path)
    state, _ = compare_result(result, FileIdentity(path), "m", OPTIONS, lambda _: told)
    assert state is ResultState.CHANGED_PHOTO


def test_a_file_that_changed_just_now_proves_nothing_by_its_times(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(b"a")
    assert FileIdentity(path).settled_stat == ""
    later = time.time_ns() + 10**10
    monkeypatch.setattr(time, "time_ns", lambda: later)
    assert FileIdentity(path).settled_stat == FileIdentity(path).stat != ""


def test_what_comes_through_a_pipe_is_another_photo_each_time(tmp_path: Path) -> None:
    path, result = tmp_path / "stdin", tmp_path / "result"
    result.touch()
    path.write_bytes(b"first")
    first = FileIdentity(path, named=False)
    told = Provenance(first.content, first.origin, "", "m", OPTIONS, True).text()
    path.write_bytes(b"second")
    state, _ = compare_result(result, FileIdentity(path, named=False), "m", OPTIONS, lambda _: told)
    assert state is ResultState.OTHER_PHOTO


def test_a_change_while_it_is_read_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(b"a")
    source = FileIdentity(path)
    source.require_unchanged()
    path.write_bytes(b"ab")
    with pytest.raises(ImageError, match="changed while it was read"):
        source.require_unchanged()


@pytest.mark.parametrize("name", ["gone.jpg", "x" * 300, "a\0b"])
def test_a_file_that_is_not_there_is_one_sentence(tmp_path: Path, name: str) -> None:
    with pytest.raises(ImageError):
        FileIdentity(tmp_path / name)


def test_a_pipe_or_folder_in_the_place_of_a_result_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(b"a")
    os.mkfifo(tmp_path / "pipe")
    for stem in (tmp_path / "pipe", tmp_path):
        assert compare_result(stem, FileIdentity(path), "m", OPTIONS) == (ResultState.UNKNOWN, None)
