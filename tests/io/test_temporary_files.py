"""What is being written has a name of its own, and goes when its writer is gone."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from humanseg.io import temporary_files
from humanseg.io.temporary_files import (
    ABANDONED_AFTER,
    is_partial,
    partial_file,
    partial_folder,
    remove_abandoned,
)

HOLD = """
import sys
from pathlib import Path
from humanseg.io.temporary_files import {make}
with {make}(Path(sys.argv[1])) as path:
    (path / "half" if path.is_dir() else path).write_text("half")
    print(path, flush=True)
    sys.stdin.read()
"""


@pytest.fixture(params=["partial_file", "partial_folder"])
def writer(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    """A process that is writing into the folder, and the path that it writes to."""
    code = HOLD.format(make=request.param)
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdin=-1, stdout=-1, text=True
    ) as process:
        assert process.stdout is not None
        yield process, Path(process.stdout.readline().strip())
        process.kill()


def test_what_a_killed_process_was_writing_is_removed(tmp_path: Path, writer: Any) -> None:
    process, path = writer
    remove_abandoned(tmp_path)
    assert path.exists(), "its writer lives"
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert path.exists()
    remove_abandoned(tmp_path)
    assert not list(tmp_path.iterdir())


def test_the_first_file_that_is_written_to_a_folder_clears_it(tmp_path: Path, writer: Any) -> None:
    process, path = writer
    process.kill()
    process.wait()
    with partial_file(tmp_path):
        assert not path.exists()


@pytest.mark.parametrize("locks", [True, False], ids=["another machine", "no locks"])
def test_whose_writer_cannot_be_asked_goes_when_it_is_old(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, locks: bool
) -> None:
    if not locks:
        monkeypatch.setattr(temporary_files, "fcntl", None)
    machine = "000000" if locks else temporary_files.boot_id()
    path = tmp_path / f".humanseg-{machine}-0123456789ab.partial"
    path.write_text("half")
    remove_abandoned(tmp_path)
    assert path.exists()
    then = path.stat().st_mtime - ABANDONED_AFTER - 60
    os.utime(path, (then, then))
    remove_abandoned(tmp_path)
    assert not path.exists()


def test_what_is_not_ours_is_left_alone(tmp_path: Path) -> None:
    names = (
        ".letter.partial",
        "a.partial",
        f".humanseg-{temporary_files.boot_id()}-0123456789ab.former",
    )
    for name in names:
        (tmp_path / name).write_text("mine")
        os.utime(tmp_path / name, (0, 0))
    remove_abandoned(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == set(names)


@pytest.mark.parametrize("make", [partial_file, partial_folder])
def test_a_name_is_never_given_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Callable[[Path], Any]
) -> None:
    drawn = iter([b"a" * 6, b"a" * 6, b"b" * 6])
    monkeypatch.setattr(os, "urandom", lambda count: next(drawn))
    with make(tmp_path) as first, make(tmp_path) as second:
        assert first != second
        # What encrypted home folders allow.
        assert len(first.name) <= 143
        assert is_partial(first)
    assert not list(tmp_path.iterdir())


def test_a_name_that_is_taken_away_while_it_is_made_is_drawn_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock, made = temporary_files._lock, []

    def taken_away(descriptor: int | None) -> bool | None:
        made.append(descriptor)
        if len(made) == 1:
            for path in tmp_path.iterdir():
                path.unlink()
        return lock(descriptor)

    monkeypatch.setattr(temporary_files, "_lock", taken_away)
    with partial_file(tmp_path) as path:
        assert path.exists() and len(made) == 2


def test_permissions_are_those_of_any_new_file(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        with partial_file(tmp_path) as file, partial_folder(tmp_path) as folder:
            assert file.stat().st_mode & 0o777 == 0o640
            assert folder.stat().st_mode & 0o777 == 0o750
    finally:
        os.umask(before)
