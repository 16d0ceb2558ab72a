"""The functions of `import humanseg`."""

import inspect
import os
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra

import humanseg
from humanseg.config.command_line.overrides import to_override
from humanseg.config.find import conf_folder
from humanseg.errors import HumansegError
from humanseg.inference.catalog import bundled_models
from humanseg.io.images import read_mask
from tests.conftest import SMALLEST

FUNCTIONS = [getattr(humanseg, name) for name in humanseg.__all__ if name != "__version__"]


@pytest.fixture(scope="module")
def run(sample_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The result of a tiny training, shared: read only."""
    folder = tmp_path_factory.mktemp("api") / "first run"
    return humanseg.train(*SMALLEST, data=sample_root, run_dir=folder, seed=3)


def test_a_training_returns_its_folder_and_its_scores(run: Any) -> None:
    assert run.path.name == "first run" and (run.path / "pred_valid.csv").is_file()
    assert run.summary["status"] == "finished" and run.summary["seed"] == 3
    assert run.scores["dice"] == run.dice == run.summary["dice"]
    assert 0 <= run.dice <= 1


def test_a_run_knows_its_photos_its_interval_and_its_files(run: Any) -> None:
    assert list(run.per_photo["id"]) == ["6", "7", "8"]
    assert run.per_photo["dice"].mean() == pytest.approx(run.dice)
    low, high = run.interval
    assert 0 <= low <= run.dice <= high <= 1
    assert run.files.best.is_file() and run.files.submission.parent == run.path
    # Tiny trainings of tests leave it out.
    assert run.model is None
    # It is taken for its folder.
    assert humanseg.evaluate(run).model == run.path


def test_a_run_goes_on(run: Any) -> None:
    # Nothing is left to train.
    again = humanseg.train(f"resume={run.path}")
    assert again is not None
    assert (again.path, again.dice) == (run.path, run.dice)


def test_a_program_that_uses_hydra_itself_goes_on_with_it() -> None:
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(conf_folder()), version_base="1.3"):
        assert humanseg.train("--cfg", "job", data="photos") is None
        assert compose("train", ["seed=3"]).seed == 3


def test_a_flag_that_trains_nothing_returns_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert humanseg.train("--cfg", "job", model="pspnet") is None
    assert "humanseg.models.PSPNet" in capsys.readouterr().out


def test_a_wrong_setting_is_an_error_that_says_what_is_wrong(sample_root: Path) -> None:
    with pytest.raises(HumansegError, match="there is no such model, did you mean unet"):
        humanseg.train(data=sample_root, model="unett")


def test_a_run_is_evaluated_as_it_was_when_it_was_trained(run: Any) -> None:
    progress: list[tuple[int, int]] = []
    evaluation = humanseg.evaluate(run.path, on_progress=lambda *done: progress.append(done))
    assert evaluation.scores["dice"] == pytest.approx(run.dice, abs=1e-6)
    assert len(evaluation.per_photo) == 3 and progress[-1] == (3, 3)


def test_a_split_that_is_none_is_not_advised_as_a_folder(tmp_path: Path) -> None:
    with pytest.raises(HumansegError, match="there are train, valid and test"):
        humanseg.evaluate("tiny", tmp_path, "val")  # type: ignore[arg-type]


def test_a_run_is_exported_and_used(run: Any, sample_root: Path, tmp_path: Path) -> None:
    folder = humanseg.export(run.path, tmp_path / "export", ["onnx"])
    assert folder == tmp_path / "export"
    # A second time: the name of the function must not be that of a module by now.
    with pytest.raises(HumansegError):
        humanseg.export(run.path, folder, ["onnx"])
    photo = next((sample_root / "test").iterdir())
    mask = humanseg.load(folder)(photo)
    assert mask.shape == (64, 48) and mask.dtype == np.uint8
    predictions = humanseg.predict(photo, tmp_path / "out", model=folder)
    assert predictions.paths == [tmp_path / "out" / f"{photo.stem}_mask.png"]
    assert np.array_equal(read_mask(predictions.paths[0]), mask)


@pytest.mark.parametrize("formats", ["int8", "int8, int8"])
def test_a_text_of_formats_is_not_its_letters(formats: str, tmp_path: Path) -> None:
    # Formats are read before the model is looked at: letters would be unknown formats.
    with pytest.raises(HumansegError, match="is exported already"):
        humanseg.export("tiny", tmp_path / "export", formats)


@pytest.mark.parametrize(("file", "text"), [("manifest.json", "{"), ("model.int8.onnx", "cut off")])
def test_an_export_that_is_broken_is_not_copied(file: str, text: str, tmp_path: Path) -> None:
    source = shutil.copytree(bundled_models()["tiny"].folder, tmp_path / "source")
    (source / file).write_text(text)
    with pytest.raises(HumansegError, match="export it again"):
        humanseg.export(source, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_folder_is_predicted_and_what_is_broken_is_named(
    sample_root: Path, tmp_path: Path
) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    for path in sorted((sample_root / "test").iterdir()):
        (photos / path.name).write_bytes(path.read_bytes())
    (photos / "broken.jpg").write_bytes(b"no photo")
    (photos / "notes.txt").touch()
    progress: list[tuple[int, int]] = []
    made = humanseg.predict(
        [photos],
        tmp_path / "out",
        save=["mask", "cutout"],
        background="white",
        on_progress=lambda *done: progress.append(done),
    )
    assert len(made.outcomes) == 3 and progress[-1] == (3, 3)
    assert len(made.paths) == 6 and all(path.is_file() for path in made.paths)
    assert [failure.path.name for failure in made.failures] == ["broken.jpg"]
    assert made.left_out == {".txt": 1}


@pytest.mark.parametrize("kind", ["path", "colour"])
def test_a_background_is_what_composite_takes(kind: str, sample_root: Path, tmp_path: Path) -> None:
    photo = next((sample_root / "test").iterdir())
    background: Any = photo if kind == "path" else (255, 0, 0)
    made = humanseg.predict(photo, tmp_path, model="tiny", background=background)
    assert made.paths == [tmp_path / f"{photo.stem}_background.jpg"] and not made.failures


def test_options_may_be_numbers_of_numpy(sample_root: Path, tmp_path: Path) -> None:
    photo = next((sample_root / "test").iterdir())
    options: Any = {"threshold": np.float32(0.4), "min_area": np.float32(0.1), "tta": np.True_}
    made = humanseg.predict(photo, tmp_path, model="tiny", **options)
    assert not made.failures and made.paths[0].is_file()


def test_the_only_result_may_have_a_file_of_its_own(sample_root: Path, tmp_path: Path) -> None:
    photos = sorted((sample_root / "test").iterdir())
    file = tmp_path / "mask.png"
    assert humanseg.predict(photos[0], file, model="tiny").paths == [file] and file.is_file()
    with pytest.raises(HumansegError, match="mask.png is for one result, and there are 2 photos"):
        humanseg.predict(photos[:2], file, model="tiny")
    with pytest.raises(HumansegError, match="jpg holds no transparency"):
        humanseg.predict(photos[0], tmp_path / "cut.jpg", model="tiny", save=["cutout"])
    assert os.listdir(tmp_path) == ["mask.png"]


def test_a_pipe_is_predicted_and_leaves_no_copy(sample_root: Path, tmp_path: Path) -> None:
    photo = next((sample_root / "test").iterdir()).read_bytes()
    pipe, out = tmp_path / "pipe", tmp_path / "out"
    os.mkfifo(pipe)
    threading.Thread(target=pipe.write_bytes, args=(photo,), daemon=True).start()
    assert humanseg.predict(pipe, out, model="tiny").paths == [out / "pipe_mask.png"]
    assert list(out.iterdir()) == [out / "pipe_mask.png"]


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"paths": "nowhere"}, None),
        ({"paths": "-"}, "inference.no_input"),
        ({"paths": []}, "inference.no_input"),
        ({"paths": ""}, "inference.no_input"),
        ({"paths": ".", "out": ""}, "api.empty_path"),
        ({"paths": ".", "model": ""}, "inference.missing_model"),
        ({"paths": ".", "save": ["masks"]}, "inference.unknown_output"),
        ({"paths": ".", "save": ["background"]}, "inference.unknown_output"),
        ({"paths": ".", "background": ""}, "inference.bad_background"),
        # A text is one kind, not its letters.
        ({"paths": ".", "save": "cutout"}, "inference.no_input"),
        *(
            ({"paths": ".", name: value}, "inference.out_of_range")
            for name, value in (
                *(("threshold", 0), ("threshold", 50), ("min_area", 1)),
                *(("temporal_smoothing", 1), ("threads", -1), ("threads", 0)),
                *(("threshold", "half"), ("threads", 1.5)),
            )
        ),
    ],
)
def test_predicting_nothing_is_an_error(
    options: dict[str, Any], code: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(HumansegError) as caught:
        humanseg.predict(**options)
    assert code is None or caught.value.code == code
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("function", "options", "code"),
    [
        (humanseg.evaluate, {"model": "tiny", "threshold": 1.5}, "inference.out_of_range"),
        (humanseg.evaluate, {"model": ""}, "api.empty_path"),
        (humanseg.evaluate, {"model": "tiny", "data": ""}, "api.empty_path"),
        (humanseg.export, {"run": "tiny", "max_drop": 1}, "inference.out_of_range"),
        (humanseg.export, {"run": "tiny", "out": ""}, "api.empty_path"),
    ],
)
def test_an_option_that_cannot_be_meant_is_refused(
    function: Callable[..., Any],
    options: dict[str, Any],
    code: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(HumansegError) as caught:
        function(**options)
    assert caught.value.code == code
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("value", "word"),
    [
        ("unet", "k=unet"),
        ("runs/a b", "k='runs/a b'"),
        ("true", "k='true'"),
        ("1e-3", "k='1e-3'"),
        (1e-3, "k=0.001"),
        (True, "k=true"),
        (None, "k=null"),
        (["csv", "wandb"], "k=[csv,wandb]"),
        ([16, 32], "k=[16,32]"),
        ({"a": 1}, "k={a: 1}"),
        (Path("it's"), r"k='it\'s'"),
    ],
)
def test_a_value_of_python_reaches_the_config_as_it_is(value: Any, word: str) -> None:
    from hydra.core.override_parser.overrides_parser import OverridesParser

    assert to_override("k", value) == word
    read = OverridesParser.create().parse_override(word).value()
    assert read == (str(value) if isinstance(value, Path) else value)


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.__name__)
def test_a_function_says_what_it_takes_and_returns(function: Callable[..., Any]) -> None:
    text = function.__doc__ or ""
    assert all(f"\n    {part}\n    ----" in text for part in ("Parameters", "Returns", "Raises"))
    for name in inspect.signature(function).parameters:
        assert name in text, name
