"""An exponential moving average of the weights."""

from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import WeightAveraging

from humanseg.config.ranges import Share


class EMA(WeightAveraging):
    """Validate, and choose the checkpoint, with averaged weights.

    The average follows the weights closely at first: after n steps its decay is at most
    (1+n)/(10+n), as in TensorFlow's ExponentialMovingAverage, so that a short training does not
    end on an average of its first steps. A checkpoint's `state_dict` is the average; the weights
    that are trained lie beside it, for a resume.

    Parameters
    ----------
    decay
        Share of the average that is kept at each step, later on. 1: all of it, so that the run
        ends as it began, such as on the mean of the weights of several runs (`init_from`).
    """

    def __init__(self, decay: Share = 0.998) -> None:
        super().__init__(use_buffers=True, multi_avg_fn=self._average)
        self._decay = decay

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Make the average on the device of the training.

        The module is still on the CPU here, and Lightning would leave the average there: a GPU
        would then send it all weights at every step, one by one.
        """
        self._device = trainer.strategy.root_device
        super().setup(trainer, pl_module, stage)
        if self._average_model is not None:
            # On the CPU: it is read at each step, and to read from a GPU is to wait for it.
            self._average_model.n_averaged = torch.tensor(0)

    def should_update(self, step_idx: int | None = None, epoch_idx: int | None = None) -> bool:
        """Return whether the average moves, which it does after steps."""
        # The first update would take the weights as they are, whatever the decay.
        return self._decay < 1 and step_idx is not None

    def _average(self, averages: Any, weights: Any, _: torch.Tensor | int) -> None:
        """Move averages of one dtype toward the weights."""
        assert self._average_model is not None
        if not averages[0].is_floating_point():
            torch._foreach_copy_(averages, weights)
            return
        done = int(self._average_model.n_averaged)
        decay = min(self._decay, (1 + done) / (10 + done))
        torch._foreach_lerp_(averages, weights, 1 - decay)

    def on_load_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Load average and weights, in a resumed training alone."""
        if self._average_model is not None:
            super().on_load_checkpoint(trainer, pl_module, checkpoint)
