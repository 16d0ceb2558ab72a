"""An exponential moving average of the weights."""

from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import WeightAveraging

from humanseg.errors import HumansegError


class EMA(WeightAveraging):
    """Validate, and choose the checkpoint, with averaged weights.

    The average follows the weights closely at first: after n steps its decay is at most
    (1+n)/(10+n), as in TensorFlow's ExponentialMovingAverage, so that a short training does not
    end on an average of its first steps. A checkpoint's `state_dict` is the average; the weights
    that are trained lie beside it, for a resume.

    Parameters
    ----------
    decay
        Share of the average that is kept at each step, later on; in [0, 1).

    Raises
    ------
    HumansegError
        `decay` is out of range.
    """

    def __init__(self, decay: float = 0.998) -> None:
        if not 0 <= decay < 1:
            raise HumansegError(f"callbacks.ema.decay lies from 0 to below 1, not at {decay}.")
        super().__init__(use_buffers=True, avg_fn=self._average)
        self._decay = decay

    def _average(
        self, average: torch.Tensor, current: torch.Tensor, updates: int | torch.Tensor
    ) -> torch.Tensor:
        if not torch.is_floating_point(average):
            return current
        done = float(updates)
        decay = min(self._decay, (1 + done) / (10 + done))
        return average.lerp(current.to(average.dtype), 1 - decay)

    def on_load_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Take up average and weights again, in a resumed training alone."""
        if self._average_model is not None:
            super().on_load_checkpoint(trainer, pl_module, checkpoint)
