"""Learning-rate schedules, each a share of the highest rate as a function of progress."""

import math
from dataclasses import dataclass
from typing import Any

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR, ReduceLROnPlateau

from humanseg.training.preflight.options import require_option


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
            Optimiser steps of the whole training.
        batches_per_epoch
            Batches of an epoch; several of them make a step where gradients are accumulated.

        Returns
        -------
        dict
            Lightning's `lr_scheduler_config`. The scheduler steps with the optimiser, so that a
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
    warmup
        Share of all steps that go up.
    start, end
        The rate at both ends, as a share of the highest.

    Raises
    ------
    HumansegError
        An option is out of its range.
    """

    warmup: float = 0.25
    start: float = 0.04
    end: float = 1e-4

    def __post_init__(self) -> None:
        """Check the ranges."""
        _require_shares(warmup=self.warmup, start=self.start, end=self.end)

    def factor(self, progress: float) -> float:
        """Share of the highest rate at `progress`, from 0 to 1."""
        if progress < self.warmup:
            return _half_cosine(self.start, 1.0, progress / self.warmup)
        return _half_cosine(1.0, self.end, (progress - self.warmup) / max(1e-9, 1 - self.warmup))


@dataclass(frozen=True)
class Cosine(SchedulerRecipe):
    """Linear warm-up, then a half cosine, Loshchilov and Hutter 2017 (arXiv 1608.03983).

    Attributes
    ----------
    warmup
        Share of all steps that go up, from 0.
    end
        The last rate, as a share of the highest.

    Raises
    ------
    HumansegError
        An option is out of its range.
    """

    warmup: float = 0.05
    end: float = 0.0

    def __post_init__(self) -> None:
        """Check the ranges."""
        _require_shares(warmup=self.warmup, end=self.end)

    def factor(self, progress: float) -> float:
        """Share of the highest rate at `progress`, from 0 to 1."""
        if progress < self.warmup:
            # A first step at rate 0 would be a step wasted.
            return max(0.01, progress / self.warmup)
        return _half_cosine(1.0, self.end, (progress - self.warmup) / max(1e-9, 1 - self.warmup))


@dataclass(frozen=True)
class Constant(SchedulerRecipe):
    """The highest rate from the first step to the last."""

    def factor(self, progress: float) -> float:
        """Share of the highest rate at `progress`: all of it."""
        return 1.0


@dataclass(frozen=True)
class Plateau:
    """Lower the rate when the valid Dice no longer rises.

    Attributes
    ----------
    decrease
        What the rate is multiplied by.
    patience
        Epochs without a better Dice before it is.

    Raises
    ------
    HumansegError
        An option is out of its range.
    """

    decrease: float = 0.5
    patience: int = 3

    def __post_init__(self) -> None:
        """Check the ranges."""
        _require(0 < self.decrease < 1, f"decrease={self.decrease} must lie between 0 and 1")
        _require(self.patience >= 0, f"patience={self.patience} must be at least 0")

    def __call__(self, optimizer: Optimizer, total_steps: int, batches_per_epoch: int) -> Any:
        """Make the scheduler, as Lightning takes it; see `SchedulerRecipe`."""
        schedule = ReduceLROnPlateau(
            optimizer, mode="max", factor=self.decrease, patience=self.patience
        )
        # Counted in batches: Lightning steps these before the end of the epoch, those counted in
        # epochs only after the checkpoint of the epoch has been written.
        return {
            "scheduler": schedule,
            "interval": "step",
            "frequency": batches_per_epoch,
            "monitor": "val/dice",
            "reduce_on_plateau": True,
        }


def _half_cosine(start: float, end: float, share: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * share)) / 2


def _require(holds: bool, rule: str) -> None:
    require_option(holds, "scheduler", rule)


def _require_shares(**shares: float) -> None:
    for name, share in shares.items():
        _require(0 <= share <= 1, f"{name}={share} must lie from 0 to 1")
