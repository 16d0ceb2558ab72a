"""Ranges of settings, as annotations that the check of a config reads.

A range stands where its setting is declared: on the parameter that takes it. Those of other
packages' parameters stand here.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from annotated_types import Interval, MinLen

Count = Annotated[int, Interval(ge=1)]
Whole = Annotated[int, Interval(ge=0)]
Share = Annotated[float, Interval(ge=0, le=1)]
NotNegative = Annotated[float, Interval(ge=0)]
Seed = Annotated[int, Interval(ge=0, lt=2**32)]
Side = Annotated[int, Interval(ge=16, le=16384)]
"""Pixels of a photo's side: with fewer nobody is seen, and with more no memory suffices."""
Processes = Annotated[int, Interval(ge=0, le=256)]

Text = Annotated[str, MinLen(1)]

OF_OTHERS: Mapping[str, Any] = {
    # -1: as many as the steps take.
    "trainer.max_epochs": Count | Literal[-1] | None,
    "trainer.max_steps": Count | Literal[-1],
    "trainer.accumulate_grad_batches": Count,
    "trainer.gradient_clip_val": NotNegative | None,
    "callbacks.early_stopping.patience": Whole,
    "callbacks.early_stopping.min_delta": NotNegative,
}
"""Ranges of what Lightning takes and does not check before the first step, by the full key."""
