"""Ranges of settings, as annotations that the check of a config reads.

A range stands where its setting is declared: on the parameter that takes it, or in `settings`.
"""

from collections.abc import Sequence
from typing import Annotated

from annotated_types import Interval, MinLen

Count = Annotated[int, Interval(ge=1)]
Whole = Annotated[int, Interval(ge=0)]
Share = Annotated[float, Interval(ge=0, le=1)]
NotNegative = Annotated[float, Interval(ge=0)]
Positive = Annotated[float, Interval(gt=0)]
BelowOne = Annotated[float, Interval(ge=0, lt=1)]
Inside = Annotated[float, Interval(gt=0, lt=1)]
Seed = Annotated[int, Interval(ge=0, lt=2**32)]
Side = Annotated[int, Interval(ge=16, le=16384)]
"""Pixels of a photo's side: with fewer no person is visible, with more no memory suffices."""
Processes = Annotated[int, Interval(ge=0, le=256)]

Widths = Annotated[Sequence[Count], MinLen(1)]
"""Channels of the levels of a net, or other counts of which it needs at least one."""

Text = Annotated[str, MinLen(1)]
