"""A bar within the epoch, and a line per epoch.

Ours, since Lightning's bars leave nothing behind where there is no terminal, and read the loss at
each step, which is to wait for the GPU.
"""

import time
from typing import Any

import pytorch_lightning as pl
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from humanseg.pages.render import duration
from humanseg.system.terminal import console
from humanseg.training.callbacks.checkpoints import SOURCES, Checkpoints, selected_score
from humanseg.training.callbacks.history import History

REFRESH = 0.5
"""Seconds between two updates of the bar."""


class EpochProgress(pl.Callback):
    """A bar within the epoch on a terminal, and a line per epoch everywhere.

    Parameters
    ----------
    history
        Has the epoch's row when the epoch ends: this callback comes after it.
    checkpoints
        Knows which epoch is the best so far.
    """

    def __init__(self, history: History, checkpoints: Checkpoints) -> None:
        self._history = history
        self._checkpoints = checkpoints
        self._bar: Progress | None = None
        self._task: TaskID | None = None
        self._start = self._moved = 0.0
        self._first_epoch = 0

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Start the clock of the whole training."""
        self._start, self._first_epoch = time.perf_counter(), trainer.current_epoch

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Show the bar of the epoch."""
        if not (console.is_terminal and trainer.is_global_zero):
            return
        self._bar = Progress(
            TextColumn("epoch {task.fields[epoch]}"),
            BarColumn(),
            TextColumn("{task.completed}/{task.total} batches, loss {task.fields[loss]}"),
            TimeElapsedColumn(),
            console=console,
            transient=True,
        )
        self._task = self._bar.add_task(
            "",
            total=int(trainer.num_training_batches),
            epoch=_epoch(trainer),
            loss="…",
        )
        self._bar.start()

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Update the bar, now and then."""
        now = time.perf_counter()
        if self._bar is not None and self._task is not None and now - self._moved >= REFRESH:
            self._moved = now
            loss = "…"
            if isinstance(outputs, dict):
                # Lightning has divided it by the batches that make a step.
                loss = f"{float(outputs['loss']) * trainer.accumulate_grad_batches:.4f}"
            self._bar.update(self._task, completed=batch_idx + 1, loss=loss)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Print the line of the epoch."""
        self._stop()
        if not (trainer.is_global_zero and self._history.rows):
            return
        row = self._history.rows[-1]
        done = trainer.current_epoch + 1 - self._first_epoch
        remaining = (time.perf_counter() - self._start) / done * _epochs_left(trainer)
        dice = float(row.get("val_dice", "nan"))
        # This callback runs before the checkpoint is chosen.
        mark = "  best" if selected_score(trainer) > self._checkpoints.best_dice else ""
        sources = trainer.callback_metrics.get(SOURCES)
        others = "" if sources is None else f"  of other sources {float(sources):.4f}"
        console.print(
            f"epoch {_epoch(trainer)}  "
            f"loss {float(row.get('train_loss', 'nan')):.4f}  dice {dice:.4f}{others}  "
            f"{float(row['images_per_second']):.1f} photos/s  {duration(remaining)} left{mark}",
        )

    def on_exception(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException
    ) -> None:
        """Remove the bar from the terminal."""
        self._stop()

    def _stop(self) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None


def _epoch(trainer: pl.Trainer) -> str:
    """Return which epoch of how many this is; and the steps, where these end the training."""
    epoch = trainer.current_epoch + 1
    if trainer.max_steps > 0:
        return f"{epoch}, step {trainer.global_step}/{trainer.max_steps}"
    return f"{epoch}/{trainer.max_epochs}"


def _epochs_left(trainer: pl.Trainer) -> float:
    """Return the number of epochs to come, fractions included."""
    remaining = []
    if trainer.max_epochs not in (None, -1):
        remaining.append(float(trainer.max_epochs or 0) - trainer.current_epoch - 1)
    if trainer.max_steps > 0:
        done = max(1, trainer.global_step)
        remaining.append((trainer.max_steps - done) / done * (trainer.current_epoch + 1))
    return max(0.0, min(remaining, default=0.0))
