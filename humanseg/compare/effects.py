"""The effect of each setting on Dice, averaged over the others.

A linear model with a mean and one term for each value of each setting is fitted to all runs, photo
by photo; the terms of a setting add up to zero. Where every combination was tried equally often,
its terms are plain averages over the others; elsewhere, least squares keeps the others equal. What
two settings do only together (an interaction) is not in it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from humanseg.compare.ranking import Group
from humanseg.metrics.statistics import interval_ends, resampled_means
from humanseg.runs.settings import DifferingSetting, as_text

_MAX_LEVELS = 12
_MAX_NUMBERS = 5  # more values of a number than these are put into three ranges


@dataclass(frozen=True)
class Level:
    """A value of a setting, or a range of values.

    Attributes
    ----------
    label
        How it is read.
    runs
        How many runs have it.
    effect
        Dice above or below the mean of all values of the setting, the other settings equal.
    low, high
        95 % confidence interval of the effect, over photos.
    """

    label: str
    runs: int
    effect: float
    low: float
    high: float


@dataclass(frozen=True)
class Effect:
    """A setting and its values, the best first."""

    key: str
    levels: tuple[Level, ...]


@dataclass(frozen=True)
class Effects:
    """The effects of all settings that can be told apart.

    Attributes
    ----------
    settings
        The setting with the largest range of effects first.
    confounded
        Settings left out, since no run tells them from others: they changed together.
    left_out
        How many runs are not in it: they have a value that was tried in one combination only, and
        that would hide what another setting does.
    balanced
        Whether each effect is a plain average, since all combinations were tried equally often.
    """

    settings: tuple[Effect, ...]
    confounded: tuple[str, ...]
    left_out: int
    balanced: bool


@dataclass(frozen=True, eq=False)
class _Factor:
    """A setting as columns of the design.

    Attributes
    ----------
    level
        The place of each run's value in `labels`, shape (runs,).
    coding
        Sum coding, shape (levels, levels - 1): the last value is minus the sum of the others.
    """

    key: str
    labels: tuple[str, ...]
    level: NDArray[np.int64]

    @property
    def coding(self) -> NDArray[np.float64]:
        free = len(self.labels) - 1
        return np.vstack([np.eye(free), -np.ones((1, free))])


def main_effects(group: Group) -> Effects:
    """Fit the effect of each setting on Dice; each run counts, so three seeds count three times."""
    entry_of = group.table.loc[[bool(run.config) for run in group.runs], "entry"]
    factors = _factors(group, entry_of)
    while not all(_estimable(factor, factors) for factor in factors):
        common = _drop_odd_values(factors, entry_of)
        if common.empty or len(common) == len(entry_of):
            break
        entry_of = common
        factors = _factors(group, entry_of)
    estimable = [factor for factor in factors if _estimable(factor, factors)]
    confounded = tuple(factor.key for factor in factors if factor not in estimable)
    left_out = len(group.runs) - len(entry_of)
    if not estimable:
        return Effects((), confounded, left_out, True)
    # Joined by id.
    scores = pd.concat([group.runs[number].dice for number in entry_of.index], axis=1).T
    design = _design(factors)
    fit = np.linalg.pinv(design) @ scores.to_numpy()
    effects = [
        _effect(factor, fit[columns])
        for factor, columns in zip(factors, _columns(factors), strict=True)
        if factor in estimable
    ]
    effects.sort(key=lambda effect: effect.levels[-1].effect - effect.levels[0].effect)
    return Effects(
        tuple(effects),
        confounded,
        left_out,
        all(_orthogonal(first, second) for first, second in combinations(factors, 2)),
    )


def _factors(group: Group, entry_of: "pd.Series[int]") -> list[_Factor]:
    factors = [
        _factor(setting, group.values.loc[entry_of, setting.key])
        for setting in group.settings
        if not setting.follows
    ]
    return [factor for factor in factors if factor is not None]


def _drop_odd_values(factors: Sequence[_Factor], entry_of: "pd.Series[int]") -> "pd.Series[int]":
    """Leave out the runs with a value that only one entry has."""
    odd = pd.Series(False, entry_of.index)
    for factor in factors:
        odd |= entry_of.groupby(factor.level).transform("nunique") == 1
    return entry_of[~odd]


def _factor(setting: DifferingSetting, values: "pd.Series[Any]") -> _Factor | None:
    """Turn a setting into a factor; None where it has one value, or too many words."""
    if setting.numeric and values.nunique() > _MAX_NUMBERS:
        cuts = np.quantile(values.astype(float), [1 / 3, 2 / 3])
        level = np.searchsorted(cuts, values.astype(float))
        low, high = (as_text(float(cut)) for cut in cuts)
        labels = [f"up to {low}", f"{low} to {high}", f"above {high}"]
    else:
        level = pd.Index(map(repr, setting.levels)).get_indexer(pd.Index(map(repr, values)))
        labels = list(map(as_text, setting.levels))
    present = np.unique(level)
    if not 2 <= len(present) <= _MAX_LEVELS:
        return None
    return _Factor(
        setting.key, tuple(labels[number] for number in present), np.searchsorted(present, level)
    )


def _columns(factors: Sequence[_Factor]) -> list[slice]:
    """Return where each factor's columns stand in the design, behind that of the mean."""
    ends = np.cumsum([1, *(len(factor.labels) - 1 for factor in factors)])
    return [slice(int(a), int(b)) for a, b in zip(ends[:-1], ends[1:], strict=True)]


def _design(factors: Sequence[_Factor]) -> NDArray[np.float64]:
    runs = len(factors[0].level)
    return np.hstack([np.ones((runs, 1)), *(factor.coding[factor.level] for factor in factors)])


def _estimable(factor: _Factor, factors: Sequence[_Factor]) -> bool:
    """Return whether the other factors together cannot imitate any part of this one."""
    others = [other for other in factors if other is not factor]
    without = np.linalg.matrix_rank(_design(others)) if others else 1
    rank = np.linalg.matrix_rank(_design(factors))
    return bool(rank - without == len(factor.labels) - 1)


def _effect(factor: _Factor, fit: NDArray[np.float64]) -> Effect:
    """Turn the fitted columns of a factor, (levels - 1, photos), into the effects of its levels."""
    per_photo = (factor.coding @ fit).T
    ends = interval_ends(resampled_means(per_photo))
    means = per_photo.mean(axis=0)
    levels = [
        Level(
            label,
            int(np.count_nonzero(factor.level == number)),
            *(float(value) for value in (means[number], ends[0, number], ends[1, number])),
        )
        for number, label in enumerate(factor.labels)
    ]
    return Effect(factor.key, tuple(sorted(levels, key=lambda level: -level.effect)))


def _orthogonal(first: _Factor, second: _Factor) -> bool:
    """Return whether each pair of values comes as often as chance would have it."""
    together = pd.crosstab(first.level, second.level).to_numpy()
    expected = np.outer(together.sum(axis=1), together.sum(axis=0))
    return bool(np.array_equal(together * together.sum(), expected))
