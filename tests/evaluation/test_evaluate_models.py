"""Checkpoints and exported models are evaluated as runs are, and leave the same files."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import humanseg
from humanseg.cli.main import main
from humanseg.errors import HumansegError
from humanseg.evaluation.evaluate import evaluate
from humanseg.inference.load import load_model
from humanseg.io.images import read_mask, read_photo, write_image
from humanseg.io.rle import decode_rle
from humanseg.io.tables import read_table
from humanseg.models.checkpoint import load_segmenter
from humanseg.models.onnx.convert import convert, save
from humanseg.models.onnx.network import PhotoToMask, trace
from humanseg.runs import RunFolder, read_summary

FILES = ["evaluation.json", "pred_valid.csv", "scores.csv", "test", "test.html", "valid"]
FILES += ["valid.html"]


@pytest.fixture(scope="module")
def onnx_file(trained: RunFolder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The best checkpoint as an ONNX file: read only."""
    segmenter, _ = load_segmenter(trained)
    facts = {"format": 1, "name": "small", "threshold": 0.4, "long_side": 64}
    file = tmp_path_factory.mktemp("exported") / "model.onnx"
    save(convert(trace(PhotoToMask(segmenter, 0.4)), facts), file)
    return file


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_files_of_an_evaluation_are_those_of_the_run(
    trained: RunFolder, tmp_path: Path
) -> None:
    evaluation = evaluate(trained.path, out=tmp_path / "out")
    assert names(tmp_path / "out") == FILES and names(tmp_path) == ["out"]
    for path in trained.path.rglob("*"):
        copy = tmp_path / "out" / path.relative_to(trained.path)
        if path.is_file() and (copy.exists() or path.parent.name in ("test", "valid")):
            # Above its photos a page says where it comes from.
            written, own = (
                file.read_bytes().partition(b"<main>")[2] or file.read_bytes()
                for file in (copy, path)
            )
            assert written == own, path
    said = json.loads((tmp_path / "out" / "evaluation.json").read_text())
    assert said["scores"]["dice"] == read_summary(trained.summary)["dice"]
    assert said["model"] == str(trained.path) and said["threshold"] == 0.5
    assert f"files          {tmp_path / 'out'}" in evaluation.text()


def test_an_exported_model_scores_what_its_checkpoint_scores(
    trained: RunFolder, onnx_file: Path, sample_root: Path, tmp_path: Path
) -> None:
    exported = evaluate(onnx_file, sample_root, out=tmp_path / "out")
    checkpoint = evaluate(trained.path, threshold=0.4)
    assert exported.threshold == 0.4 and exported.model == onnx_file
    for score, mean in checkpoint.scores.items():
        assert exported.scores[score] == pytest.approx(mean, abs=1e-3)
    assert names(tmp_path / "out") == FILES
    model = load_model(onnx_file)
    for row in read_table(tmp_path / "out" / "pred_valid.csv").itertuples():
        mask = model(read_photo(sample_root / "valid" / f"{row.id}.jpg"))
        assert np.array_equal(decode_rle(str(row.rle_mask), (64, 48)), mask)
    mirrored = evaluate(onnx_file, sample_root, tta=True)
    assert mirrored.scores["dice"] != exported.scores["dice"]


