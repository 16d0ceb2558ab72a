"""`history.csv`: a row per epoch."""

import time
from collections.abc import Hashable
from typing import Any

import pandas as pd
import pytorch_lightning as pl

from humanseg.data.sampling import TimedLoader
from humanseg.io.tables import read_table, write_table
from humanseg.metrics.per_photo import MEANS
from humanseg.runs import RunFolder
from humanseg.training.callbacks.checkpoints import SOURCES, selected_score

SCORES = ("loss", *MEANS)
COLUMNS = (
    "epoch",
    "train_loss",
    *(f"val_{name}" for name in SCORES),
    "val_selection",
    "lr",
    "seconds",
    "images_per_second",
    "loader_wait",
)


class History(pl.Callback):
    """Write a row per epoch: losses, scores, rate, speed.

    `seconds` is the whole epoch, validation included; `images_per_second` is the speed of its
    training part, and `loader_wait` the share of that for which it was blocked on its loader.

    Parameters
    ----------
    run
        Where `history.csv` goes. The rows of an interrupted training are kept.
    """

    def __init__(self, run: RunFolder) -> None:
        self._run = run
        self.rows: list[dict[Hashable, Any]] = []
        self._start = 0.0
        self._seconds = 0.0
        self._photos = 0

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Read the rows of the finished epochs."""
        self.rows = []
        if self._run.history.exists():
            # As text, so that the rows are written again as they stand.
            done = read_table(self._run.history, ["epoch"])
            finished = done["epoch"].astype(int) <= trainer.current_epoch
            self.rows = done[finished].to_dict("records")

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Start the clock."""
        self._start, self._photos = time.perf_counter(), 0

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Count photos, and stop the clock at the last batch: what follows is validation."""
        self._photos += len(batch["id"]) * trainer.world_size
        self._seconds = time.perf_counter() - self._start

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Write the row."""
        metrics = trainer.callback_metrics
        loader = trainer.train_dataloader
        waited = loader.waited if isinstance(loader, TimedLoader) else 0.0
        row: dict[Hashable, Any] = {"epoch": trainer.current_epoch + 1}
        if "train/loss" in metrics:
            row["train_loss"] = f"{float(metrics['train/loss']):.6f}"
        for name in SCORES:
            if f"val/{name}" in metrics:
                row[f"val_{name}"] = f"{float(metrics[f'val/{name}']):.6f}"
        if SOURCES in metrics:
            row["val_selection"] = f"{selected_score(trainer):.6f}"
        row["lr"] = f"{max(group['lr'] for group in trainer.optimizers[0].param_groups):.3e}"
        row["seconds"] = f"{time.perf_counter() - self._start:.2f}"
        row["images_per_second"] = f"{self._photos / max(self._seconds, 1e-9):.2f}"
        row["loader_wait"] = f"{waited / max(self._seconds, 1e-9):.4f}"
        self.rows.append(row)
        if trainer.is_global_zero:
            # Where there are no further sources it is the Dice.
            has_sources = any("val_selection" in row for row in self.rows)
            columns = [name for name in COLUMNS if has_sources or name != "val_selection"]
            write_table(self._run.history, pd.DataFrame(self.rows, columns=columns))
