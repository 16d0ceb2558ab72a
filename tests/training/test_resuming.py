"""A run continues with other settings, and says so."""

import csv
from collections.abc import Callable
from pathlib import Path

import pytest
import pytorch_lightning as pl
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from humanseg.cli.main import main
from humanseg.errors import HumansegError
from humanseg.runs import RunFolder, read_summary
from humanseg.runs.record import read_history
from humanseg.training.train import train

Train = Callable[..., RunFolder]


def rates(run: RunFolder) -> list[float]:
    with run.history.open(newline="") as file:
        return [float(row["lr"]) for row in csv.DictReader(file)]


def test_other_batches_keep_the_schedule_of_the_epochs(
    train_run: Train, resume_run: Train, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = ("scheduler=cosine", "data.batch_size=1", "trainer.limit_train_batches=1.0")
    whole = train_run(tmp_path / "whole", *made, "trainer.max_epochs=4")
    parts = train_run(tmp_path / "parts", *made, "trainer.max_epochs=2")
    capsys.readouterr()
    # Twice the batch, half the steps: after two of four epochs it is in the middle all the same.
    resume_run(parts.path, "trainer.max_epochs=4", "data.batch_size=2")
    said = capsys.readouterr().out
    assert "data.batch_size 1 → 2" in said and "not that of a run" in said
    assert rates(whole)[3] < rates(parts)[2] < rates(whole)[1]
    summary = read_summary(parts.summary)
    assert summary["resumed"] == [
        {
            "after_epoch": 2,
            "changed": {"data.batch_size": [1, 2], "trainer.max_epochs": [2, 4]},
        }
    ]
    # Where nothing is left to train, the run is what it was.
    resume_run(parts.path, "data.workers=0", "data.batch_size=3", "callbacks=[early_stopping]")
    idle = read_summary(parts.summary)
    assert idle["resumed"] == summary["resumed"]
    assert idle["overrides"] == [*summary["overrides"], "data.workers=0"]
    config = OmegaConf.load(parts.config)
    assert (config.data.batch_size, config.data.workers) == (2, 0)
    assert "early_stopping" not in config.callbacks


class Killed(pl.Callback):
    """Kills a training in its third epoch of three batches."""

    def on_train_batch_end(self, trainer: pl.Trainer, *_: object) -> None:
        if trainer.global_step == 7:
            raise RuntimeError("killed")


def test_a_run_that_ends_by_steps_is_resumed(
    compose: Callable[..., DictConfig], train_run: Train, resume_run: Train, tmp_path: Path
) -> None:
    whole_epochs = ("trainer.limit_train_batches=1.0", "trainer.limit_val_batches=1.0")
    steps = ("trainer.max_epochs=null", "++trainer.max_steps=9", *whole_epochs)
    whole = train_run(tmp_path / "whole", *steps)
    with pytest.raises(RuntimeError, match="killed"):
        train(compose(f"run_dir={tmp_path / 'parts'}", *steps), [Killed()])
    parts = resume_run(tmp_path / "parts")
    expected, resumed = (read_history(run.history) for run in (whole, parts))
    same = ["epoch", "train_loss", "val_loss", "val_dice", "lr"]
    assert len(resumed) == 3 and expected[same].equals(resumed[same])
    # Finished, by steps that end within an epoch: more of them begin the next one.
    for more, epochs in ((10, 4), (12, 5)):
        resume_run(parts.path, f"++trainer.max_steps={more}")
        assert read_history(parts.history)["epoch"].tolist() == list(range(1, epochs + 1))
    assert read_summary(parts.summary)["status"] == "finished"


def test_more_patience_wakes_a_run_that_had_stopped(
    train_run: Train, resume_run: Train, tmp_path: Path
) -> None:
    run = train_run(
        tmp_path / "run",
        "callbacks=[early_stopping]",
        "callbacks.early_stopping.patience=1",
        # No epoch is better than the one before by as much as that.
        "callbacks.early_stopping.min_delta=1.0",
        "trainer.max_epochs=6",
    )
    assert len(rates(run)) == 2
    resume_run(run.path)
    assert len(rates(run)) == 2
    resume_run(run.path, "++callbacks.early_stopping.patience=3")
    assert len(rates(run)) == 4
    resume_run(run.path, "callbacks=[none]")
    assert len(rates(run)) == 6


def test_settings_that_the_defaults_lack_are_changed_by_their_keys(
    trained: RunFolder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = []

    def read_request(config: DictConfig) -> None:
        asked.append(config)
        raise HumansegError("enough")

    monkeypatch.setattr("humanseg.training.preflight.paths.require_paths", lambda _: None)
    monkeypatch.setattr("humanseg.training.request.read_request", read_request)
    patience, resumed = "callbacks.early_stopping.patience=2", f"resume={trained.path}"
    for words in ([resumed, patience], [patience, resumed]):
        assert main(["train", *words]) == 2
        assert asked.pop().callbacks.early_stopping.patience == 2
    assert main(["train", patience]) == 2 and not asked
    assert "early_stopping" in capsys.readouterr().err
    # Nothing of a command line is left for the next training of this process.
    assert not HydraConfig.initialized()
