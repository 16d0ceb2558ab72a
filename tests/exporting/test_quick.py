"""Exports in seconds: of a run, of a checkpoint, and of what is exported already."""

import json
import shutil
from pathlib import Path

import onnx
import pytest
from numpy.testing import assert_allclose

import humanseg
from humanseg.cli.main import main
from humanseg.errors import HumansegError, Refused
from humanseg.exporting.as_onnx import as_onnx
from humanseg.exporting.source import ExportSource
from humanseg.inference.catalog import bundled_models
from humanseg.io.images import read_photo
from humanseg.models.onnx.convert import save
from humanseg.models.onnx.run_file import TrainedNetwork, write_onnx
from humanseg.runs import RunFolder, open_run


@pytest.fixture(scope="module")
def with_file(
    run: RunFolder, model: onnx.ModelProto, tmp_path_factory: pytest.TempPathFactory
) -> RunFolder:
    """The run with the ONNX file that a training leaves: read only."""
    folder = tmp_path_factory.mktemp("with_file") / "run"
    shutil.copytree(run.path, folder)
    save(model, folder / "model.onnx")
    shutil.copy(folder / "checkpoints" / "last.ckpt", folder / "checkpoints" / "other.ckpt")
    return open_run(folder)


def test_a_quick_export_is_the_file_of_the_run_and_its_card_says_so(
    with_file: RunFolder, sample_root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert main(["export", str(with_file.path), "--quick", "--out", str(out)]) == 0
    assert {path.name for path in out.iterdir()} == {"model.onnx", "README.md", "manifest.json"}
    assert (out / "model.onnx").read_bytes() == with_file.onnx.read_bytes()
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["checked_photos"] == 3 and manifest["scores"]["photos"] == 3
    card = (out / "README.md").read_text()
    assert "A quick export" in card and "on 3 photos" in card
    assert f"{manifest['scores']['dice']:.4f}" in card and "ms" not in card.split("## What")[0]
    assert "3 valid photos beside the checkpoint" in capsys.readouterr().out
    photo = read_photo(sample_root / "valid" / "6.jpg")
    assert (humanseg.load(out)(photo) == humanseg.load(with_file.path)(photo)).all()


def test_a_file_that_predicts_something_else_is_refused(
    with_file: RunFolder, tmp_path: Path
) -> None:
    shutil.copytree(with_file.path, tmp_path / "run")
    changed = onnx.load(tmp_path / "run" / "model.onnx")
    for weights in changed.graph.initializer:
        if weights.data_type == onnx.TensorProto.FLOAT and len(weights.dims) == 4:
            weights.raw_data = bytes(len(weights.raw_data))
    onnx.save(changed, tmp_path / "run" / "model.onnx")
    with pytest.raises(Refused) as caught:
        humanseg.export(tmp_path / "run", tmp_path / "out", quick=True)
    assert caught.value.code == "export.other_masks"
    assert not (tmp_path / "out").exists()


def test_quick_is_one_format(with_file: RunFolder, tmp_path: Path) -> None:
    with pytest.raises(HumansegError) as caught:
        humanseg.export(with_file.path, tmp_path / "out", ["int8"], quick=True)
    assert caught.value.code == "export.quick"


def test_another_checkpoint_is_exported_and_used_as_itself(
    with_file: RunFolder, source: ExportSource, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUMANSEG_CACHE", str(tmp_path / "cache"))
    other = with_file.path / "checkpoints" / "other.ckpt"
    out = humanseg.export(other, tmp_path / "out", quick=True)
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["run"] == "run, other.ckpt" and not manifest["scores"]
    assert "## Scores" not in (out / "README.md").read_text()
    said: list[str] = []
    file = as_onnx(other, notify=said.append)
    assert len(said) == 1 and file.parent == tmp_path / "cache" / "models"
    # Once: the second time it is there.
    assert as_onnx(other, notify=said.append) == file and len(said) == 1
    photo = read_photo(Path(source.config.data.root) / "valid" / "6.jpg")
    by_file, by_export = (humanseg.load(path).probability(photo) for path in (file, out))
    assert_allclose(by_file, by_export, atol=1e-6)
    assert not list(file.parent.glob("*partial*"))


def test_a_run_with_its_file_is_not_converted_again(with_file: RunFolder) -> None:
    assert as_onnx(with_file.path) == as_onnx(with_file.best) == with_file.onnx


def test_without_the_photos_the_size_must_be_in_the_settings(
    source: ExportSource, tmp_path: Path
) -> None:
    config = source.config.copy()
    config.data.crop_size = config.data.train_size = config.eval_size = None
    with pytest.raises(HumansegError) as caught:
        write_onnx(TrainedNetwork(source.network, config, "x"), None, tmp_path / "a.onnx")
    assert caught.value.code == "data.moved"


def test_a_bundled_model_is_copied_whole(tmp_path: Path) -> None:
    out = humanseg.export("tiny", tmp_path / "out")
    folder = bundled_models()["tiny"].folder
    assert {path.name for path in out.iterdir()} == {path.name for path in folder.iterdir()}
    assert humanseg.load(out).name == humanseg.load("tiny").name
    humanseg.export("tiny", tmp_path / "out", overwrite=True)
    with pytest.raises(HumansegError) as caught:
        humanseg.export("tiny", tmp_path / "other", ["onnx"])
    assert caught.value.code == "export.already_exported"
    assert not (tmp_path / "other").exists()


def test_a_lone_file_gets_a_manifest(with_file: RunFolder, tmp_path: Path) -> None:
    shutil.copy(with_file.onnx, tmp_path / "mine.onnx")
    out = humanseg.export(tmp_path / "mine.onnx", tmp_path / "out")
    assert {path.name for path in out.iterdir()} == {"model.onnx", "manifest.json"}
    assert json.loads((out / "manifest.json").read_text())["files"]["model.onnx"]["bytes"]


def test_a_name_that_is_none_is_answered(tmp_path: Path) -> None:
    with pytest.raises(HumansegError, match="did you mean tiny"):
        humanseg.export("tinny", tmp_path / "out")
