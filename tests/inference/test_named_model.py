"""A model by whatever name a person has for it, and the bundled ones."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import humanseg
from humanseg.errors import HumansegError
from humanseg.inference import catalog
from humanseg.inference.catalog import bundled_models, default_model
from humanseg.inference.named_model import find_model, resolve_model


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, the working one."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run_in(folder: Path, red: Path | None = None, *checkpoints: str) -> Path:
    """Make what looks like a run, with an ONNX file where `red` is given."""
    (folder / "checkpoints").mkdir(parents=True)
    (folder / "config.yaml").write_text("seed: 0\n")
    for name in checkpoints or ("best",):
        (folder / "checkpoints" / f"{name}.ckpt").write_bytes(name.encode())
    if red is not None:
        shutil.copy(red, folder / "model.onnx")
    return folder


def test_a_bundled_model_has_a_name(here: Path) -> None:
    for name, model in bundled_models().items():
        found = resolve_model(name)
        assert found.path == model.folder and found.run is None
        assert find_model(name) == model.file == find_model(model.folder)


def test_an_export_and_a_file_are_what_they_are(here: Path, red: Path) -> None:
    assert resolve_model(red.parent).path == red.parent
    assert resolve_model(str(red)).path == red
    assert find_model(red.parent) == find_model(red) == red


def test_a_run_and_its_best_checkpoint_are_its_onnx_file(here: Path, red: Path) -> None:
    run = run_in(here / "run", red, "best", "last")
    for name in (run, run / "checkpoints" / "best.ckpt", "run"):
        found = resolve_model(name)
        assert found.path == run and found.onnx == run / "model.onnx"
    assert humanseg.load(run).name == "red"
    other = resolve_model(run / "checkpoints" / "last.ckpt")
    assert other.path.name == "last.ckpt" and other.onnx is None
    assert other.run is not None and other.run.path == run


@pytest.mark.parametrize("name", ["run", "run/checkpoints/best.ckpt"])
def test_what_is_no_onnx_file_yet_asks_for_torch(here: Path, name: str) -> None:
    run_in(here / "run")
    with pytest.raises(HumansegError, match="humanseg export") as caught:
        find_model(name)
    assert caught.value.code == "inference.needs_torch"


def test_a_model_of_ones_own_comes_before_a_bundled_one_of_that_name(here: Path, red: Path) -> None:
    bundled = find_model("best")
    (here / "best").mkdir()
    # A folder of anything else does not hide it.
    assert find_model("best") == bundled
    shutil.copy(red, here / "best" / "model.onnx")
    assert find_model("best") == find_model("./best") == Path("best/model.onnx")
    shutil.rmtree(here / "best")
    run_in(here / "best" / "stage", red)
    with pytest.raises(HumansegError, match=r"best holds runs .*best/stage"):
        find_model("best")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("bets", "did you mean best"),
        ("unet-plian", "did you mean unet-plain"),
        ("runs/unet-plian", "did you mean runs/unet-plain"),
        ("nothing/like/it", "Bundled are best"),
        ("runs", r"holds runs and is none itself: name one of runs/unet-plain"),
    ],
)
def test_a_name_that_is_nearly_right_is_answered(
    here: Path, red: Path, name: str, said: str
) -> None:
    run_in(here / "unet-plain", red)
    run_in(here / "runs" / "unet-plain", red)
    with pytest.raises(HumansegError, match=said) as caught:
        find_model(name)
    assert caught.value.code == "inference.missing_model"
    assert caught.value.exit_code == 2


def test_a_checkpoint_without_its_run_is_refused(here: Path) -> None:
    (here / "weights.ckpt").touch()
    with pytest.raises(HumansegError) as caught:
        find_model("weights.ckpt")
    assert caught.value.code == "inference.lone_checkpoint"


def test_a_run_that_has_not_finished_an_epoch_is_named(here: Path) -> None:
    run = run_in(here / "run")
    (run / "checkpoints" / "best.ckpt").unlink()
    with pytest.raises(HumansegError) as caught:
        find_model(run)
    assert caught.value.code == "runs.no_checkpoint"


def test_photos_and_videos_have_their_own_defaults() -> None:
    names = list(bundled_models())
    preferred: list[list[str]] = [["robust", "best"], ["robust_tiny", "tiny"]]
    wanted = [next(name for name in each if name in names) for each in preferred]
    assert [default_model("photos").name, default_model("videos").name] == wanted
    assert humanseg.load().name == humanseg.load(wanted[0]).name


def test_a_folder_that_is_dropped_in_is_bundled(
    here: Path, write_red: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(catalog.BUNDLED / "tiny", here / "bundled" / "tiny")
    shutil.copytree(write_red().parent, here / "bundled" / "robust")
    monkeypatch.setattr(catalog, "BUNDLED", here / "bundled")
    assert list(bundled_models()) == ["robust", "tiny"]
    assert humanseg.load("robust").name == "red"
    # Better than best, where both are there.
    assert default_model("photos").name == "robust"
    assert bundled_models()["robust"].as_dict()["default_for"] == ["photos"]


@pytest.mark.parametrize("name", list(bundled_models()))
def test_a_bundled_model_says_what_it_is(name: str) -> None:
    model = bundled_models()[name]
    about: dict[str, Any] = model.as_dict()
    assert model.purpose and model.licence and model.parameters and model.milliseconds
    assert model.bytes == model.manifest["files"][model.file.name]["bytes"]
    within, beyond = model.dice("in_distribution"), model.dice("out_of_distribution")
    assert within and beyond and 0.5 < min(beyond.mean, within.mean) < 1
    for estimate in (within, beyond):
        assert estimate.interval is None or estimate.interval[0] < estimate.mean
    assert about["data"] and all(source["licence"] for source in about["data"])
    assert (model.folder / "README.md").is_file()
