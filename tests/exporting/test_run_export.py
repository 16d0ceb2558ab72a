import hashlib
import json
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from omegaconf import OmegaConf
from PIL import Image

import humanseg
from humanseg.cli.main import main
from humanseg.errors import HumansegError, Refused
from humanseg.evaluation.evaluate import evaluate
from humanseg.exporting.select_run import SelectedRun
from humanseg.exporting.writers import write
from humanseg.exporting.writers.int8 import Quantised
from humanseg.io.images import read_photo
from humanseg.models.onnx.convert import save
from humanseg.runs import RunFolder, open_run, read_summary, update_summary

Export = Callable[..., Path]
ALL = "onnx,int8,fp16,pt2"


@pytest.fixture(scope="session")
def exported(run: RunFolder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An export in every format, by the command line: read only."""
    out = tmp_path_factory.mktemp("export") / "out"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("humanseg.exporting.run_export.time_files", lambda *_: [])
        words = ["export", str(run.path), "--out", str(out), "--formats", ALL]
        # A run of a few steps is unsure of every pixel, so 8 bits turn many.
        assert main([*words, "--max-drop", "0.2"]) == 0
    return out


@pytest.fixture
def converted_once(exported: Path, model: onnx.ModelProto, monkeypatch: pytest.MonkeyPatch) -> None:
    """Spare tracing and converting what `exported` has shown to be right: it takes seconds."""

    def convert(program: None, about: dict[str, Any]) -> onnx.ModelProto:
        copy = onnx.ModelProto()
        copy.CopyFrom(model)
        (properties,) = copy.metadata_props
        properties.value = json.dumps(about)
        return copy

    monkeypatch.setattr(write, "trace", lambda network: None)
    monkeypatch.setattr(write, "convert", convert)


def test_the_folder_holds_what_was_asked_for(exported: Path) -> None:
    names = {"model.onnx", "model.int8.onnx", "model.fp16.onnx", "model.pt2"}
    assert {path.name for path in exported.iterdir()} == names | {"README.md", "manifest.json"}
    assert [path.name for path in exported.parent.iterdir()] == ["out"]


def test_the_manifest_is_the_contract(exported: Path, run: RunFolder) -> None:
    manifest = json.loads((exported / "manifest.json").read_text())
    summary = read_summary(run.summary)
    assert manifest["format"] == 1 and manifest["task"] == "person segmentation"
    assert (manifest["name"], manifest["run"]) == ("unet-plain", run.path.name)
    assert (manifest["threshold"], manifest["long_side"]) == (0.5, 64)
    assert manifest["input"] == {
        "name": "photo",
        "dtype": "uint8",
        "layout": "NCHW",
        "colour": "RGB",
        "shape": ["batch", 3, "height", "width"],
    }
    assert manifest["outputs"]["mask"] == {
        "dtype": "uint8",
        "shape": ["batch", 1, "height", "width"],
    }
    assert manifest["outputs"]["probability"]["dtype"] == "float32"
    for name, about in manifest["files"].items():
        content = (exported / name).read_bytes()
        assert about["bytes"] == len(content)
        assert about["sha256"] == hashlib.sha256(content).hexdigest()
        assert about["dice"] == pytest.approx(summary["dice"], abs=0.2)
    assert manifest["files"]["model.onnx"]["dice"] == pytest.approx(summary["dice"], abs=5e-4)
    assert manifest["files"]["model.int8.onnx"]["precision"] == "int8"
    assert manifest["files"]["model.pt2"]["format"] == "pt2"
    scores = manifest["scores"]
    assert scores["dice"] == pytest.approx(summary["dice"], abs=1e-6)
    assert scores["interval"][0] <= scores["dice"] <= scores["interval"][1]
    assert scores["photos"] == 3
    assert manifest["data"]["valid_sha256"] == summary["data"]["valid_sha256"]
    assert {"torch", "onnx", "onnxruntime"} <= set(manifest["versions"])
    assert str(run.path.parent) not in json.dumps(manifest)


def test_the_card_says_what_a_person_asks(exported: Path, run: RunFolder) -> None:
    card = (exported / "README.md").read_text()
    for heading in ("What it is for, and what not", "Scores", "How to call it", "Settings"):
        assert f"## {heading}" in card
    for language in ("python", "javascript", "cpp", "yaml"):
        assert f"```{language}\n" in card
    assert f"{read_summary(run.summary)['dice']:.4f}" in card
    assert "calibrated on 3 train" in card
    assert "{{" not in card and "{%" not in card
    assert str(run.path.parent) not in card and "sample" not in card.lower()
    settings = card.split("```yaml\n")[1]
    assert "batch_size: 2" in settings
    assert not [key for key in ("root:", "workers:", "run_dir:", "threads:") if key in settings]


def snippets(card: Path) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", card.read_text(), re.M | re.S)


@pytest.fixture
def beside_a_photo(exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the export with a photo in it, as the working folder."""
    folder = Path(shutil.copytree(exported, tmp_path / "export"))
    exif = Image.Exif()
    exif[0x0112] = 6
    pixels = np.random.default_rng(0).integers(0, 256, (90, 120, 3), np.uint8)
    Image.fromarray(pixels).save(folder / "photo.jpg", exif=exif)
    monkeypatch.chdir(folder)
    return folder


def test_the_python_of_the_card_works_as_written(beside_a_photo: Path) -> None:
    with_onnxruntime, _, with_torch = snippets(beside_a_photo / "README.md")
    names: dict[str, Any] = {}
    exec(with_onnxruntime, names)
    assert names["mask"].shape == (1, 1, 64, 48)
    assert Image.open("cutout.png").size == (90, 120) and Image.open("cutout.png").mode == "RGBA"
    exec(with_torch, names)
    assert tuple(names["mask"].shape) == (1, 1, 320, 240)


def test_the_card_calls_humanseg_as_it_is(beside_a_photo: Path) -> None:

    if not hasattr(humanseg, "load"):
        pytest.skip("humanseg.load is not there yet")
    names: dict[str, Any] = {}
    exec(snippets(beside_a_photo / "README.md")[1], names)
    assert names["mask"].shape == read_photo(Path("photo.jpg")).shape[:2]


# The same run in all tests below.
again = pytest.mark.usefixtures("converted_once")


def spoil(monkeypatch: pytest.MonkeyPatch, change: Callable[[Any], None]) -> None:
    """Change a constant of the graph on its way into the file."""

    def spoilt(model: onnx.ModelProto, path: Path) -> None:
        change(model)
        save(model, path)

    monkeypatch.setattr(write, "save", spoilt)


def constant(model: onnx.ModelProto, name: str) -> onnx.TensorProto:
    return next(each for each in model.graph.initializer if each.name.endswith(name))


def wrong_normalisation(model: onnx.ModelProto) -> None:
    shift = constant(model, "segmenter.shift")
    values = onnx.numpy_helper.to_array(shift)
    shift.CopyFrom(onnx.numpy_helper.from_array(values + 1, shift.name))


def corrupted_weight(model: onnx.ModelProto) -> None:
    weight = constant(model, "head.conv.weight")
    values = onnx.numpy_helper.to_array(weight).copy()
    values.flat[0] += 1
    weight.CopyFrom(onnx.numpy_helper.from_array(values, weight.name))


@again
@pytest.mark.parametrize("change", [wrong_normalisation, corrupted_weight])
def test_a_file_that_predicts_something_else_is_refused(
    change: Callable[[Any], None],
    run: RunFolder,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    spoil(monkeypatch, change)
    out = tmp_path / "out"
    assert main(["export", str(run.path), "--out", str(out), "--formats", "onnx"]) == 3
    shown = capsys.readouterr().err
    assert shown.startswith("Refused: ") and "model.onnx: its masks differ in" in shown
    assert list(tmp_path.iterdir()) == []


@again
def test_an_earlier_export_outlives_a_refusal(
    export: Export, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = export(tmp_path / "out")
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    spoil(monkeypatch, wrong_normalisation)
    with pytest.raises(Refused):
        export(out, overwrite=True)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before


@again
def test_8_bits_that_lose_too_much_are_refused_with_their_figures(
    export: Export, model: onnx.ModelProto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = onnx.ModelProto()
    bad.CopyFrom(model)
    wrong_normalisation(bad)
    monkeypatch.setattr(write, "quantise", lambda *_: Quantised(bad, [], 1, 0.0))
    with pytest.raises(Refused, match=r"model\.int8\.onnx: its Dice is 0\.\d+, the checkpoint's"):
        export(tmp_path / "out", "onnx,int8", max_drop=0.0)
    assert list(tmp_path.iterdir()) == []
    export(tmp_path / "out", "onnx,int8", max_drop=1.0)


@again
def test_a_checkpoint_that_was_replaced_is_refused(
    run: RunFolder, export: Export, tmp_path: Path
) -> None:
    other = open_run(Path(shutil.copytree(run.path, tmp_path / "run")))
    update_summary(other.summary, dice_at_half=read_summary(run.summary)["dice_at_half"] + 0.001)
    with pytest.raises(Refused, match="best checkpoint gives"):
        export(tmp_path / "out", selected=SelectedRun(other, []))


@again
def test_data_that_moved_is_asked_for_and_found(
    run: RunFolder, export: Export, tmp_path: Path, sample_root: Path
) -> None:
    other = open_run(Path(shutil.copytree(run.path, tmp_path / "run")))
    config = OmegaConf.load(other.config)
    config.data.root = str(tmp_path / "gone")
    OmegaConf.save(config, other.config)
    with pytest.raises(HumansegError, match=r"gone any more.*--data"):
        export(tmp_path / "out", selected=SelectedRun(other, []))
    out = export(tmp_path / "out", selected=SelectedRun(other, []), data=sample_root)
    assert "are not the ones" not in (out / "README.md").read_text()


@again
def test_other_data_is_scored_and_named_as_such(
    run: RunFolder, export: Export, tmp_path: Path, sample_root: Path
) -> None:
    root = Path(shutil.copytree(sample_root, tmp_path / "data"))
    for name in ("valid/6.jpg", "valid_mask/6.png"):
        (root / name).unlink()
    out = export(tmp_path / "out", data=root)
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["scores"]["photos"] == 2
    expected = evaluate(run.path, root).scores["dice"]
    assert manifest["scores"]["dice"] == pytest.approx(expected, abs=1e-6)
    assert "are not the ones that the run was scored on" in (out / "README.md").read_text()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--formats", "onnx,tflite"], "tflite"),
        (["--formats", ""], "--formats takes"),
        (["--out", "full"], "something else"),
    ],
)
def test_mistakes_are_found_before_any_work(
    words: list[str],
    message: str,
    run: RunFolder,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        "humanseg.exporting.run_export.open_source", lambda *_: sys.exit("too late")
    )
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter.txt").write_text("mine")
    assert main(["export", str(run.path), *words]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("value", ["-0.1", "much", "1"])
def test_a_drop_is_a_share(value: str) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["export", "run", f"--max-drop={value}"])
    assert caught.value.code == 2
