"""The bar within an epoch."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from rich.progress import Progress

from humanseg.runs import RunFolder
from humanseg.training.callbacks.checkpoints import Checkpoints
from humanseg.training.callbacks.history import History
from humanseg.training.callbacks.progress import EpochProgress


def test_the_loss_is_that_of_a_batch_also_where_several_make_a_step(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    progress = EpochProgress(History(run), Checkpoints(run))
    progress._bar = Progress(disable=True)
    progress._task = progress._bar.add_task("", loss="")
    # Lightning divides the loss of 0.8 by the four batches of a step.
    trainer: Any = SimpleNamespace(accumulate_grad_batches=4)
    outputs = {"loss": torch.tensor(0.2)}
    progress.on_train_batch_end(trainer, pl.LightningModule(), outputs, {}, 0)
    assert progress._bar.tasks[0].fields["loss"] == "0.8000"


def test_only_the_first_of_several_processes_prints(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = RunFolder(tmp_path)
    history = History(run)
    history.rows = [{"epoch": 1, "val_dice": "0.5", "train_loss": "0.1", "images_per_second": "9"}]
    for is_first in (False, True):
        trainer: Any = SimpleNamespace(
            is_global_zero=is_first,
            current_epoch=0,
            callback_metrics={},
            max_epochs=3,
            max_steps=-1,
        )
        EpochProgress(history, Checkpoints(run)).on_train_epoch_end(trainer, pl.LightningModule())
        assert ("epoch 1/3" in capsys.readouterr().out) == is_first
