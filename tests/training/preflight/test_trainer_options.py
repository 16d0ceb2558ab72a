"""Lightning's own options: taken, or refused before the first step."""

import inspect
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl

from humanseg.config.checking.check import RUNTIME
from humanseg.errors import HumansegError
from humanseg.runs import read_summary
from humanseg.runs.record import read_history
from humanseg.training.preflight.trainer_options import (
    REFUSED,
    TAKEN,
    known_words,
    require_batches,
    require_options,
)
from tests.training.conftest import Train

FINE = {"max_epochs": 2}


def test_every_option_of_lightning_is_thought_of() -> None:
    options = set(inspect.signature(pl.Trainer).parameters)
    assert options == TAKEN | REFUSED.keys() | set(RUNTIME["trainer"])
    assert not TAKEN & REFUSED.keys()


@pytest.mark.parametrize(
    "options",
    [
        {"fast_dev_run": True},
        {"fast_dev_run": 3},
        {"overfit_batches": 1},
        {"overfit_batches": 0.1},
        {"check_val_every_n_epoch": 2},
        {"check_val_every_n_epoch": None},
        {"val_check_interval": 0.5},
        {"val_check_interval": 1},
        {"limit_train_batches": 0},
        {"limit_val_batches": 0.0},
        {"limit_val_batches": 1.5},
        {"limit_predict_batches": 1},
        {"enable_checkpointing": False},
        {"barebones": True},
        {"max_epochs": None},
        {"max_epochs": -1},
        {"max_epochs": None, "max_time": "00:00:01:00"},
        {"min_epochs": 3},
    ],
    ids=str,
)
def test_what_a_run_cannot_do_is_refused_by_its_name(options: dict[str, Any]) -> None:
    with pytest.raises(HumansegError, match=rf"trainer\.{next(iter(options))}"):
        require_options(FINE | options)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"fast_dev_run": False, "val_check_interval": 1.0, "check_val_every_n_epoch": 1},
        {"max_epochs": None, "max_steps": 4},
        {"max_epochs": -1, "max_steps": 4},
        {"limit_train_batches": 1, "limit_val_batches": 0.5},
        {"min_epochs": 2},
    ],
    ids=str,
)
def test_what_a_run_can_do_is_taken(options: dict[str, Any]) -> None:
    require_options(FINE | options)


def test_a_share_of_the_batches_that_is_none_is_refused() -> None:
    require_batches({"limit_train_batches": 0.5, "limit_val_batches": 1}, 2, 1)
    with pytest.raises(HumansegError, match=r"limit_val_batches=0\.3 of 2 batches is none"):
        require_batches({"limit_val_batches": 0.3}, 10, 2)


def test_options_of_lightning_need_no_plus_sign() -> None:
    words = ["trainer.max_steps=3", "+trainer.max_time=1", "trainer.max_stepps=3", "trainer=cpu"]
    assert known_words(words) == ["++trainer.max_steps=3", *words[1:]]


def test_steps_may_end_a_training_within_an_epoch(tmp_path: Path, train_run: Train) -> None:
    # Three batches an epoch.
    limits = ("++trainer.limit_train_batches=1.0", "++trainer.limit_val_batches=1.0")
    run = train_run(tmp_path / "run", *limits, "trainer.max_epochs=null", "++trainer.max_steps=4")
    history = read_history(run.history)
    assert len(history) == 2
    # The weights after the last step have been scored.
    assert history["val_loss"].is_unique
    assert read_summary(run.summary)["epochs"] == 2


@pytest.mark.parametrize(
    ("overrides", "reason"),
    [
        (
            [
                "callbacks=[early_stopping]",
                "callbacks.early_stopping.patience=1",
                "callbacks.early_stopping.min_delta=0.9",
            ],
            "after epoch 2 by early stopping: val/selection",
        ),
        (
            # Of the first epoch too.
            ["callbacks=[early_stopping]", "+callbacks.early_stopping.stopping_threshold=0.01"],
            "after epoch 1 by early stopping: Stopping threshold reached: val/selection = ",
        ),
        (["++trainer.max_time=00:00:00:01"], "by trainer.max_time"),
        ([], None),
    ],
)
def test_a_training_says_why_it_ended_early(
    tmp_path: Path,
    train_run: Train,
    capsys: pytest.CaptureFixture[str],
    overrides: list[str],
    reason: str | None,
) -> None:
    epochs = "trainer.max_epochs=200" if reason else "trainer.max_epochs=1"
    run = train_run(tmp_path / "run", *overrides, epochs)
    stopped = read_summary(run.summary)["stopped"]
    said = [line for line in capsys.readouterr().out.splitlines() if line.startswith("stopped")]
    if reason is None:
        assert stopped is None and not said
    else:
        assert reason in stopped and len(said) == 1 and reason in said[0]
