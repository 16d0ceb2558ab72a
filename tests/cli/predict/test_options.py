"""Mistakes in a command line are said before anything is written."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from humanseg.cli.main import main
from humanseg.io.images import write_image
from tests.cli.predict.conftest import files, photo


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nowhere"], "There is no nowhere"),
        (["in", "--background", "whit"], "neither a colour"),
        (["in", "--background", "Transparent"], "--save cutout"),
        (["in", "-o", "all.png"], "-o all.png is for one result, and there are 2 photos"),
        (["in/a.png", "-o", "a.png", "--save", "mask,overlay"], "2 kinds of results (mask, over"),
        (["in/a.png", "-o", "a.gif"], "choose one of the formats jpg, jpeg, png"),
        (["in/a.png", "-o", "a.jpg", "--save", "cutout"], "jpg holds no transparency"),
        (["in/a.png", "--save", "mask", "cutout"], "Kinds of results are written --save a,cutout"),
        (["in/a.png", "mask"], "Kinds of results are written --save a,mask"),
        (["in", "--model", "none.onnx"], "There is no model none.onnx"),
        (["in", "--model", "in/a.png"], "is not an ONNX file"),
    ],
)
def test_mistakes_are_said_before_anything_is_written(
    red: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    write_image(Path("in/a.png"), photo())
    write_image(Path("in/deep/a.jpg"), photo())
    out = () if "-o" in words else ("--out", "out")
    assert main(["predict", "--model", str(red), *words, *out]) == 2
    shown = capsys.readouterr()
    assert message in shown.err and shown.err.count("\n") == 1 and not shown.out
    assert os.listdir() == ["in"]


@pytest.mark.parametrize(
    "words",
    [
        ["--save", "hair"],
        ["--save", ""],
        ["--threads", "0"],
        ["--threads", "two"],
        ["--threshold", "1"],
        ["--min-area", "5"],
    ],
    ids="".join,
)
def test_wrong_options_are_refused(predict: Callable[..., int], words: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        predict("a.png", *words)
    assert caught.value.code == 2


def test_more_threads_than_cores_are_not_started(
    red: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for number in range((os.cpu_count() or 1) + 1):
        write_image(Path(f"in/{number}.png"), photo())
    started: list[int] = []

    def predict_photos(plan: Any, photos: Any, workers: int) -> list[Any]:
        started.append(workers)
        return []

    monkeypatch.setattr("humanseg.inference.predict.predict_photos", predict_photos)
    main(["predict", "in", "--model", str(red), "--threads", "10000"])
    assert started[0] <= (os.cpu_count() or 1)


@pytest.mark.parametrize("out", ["", "  "])
def test_an_output_that_is_empty_is_not_the_working_folder(
    bare: Callable[..., int], capsys: pytest.CaptureFixture[str], out: str
) -> None:
    write_image(Path("a.png"), photo())
    assert bare("a.png", "-o", out) == 2
    assert "-o is empty" in capsys.readouterr().err
    assert os.listdir() == ["a.png"]


def test_a_kind_that_is_misspelled_is_guessed(
    predict: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        predict("a.png", "--save", "mask,cutuot")
    assert "did you mean cutout?" in capsys.readouterr().err


def test_former_names_go_on_working_and_name_the_new(
    predict: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    write_image(Path("a.png"), photo())
    assert predict("a.png", "--save", "soft", "--smooth", "0.5") == 0
    assert files() == ["a_soft.png"]
    stderr = capsys.readouterr().err
    assert "--save soft is called --save probability" in stderr
    assert "--smooth is called --temporal-smoothing" in stderr


@pytest.mark.parametrize(("name", "is_bundled"), [(".", False), ("tiny", True)])
def test_a_note_names_a_file_that_has_the_name_of_a_bundled_model(
    red: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
    is_bundled: bool,
) -> None:
    monkeypatch.chdir(tmp_path)
    write_image(Path("a.jpg"), photo())
    Path(name).mkdir(exist_ok=True)
    Path(name, "model.onnx").write_bytes(red.read_bytes())
    assert main(["predict", "a.jpg", "--model", name]) == 0
    assert (f"note: {name} is the file or folder" in capsys.readouterr().err) == is_bundled
