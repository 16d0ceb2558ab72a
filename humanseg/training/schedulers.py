"""Learning-rate schedules: torch's LambdaLR of our own curves, since torch's own cannot be resumed.

`OneCycleLR`, `CosineAnnealingLR` and `SequentialLR` keep their length in the checkpoint, so that a
run that is given more epochs ends in an error or at the wrong rate; a `LambdaLR` keeps its step
alone. `OneCycleLR` also divides by zero without a warm-up, and in a training of one step.
"""

import math
from dataclasses import dataclass
from typing import Any

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR, ReduceLROnPlateau

from humanseg.config.ranges import Inside, Share, Whole
from humanseg.training.callbacks.checkpoints import SELECTION


@dataclass(frozen=True)
class SchedulerRecipe:
    """A schedule that is a function of the share of steps that are done."""

    def factor(self, progress: float) -> float:
        """Share of the highest rate at `progress`, from 0 to 1."""
        raise NotImplementedError

    def __call__(self, optimizer: Optimizer, total_steps: int, batches_per_epoch: int) -> Any:
        """Make the scheduler, as Lightning takes it.

        Parameters
        ----------
        optimizer
            Its groups hold their highest rates.
        total_steps
            Optimizer steps of the whole training.
        batches_per_epoch
            Batches of an epoch; several of them make a step where gradients are accumulated.

        Returns
        -------
        dict
            Lightning's `lr_scheduler_config`. The scheduler steps with the optimizer, so that a
            checkpoint at the end of an epoch holds its whole state.
        """
        last = max(1, total_steps - 1)
        schedule = LambdaLR(optimizer, lambda step: self.factor(min(1.0, step / last)))
        return {"scheduler": schedule, "interval": "step"}


@dataclass(frozen=True)
class OneCycle(SchedulerRecipe):
    """Up and down again by half cosines, Smith and Topin 2018 (arXiv 1708.07120).

    Attributes
    ----------
    warmup_fraction
        Share of all steps that go up.
    start_factor, end_factor
        The rate at both ends, as a share of the highest.
    """

    warmup_fraction: Share = 0.25
    start_factor: Share = 0.04
    end_factor: Share = 1e-4

    def factor(self, progress: float) -> float:
        """Share of the highest rate at `progress`, from 0 to 1."""
        if progress < self.warmup_fraction:
            return _half_cosine(self.start_factor, 1.0, progress / self.warmup_fraction)
        return _descent(self.end_factor, progress, self.warmup_fraction)


@dataclass(frozen=True)
class Cosine(SchedulerRecipe):
    """Linear warm-up, then a half cosine, Loshchilov and Hutter 2017 (arXiv 1608.03983).

    Attributes
    ----------
    warmup_fraction
        Share of all steps that go up, from 0.
    end_factor
        The last rate, as a share of the highest.
    """

    warmup_fraction: Share = 0.05
    end_factor: Share = 0.0

    def factor(self, progress: float) -> float:
        """Share of the highest rate at `progress`, from 0 to 1."""
        if progress < self.warmup_fraction:
            # A first step at rate 0 would be a step wasted.
            return max(0.01, progress / self.warmup_fraction)
        return _descent(self.end_factor, progress, self.warmup_fraction)


@dataclass(frozen=True)
class Constant(SchedulerRecipe):
    """The highest rate from the first step to the last."""

    def factor(self, progress: float) -> float:
        """Share of the highest rate at `progress`: all of it."""
        return 1.0


@dataclass(frozen=True)
class Plateau:
    """Lower the rate when the score that chooses the checkpoint no longer rises.

    Attributes
    ----------
    factor
        What the rate is multiplied by.
    patience
        Epochs without a better score before it is.
    """

    factor: Inside = 0.5
    patience: Whole = 3

    def __call__(self, optimizer: Optimizer, total_steps: int, batches_per_epoch: int) -> Any:
        """Make the scheduler, as Lightning takes it; see `SchedulerRecipe`."""
        schedule = ReduceLROnPlateau(
            optimizer, mode="max", factor=self.factor, patience=self.patience
        )
        # Counted in batches: Lightning steps these before the end of the epoch, those counted in
        # epochs only after the checkpoint of the epoch has been written.
        return {
            "scheduler": schedule,
            "interval": "step",
            "frequency": batches_per_epoch,
            "monitor": SELECTION,
            "reduce_on_plateau": True,
        }


def _descent(end: float, progress: float, warmup: float) -> float:
    """Share of the highest rate at `progress`, after the warm-up."""
    return _half_cosine(1.0, end, (progress - warmup) / max(1e-9, 1 - warmup))


def _half_cosine(start: float, end: float, share: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * share)) / 2
