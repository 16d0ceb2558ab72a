"""Early stopping across a resume: a run that had stopped early stays stopped."""

from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks.early_stopping import EarlyStopping, EarlyStoppingReason


class ResumeEarlyStopping(pl.Callback):
    """Keep a resumed training stopped if early stopping had stopped it.

    A run that is killed after its last epoch, while its files are written, must not train more
    when it is resumed: Lightning keeps what early stopping counted, but not that it stopped.
    Where a person now asks for more epochs than before, it trains on, and early stopping counts
    from 0 again; where for more patience than has run out, it counts on.
    """

    def __init__(self) -> None:
        self._before: int | None = None
        self._now: int | None = None
        self._patience: list[int] = []

    @property
    def state_key(self) -> str:
        """The name that checkpoints have it by, of whichever version."""
        return "StayStopped"

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Store the current settings, before a checkpoint restores the earlier ones."""
        self._now = trainer.max_epochs
        self._patience = [callback.patience for callback in trainer.early_stopping_callbacks]

    def state_dict(self) -> dict[str, Any]:
        """Return what a resumed training must know."""
        return {"max_epochs": self._now}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Load what an interrupted training saved."""
        self._before = state_dict["max_epochs"]

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Stop again, or restart the counting."""
        if self._before is None:
            return
        more = self._now is None or self._now == -1 or self._now > self._before >= 0
        for callback, patience in zip(
            trainer.early_stopping_callbacks, self._patience, strict=True
        ):
            longer, callback.patience = patience > callback.patience, patience
            if more:
                callback.wait_count = 0
            if more or (longer and callback.wait_count < patience):
                callback.stopping_reason = EarlyStoppingReason.NOT_STOPPED
            elif has_stopped(callback):
                trainer.should_stop = True


def has_stopped(callback: EarlyStopping) -> bool:
    """Return whether early stopping has ended a training."""
    return callback.stopping_reason != EarlyStoppingReason.NOT_STOPPED
