"""Keeps the position in the learning-rate schedule when the batches of a resumed run change."""

from typing import Any

import pytorch_lightning as pl
from torch.optim.lr_scheduler import LambdaLR


class ResumedSchedule(pl.Callback):
    """Count the steps of a schedule again where an epoch has more or fewer of them than before.

    A schedule is a share of all steps, and its checkpoint has a number of steps: after half of the
    epochs it continues in its middle, whatever the batches are now.
    """

    def __init__(self) -> None:
        self._before: float | None = None
        self._now: float = 0.0

    def state_dict(self) -> dict[str, Any]:
        """Return what a resumed training must know."""
        return {"steps_per_epoch": self._now}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Load what an interrupted training saved."""
        self._before = state_dict["steps_per_epoch"]

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Find out how many steps an epoch has, and move the schedule to where it belongs."""
        self._now = -(-trainer.num_training_batches // trainer.accumulate_grad_batches)
        by_epochs = trainer.max_steps == -1 and (trainer.max_epochs or -1) > 0
        if self._before in (None, self._now) or not by_epochs:
            return
        for config in trainer.lr_scheduler_configs:
            schedule = config.scheduler
            if isinstance(schedule, LambdaLR) and config.interval == "step":
                schedule.last_epoch = round(trainer.current_epoch * self._now) - 1
                schedule.step()
