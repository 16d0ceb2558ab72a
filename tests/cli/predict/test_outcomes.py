"""Failures, and what the command says of them."""

import errno
import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from humanseg.io.files import explain_os_error
from humanseg.io.images import read_photo, write_image
from tests.cli.predict.conftest import files, photo


def test_broken_photos_are_listed_and_the_rest_goes_on(
    predict: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    write_image(Path("in/a.png"), photo())
    Path("in/b.jpg").write_text("no photo")
    Path("in/c.webp").touch()
    assert predict("in") == 1
    assert files() == ["a_mask.png"]
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("1 photo done") and "2 could not be used, see below" in lines[0]
    assert sorted(line.split()[0] for line in lines[1:]) == ["in/b.jpg", "in/c.webp"]


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "ascii"])
def test_names_that_cannot_be_printed_are_spelled_out(
    predict: Callable[..., int], monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    names = [b"latin \xe4.jpg", "写真 😀.jpg".encode(), b"\x1b[31mred.jpg", b"new\nline.jpg"]
    Path("in").mkdir()
    for name in names:
        Path("in", os.fsdecode(name)).write_text("no photo")
    write_image(Path("in/ü.png"), photo())
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding, errors="strict") for _ in range(2))
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)
    assert predict("in") == 1
    out.flush()
    shown = out.buffer.getvalue().decode(encoding)
    assert files() == ["ü_mask.png"]
    assert shown.count("is not an image") == 4 and len(shown.splitlines()) == 5
    for part in (r"latin \xe4.jpg", r"\x1b[31mred.jpg", r"new\nline.jpg"):
        assert part in shown
    assert ("写真 😀.jpg" in shown) == (encoding == "utf-8")


def test_photos_without_people_are_named(
    predict: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(7):
        write_image(Path(f"in/{number}.png"), np.zeros((9, 9, 3), np.uint8))
    write_image(Path("in/someone.png"), photo())
    for _ in range(2):
        assert predict("in") == 0
        (line,) = (line for line in capsys.readouterr().out.splitlines() if "no person" in line)
        assert line.startswith("no person found in 7 photos: in/") and line.endswith("and 2 more")


def test_many_failures_are_some_lines_and_a_file_with_all(
    predict: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    Path("in").mkdir()
    for number in range(30):
        Path(f"in/{number}.jpg").write_text("no photo")
    assert predict("in") == 1
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 12 and lines[-1].endswith("20 more: out/failures.txt names all of them")
    rows = Path("out/failures.txt").read_text().splitlines()[1:]
    assert {row.split("\t")[0] for row in rows} == {f"in/{number}.jpg" for number in range(30)}
    assert all("is not an image" in row for row in rows)
    for number in range(30):
        write_image(Path(f"in/{number}.png"), photo((4, 6)))
        Path(f"in/{number}.jpg").unlink()
    assert predict("in") == 0
    assert not Path("out/failures.txt").exists()


def test_a_file_of_a_person_that_is_called_failures_is_left_alone(
    predict: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    for folder in ("in", "out"):
        Path(folder).mkdir()
    Path("out/failures.txt").write_text("mine")
    for number in range(30):
        Path(f"in/{number}.jpg").write_text("no photo")
    assert predict("in") == 1
    assert capsys.readouterr().out.count("is not an image") == 30
    assert Path("out/failures.txt").read_text() == "mine"


def test_ctrl_c_leaves_whole_files_and_says_how_to_go_on(red: Path, tmp_path: Path) -> None:
    # So many that the signal comes before the end, however busy the machine is.
    write_image(tmp_path / "in" / "0.png", photo((300, 400)))
    for number in range(1, 3000):
        (tmp_path / "in" / f"{number}.png").hardlink_to(tmp_path / "in" / "0.png")
    words = ["predict", "in", "--out", "out", "--model", str(red), "--save", "mask,cutout"]
    process = subprocess.Popen(
        [sys.executable, "-m", "humanseg", *words],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        text=True,
    )
    end = time.monotonic() + 120
    while not list((tmp_path / "out").glob("*.png")):
        assert process.poll() is None and time.monotonic() < end
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "of 3000 photos are done. The same command continues with the others." in stderr
    assert "Traceback" not in stderr
    written = list((tmp_path / "out").iterdir())
    assert 0 < len(written) < 6000
    for path in written:
        assert path.suffix == ".png" and path.name[0] != "."
        read_photo(path)


def test_what_was_used_in_part_is_counted(
    predict: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    frames = [Image.new("RGB", (8, 6), colour) for colour in ("red", "blue")]
    for number in range(4):
        frames[0].save(
            tmp_path / f"in-{number}.gif", save_all=True, append_images=frames[1:], duration=50
        )
    frames[0].save(tmp_path / "plain.png")
    assert predict(*(path.name for path in sorted(tmp_path.glob("*.*")))) == 0
    stdout = capsys.readouterr().out
    assert "4 animations: only the first frame that shows anything was used (in-0.gif" in stdout
    assert "plain.png" not in stdout


def test_a_full_disk_stops_all_and_says_what_is_done_and_what_failed(
    predict: Callable[..., int],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    Path("in").mkdir()
    Path("in/0.png").write_text("no photo")
    for number in range(1, 40):
        write_image(Path(f"in/{number}.png"), photo())

    def write(path: Path, *words: Any, **options: Any) -> None:
        if path.name == "30_mask.png":
            error = OSError(errno.ENOSPC, "No space left")
            raise explain_os_error(error, path) from error
        write_image(path, *words, **options)

    monkeypatch.setattr("humanseg.inference.batch.process.write_image", write)
    assert predict("in") == 2
    shown = capsys.readouterr()
    assert "in/0.png is not an image" in shown.out
    assert "of 40 photos are done. The same command continues with the others.\n" in shown.err
    assert "30_mask.png: the disk is full" in shown.err