def test_the_folder_of_an_export_stands_for_its_model(
    onnx_file: Path, sample_root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from humanseg.cli.main import main

    assert main(["evaluate", str(onnx_file.parent), "--data", str(sample_root)]) == 0
    assert f"{onnx_file} on 3 valid photos of {sample_root}" in capsys.readouterr().out


@pytest.fixture
def inverted_root(sample_root: Path, tmp_path: Path) -> Path:
    """The sample with masks in which the background is white."""
    shutil.copytree(sample_root, tmp_path / "inverted")
    for path in (tmp_path / "inverted" / "valid_mask").iterdir():
        write_image(path, 255 * (1 - read_mask(path)))
    return tmp_path / "inverted"


def test_inverted_masks_are_pointed_out_and_read_as_it_is_said(
    sample_root: Path, inverted_root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from humanseg.cli.main import main

    plain = evaluate("tiny", sample_root)
    assert plain.scores["dice"] > 0.5 and not plain.note
    wrong = evaluate("tiny", inverted_root)
    assert wrong.scores["dice"] < 0.5 and "in 3 of 3 masks" in wrong.note
    assert "--invert-masks" in wrong.text()
    words = ["evaluate", "tiny", "--data", str(inverted_root), "--out", str(tmp_path / "out")]
    assert main([*words, "--invert-masks"]) == 0
    output = capsys.readouterr().out
    assert f"dice           {plain.scores['dice']:.6f}" in output and "note" not in output
    assert "--invert-masks" in (tmp_path / "out" / "valid.html").read_text()
    by_value = humanseg.evaluate("tiny", inverted_root, person_values=[0])
    assert by_value.scores == plain.scores


def test_a_run_reads_masks_by_the_given_rule(copied: RunFolder, inverted_root: Path) -> None:
    plain = evaluate(copied.path)
    inverted = humanseg.evaluate(copied.path, inverted_root, invert_masks=True)
    assert inverted.scores == plain.scores and not inverted.note


def test_another_checkpoint_than_the_best_one_can_be_scored(copied: RunFolder) -> None:
    shutil.copy(copied.last, copied.path / "checkpoints" / "other.ckpt")
    report = evaluate(copied.path / "checkpoints" / "other.ckpt")
    assert report.model.name == "other.ckpt" and not report.note
    assert evaluate(copied.best).model == copied.path
    assert evaluate(copied.last).scores == report.scores


def test_train_and_test_photos_get_their_own_files(trained: RunFolder, tmp_path: Path) -> None:
    evaluate(trained.path, split="train", out=tmp_path / "train")
    files = ["evaluation.json", "pred_train.csv", "scores.csv", "train", "train.html"]
    assert names(tmp_path / "train") == files
    assert "Errors on train photos" in (tmp_path / "train" / "train.html").read_text()
    report = evaluate(trained.path, split="test", out=tmp_path / "test")
    assert names(tmp_path / "test") == ["evaluation.json", "pred_test.csv", "test", "test.html"]
    assert not report.scores and report.text().startswith(f"{trained.path} on 2 test photos")
    assert read_table(tmp_path / "test" / "pred_test.csv")["id"].tolist() == ["9", "10"]


def test_an_earlier_evaluation_is_replaced_and_nothing_else(
    trained: RunFolder, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    evaluate(trained.path, split="train", out=out)
    # As a Mac leaves it where a person has looked.
    (out / ".DS_Store").touch()
    evaluate(trained.path, out=out)
    assert names(out) == FILES
    (out / "letter.txt").write_text("mine")
    with pytest.raises(HumansegError, match=r"letter\.txt") as caught:
        evaluate(trained.path, out=out)
    assert caught.value.code == "evaluation.occupied"
    assert (out / "letter.txt").read_text() == "mine"


def test_the_folders_of_a_data_set_are_not_taken_for_an_evaluation(
    trained: RunFolder, tmp_path: Path
) -> None:
    for name in ("valid", "test"):
        (tmp_path / "photos" / name).mkdir(parents=True)
    with pytest.raises(HumansegError) as caught:
        evaluate(trained.path, out=tmp_path / "photos")
    assert caught.value.code == "evaluation.occupied"


def test_an_evaluation_that_fails_leaves_nothing(
    trained: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise HumansegError("the disk is full")

    monkeypatch.setattr("humanseg.evaluation.page_writers.write_test_page", fail)
    with pytest.raises(HumansegError, match="full"):
        evaluate(trained.path, out=tmp_path / "out")
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["MODEL"], "evaluation.no_data"),
        (["MODEL", "--data", "nowhere"], "data.no_folder"),
        (["RUN", "--split", "test"], "evaluation.no_masks"),
        (["RUN", "--out", "RUN"], "evaluation.occupied"),
    ],
)
def test_mistakes_are_found_before_torch_is_loaded(
    words: list[str], code: str, trained: RunFolder, onnx_file: Path
) -> None:
    from humanseg.cli.evaluate import configure, run
    from humanseg.cli.options import Parser

    parser = Parser()
    configure(parser)
    named = {"MODEL": str(onnx_file), "RUN": str(trained.path)}
    with pytest.MonkeyPatch.context() as patch, pytest.raises(HumansegError) as caught:
        patch.setitem(__import__("sys").modules, "humanseg.evaluation.evaluate", None)
        run(parser.parse_args([named.get(word, word) for word in words]))
    assert caught.value.code == code


def test_by_the_command_line(
    trained: RunFolder,
    command_line: Callable[..., Any],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    done = command_line("evaluate", trained.path, "--out", "out", cwd=tmp_path)
    # On a busy machine the progress has time for a line.
    said = [line for line in done.stderr.splitlines() if not line.startswith("predicting photos: ")]
    assert (done.rc, said) == (0, [])
    assert done.stdout.startswith(f"{trained.path} on 3 valid photos of ")
    assert done.stdout.endswith("files          out\n")
    assert names(tmp_path / "out") == FILES
    assert main(["evaluate", str(trained.path), "--out", str(trained.path)]) == 2
    again = capsys.readouterr()
    assert again.out == "" and again.err.count("\n") == 1


def test_a_page_of_an_evaluation_says_where_it_comes_from(
    trained: RunFolder, tmp_path: Path
) -> None:
    evaluate(trained.path, out=tmp_path / "out")
    page = (tmp_path / "out" / "valid.html").read_text()
    assert "humanseg evaluate" in page and "--split valid" in page
    for target in re.findall(r'<a href="([^"#]+)"', page.partition("<main>")[0]):
        assert (tmp_path / "out" / target).is_file(), target
    assert "index.html" in page


def test_a_run_without_its_page_gets_it_by_an_evaluation(trained: RunFolder) -> None:
    trained.index_page.unlink()
    evaluate(trained.path)
    page = trained.index_page.read_text()
    for target in re.findall(r'(?:href|src)="([^"#]+)', page):
        assert target == "data:," or (trained.path / target).is_file(), target


def test_data_that_is_scored_is_not_said_to_be_trained_on(tmp_path: Path) -> None:
    (tmp_path / "train").mkdir()
    with pytest.raises(HumansegError, match="cannot be used: .*\n.*data.fold=0 a training takes"):
        humanseg.evaluate("tiny", tmp_path)
