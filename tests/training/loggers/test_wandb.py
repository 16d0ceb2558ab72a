"""The wandb logger by itself."""

import multiprocessing
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from humanseg.evaluation.prediction_table import ExamplePrediction
from humanseg.runs import RunFolder
from humanseg.runs.wandb import wandb_logs
from humanseg.training.loggers import WandbRun
from humanseg.training.loggers.wandb import files_of
from tests.training.loggers.conftest import summary_of


def test_a_training_survives_its_log(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def fail(row: Any) -> None:
        raise ConnectionError("the service is gone")

    logger = WandbRun(str(tmp_path))
    logger._run = SimpleNamespace(log=fail)
    logger.log_metrics({"val/dice": 0.5}, 1)
    logger.log_metrics({"val/dice": 0.6}, 2)
    assert capsys.readouterr().err.count("the service is gone") == 1


def test_a_user_without_a_home_folder_can_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def home() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setenv("HOME", "/mine")
    logger = WandbRun(str(tmp_path))
    homes: list[str] = []
    logger._run = SimpleNamespace(log=lambda row: homes.append(os.environ["HOME"]))
    logger.log_metrics({"val/dice": 0.5}, 1)
    monkeypatch.setattr(Path, "home", home)
    logger.log_metrics({"val/dice": 0.6}, 2)
    assert homes == ["/mine", str(tmp_path / "wandb")]


def test_an_upload_that_does_not_end_is_left_to_wandb_sync(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "wandb/run-20300101_000000-x/run-x.wandb"
    log.parent.mkdir(parents=True)
    log.touch()
    logger = WandbRun(str(tmp_path), mode="online")
    ends: list[int] = []
    logger._run = SimpleNamespace(
        summary=SimpleNamespace(update=lambda values: None),
        finish=lambda exit_code: ends.append(exit_code),
        _finish_timed_out=True,
    )
    logger.close(RunFolder(tmp_path), failed=True)
    assert ends == [1] and f"wandb sync {log.parent}\n" in capsys.readouterr().out


def test_the_artifact_holds_the_files_of_a_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANDB_DATA_DIR", str(tmp_path / "staging"))
    monkeypatch.setenv("WANDB_CACHE_DIR", str(tmp_path / "cache"))
    run = RunFolder(tmp_path / "run")
    names = ["config.yaml", "checkpoints/best.ckpt", "test.html", "test/1_img.jpg"]
    names.append("scores_extra.csv")
    for name in [*names, "checkpoints/last.ckpt", "logs/x", "wandb/x", ".lock"]:
        path = run.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    assert sorted(files_of(run, "abc").manifest.entries) == sorted(names)
    assert not (tmp_path / "cache").exists()


def log_from_afar(logger: WandbRun) -> None:
    logger.log_metrics({"val/dice": 0.75}, 7)


@pytest.mark.slow
def test_a_spawned_process_logs_into_the_same_run(tmp_path: Path) -> None:
    logger, run = WandbRun(str(tmp_path)), RunFolder(tmp_path)
    picture = np.zeros((8, 8, 3), np.uint8)
    logger.log_hyperparams({"seed": 0})
    process = multiprocessing.get_context("spawn").Process(target=log_from_afar, args=(logger,))
    process.start()
    process.join()
    assert process.exitcode == 0
    # A name that is not Unicode comes through too.
    mask = picture[..., 0]
    logger.log_samples([ExamplePrediction("\udcff", 1.0, picture, mask, mask, "worst")])
    logger.close(run, failed=False)
    (file,) = wandb_logs(RunFolder(tmp_path))
    back = summary_of(file)
    assert back["summary"]["val/dice"]["max"] == 0.75 and back["state"] == "finished"
    assert back["summary"]["predictions"]["nrows"] == 1
