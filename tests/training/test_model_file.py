"""A training leaves its best checkpoint as an ONNX file, which works at once and without torch."""

import json
from collections.abc import Callable
from pathlib import Path

import onnxruntime
import pytest
from numpy.testing import assert_allclose

import humanseg
from humanseg.evaluation.evaluate import evaluate
from humanseg.io.images import read_photo
from humanseg.models.onnx import run_file
from humanseg.runs import RunFolder, read_summary

Train = Callable[..., RunFolder]


@pytest.fixture(scope="module")
def run(train_run: Train, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A run with its ONNX file: to be changed by one test only."""
    folder = tmp_path_factory.mktemp("trained") / "run"
    return train_run(folder, "save_onnx=true", "threshold=0.4", "callbacks=[ema]")


def test_the_file_says_what_a_user_must_know_and_predicts_what_the_checkpoint_does(
    run: RunFolder, sample_root: Path
) -> None:
    metadata = onnxruntime.InferenceSession(run.onnx).get_modelmeta().custom_metadata_map
    said = json.loads(metadata["humanseg"])
    assert said == {"format": 1, "name": "unet-plain", "threshold": 0.4, "long_side": 64}
    exported, checkpoint = evaluate(run.onnx, sample_root), evaluate(run.path)
    assert_allclose(exported.per_photo["dice"], checkpoint.per_photo["dice"], atol=1e-4)
    assert exported.threshold == checkpoint.threshold == 0.4
    photo = read_photo(sample_root / "valid" / "6.jpg")
    for name in (run.path, run.best, run.onnx):
        assert (humanseg.load(name)(photo) == humanseg.load(run.onnx)(photo)).all()


def test_a_run_that_goes_on_replaces_it(run: RunFolder, resume_run: Train) -> None:
    before = run.onnx.read_bytes()
    resume_run(run.path, "trainer.max_epochs=3", "save_onnx=false")
    # That of an earlier best checkpoint would be wrong.
    assert not run.onnx.exists()
    resume_run(run.path, "trainer.max_epochs=4", "save_onnx=true")
    assert run.onnx.read_bytes() != before


def test_a_net_that_cannot_be_exported_breaks_nothing(
    train_run: Train,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(network: object) -> None:
        raise RuntimeError("no symbolic function for frobnicate\nand much more")

    monkeypatch.setattr(run_file, "trace", fail)
    run = train_run(tmp_path / "run", "save_onnx=true")
    assert read_summary(run.summary)["status"] == "finished"
    assert not run.onnx.exists() and run.submission.exists()
    assert list(run.path.glob(".*partial*")) == []
    printed = capsys.readouterr().out
    assert "model.onnx could not be written (no symbolic function for frobnicate)" in printed


def test_the_name_stands_with_the_other_files(
    train_run: Train, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = train_run(tmp_path / "run", "save_onnx=true")
    assert f"model         {run.onnx}" in capsys.readouterr().out
    other = train_run(tmp_path / "other", "save_onnx=false")
    assert not other.onnx.exists()
