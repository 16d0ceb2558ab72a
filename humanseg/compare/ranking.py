"""Runs with the same valid photos side by side: seeds folded, the best first."""

import math
import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from humanseg.compare.origins import with_origins
from humanseg.io.names import natural_key
from humanseg.metrics.statistics import Interval, PairedDifference, interval_ends, resampled_means
from humanseg.runs.record import RunRecord, data_key
from humanseg.runs.settings import (
    NAMED_GROUPS,
    Setting,
    Settings,
    Shipped,
    Value,
    as_text,
    differing,
    read_settings,
    short_name,
)

_FEW = 5
"""So few entries are shown with all that sets them apart."""


@dataclass(frozen=True, eq=False)
class Entry:
    """A row of the leaderboard: a run, or the runs that differ in their seed and nothing else.

    Attributes
    ----------
    label
        What sets it apart: the values of the settings that differ, else the run's name.
    runs
        Its runs, by seed.
    weights
        The share of each run in the means: every seed counts once, however often it was repeated.
    intervals
        Of the Dice of each run.
    values
        Its value of each setting of the group, in their order.
    dice_at_half
        Mean over the seeds of Dice at threshold 0.5: this one ranks.
    spread
        Standard deviation of it over the seeds (n - 1 in the denominator); NaN for one seed.
    scores : numpy.ndarray of float64, shape (photos,)
        Dice of each photo at each run's own threshold, mean over the seeds.
    interval
        Of `scores`.
    behind
        `scores` against those of the group's best entry; of that one, the difference is 0.
    """

    label: str
    runs: tuple[RunRecord, ...]
    weights: tuple[float, ...]
    intervals: tuple[Interval, ...]
    values: tuple[Value, ...]
    dice_at_half: float
    spread: float
    scores: NDArray[np.float64]
    interval: Interval
    behind: PairedDifference

    @property
    def seeds(self) -> int:
        """How many seeds its runs have; of a run that recorded none, nothing is known."""
        return len({run.number("seed") for run in self.runs})

    @property
    def repeats(self) -> bool:
        """Whether runs repeat one another, their seed too."""
        return self.seeds < len(self.runs)

    @property
    def own_threshold(self) -> bool:
        """Whether a run is cut elsewhere than at 0.5, so that `scores` are not what ranks."""
        return any(run.threshold != 0.5 for run in self.runs)

    @property
    def worse(self) -> bool:
        """Whether it is significantly worse than the best entry."""
        return self.behind.distinguishable and self.behind.difference < 0

    def mean(self, key: str) -> float | None:
        """Return the mean over the runs of a number in their summaries; None where one lacks it."""
        numbers = [run.number(key) for run in self.runs]
        known = [number for number in numbers if number is not None]
        return statistics.fmean(known) if len(known) == len(numbers) else None


@dataclass(frozen=True, eq=False)
class Group:
    """Runs with the same valid ids and masks, which alone may be ranked together.

    Attributes
    ----------
    key
        What they share, and no other group has.
    ids
        Their valid photos.
    settings
        In what their entries differ.
    entries
        The best first.
    """

    key: str
    ids: tuple[str, ...]
    settings: tuple[Setting, ...]
    entries: tuple[Entry, ...]

    @property
    def runs(self) -> tuple[RunRecord, ...]:
        """All its runs, those of the best entry first."""
        return tuple(run for entry in self.entries for run in entry.runs)

    def data(self, key: str) -> list[Any]:
        """Return the values, each once, that the `data` of their summaries have of a key."""
        known = [run.summary.get("data") for run in self.runs]
        values = [data.get(key) for data in known if isinstance(data, Mapping)]
        return list({repr(value): value for value in values}.values())


def rank(runs: Sequence[RunRecord], shipped: Shipped) -> Group:
    """Fold the seeds of each setting, and put the best first.

    Parameters
    ----------
    runs
        Finished runs with the same valid ids and masks.
    shipped
        The configs' options.

    Returns
    -------
    Group
    """
    settings = with_origins(runs, [read_settings(run.config, shipped, run.choices) for run in runs])
    differ = _sorted_out(settings, differing(settings))
    parts = [
        (sorted((runs[place] for place in places), key=_seed), settings[places[0]])
        for places in _folded(runs, [_values(own, differ) for own in settings])
    ]
    parts.sort(key=lambda part: (-_mean_at_half(part[0]), natural_key(part[0][0].name)))
    run_means = resampled_means(np.stack([run.dice for some, _ in parts for run in some], axis=1))
    run_ends = interval_ends(run_means)
    columns = _columns([some for some, _ in parts])
    labels = _labels([own for _, own in parts], differ)
    weights = [_weights(some) for some, _ in parts]
    # The mean over seeds and that over photos can be taken in either order.
    means = np.stack(
        [run_means[:, place] @ own for place, own in zip(columns, weights, strict=True)], axis=1
    )
    ends, behind = interval_ends(means), interval_ends(means - means[:, :1])
    best = float(weights[0] @ [run.dice.mean() for run in parts[0][0]])
    entries = []
    for place, (some, own) in enumerate(parts):
        scores = weights[place] @ np.stack([run.dice for run in some])
        mean = float(scores.mean())
        low, high = map(float, ends[:, place])
        lowest, highest = map(float, behind[:, place])
        entries.append(
            Entry(
                labels[place] if labels[place] and some[0].config else some[0].name,
                tuple(some),
                tuple(weights[place].tolist()),
                _intervals(some, run_ends[:, columns[place]]),
                _values(own, differ),
                _mean_at_half(some),
                _spread(some),
                scores,
                Interval(mean, low, high),
                PairedDifference(mean - best, lowest, highest, len(scores)),
            )
        )
    return Group(data_key(runs[0]), runs[0].ids, tuple(differ), tuple(entries))


def _folded(
    runs: Sequence[RunRecord], values: Sequence[tuple[Value, ...]]
) -> Iterable[Sequence[int]]:
    """Put together the places of runs that differ in nothing but, perhaps, their seed."""
    folded: dict[str, list[int]] = {}
    for place, run in enumerate(runs):
        # A record without its config may be of any setting: it stands alone.
        key = repr(values[place]) if run.config else run.name
        folded.setdefault(key, []).append(place)
    return folded.values()


def _weights(runs: Sequence[RunRecord]) -> NDArray[np.float64]:
    """Weigh runs so that each seed counts once, however often it was repeated; they sum up to 1."""
    often = Counter(run.number("seed") for run in runs)
    return np.array([1 / (len(often) * often[run.number("seed")]) for run in runs])


def _spread(runs: Sequence[RunRecord]) -> float:
    seeds: dict[float | None, list[float]] = {}
    for run in runs:
        seeds.setdefault(run.number("seed"), []).append(run.dice_at_half)
    means = list(map(statistics.fmean, seeds.values()))
    return statistics.stdev(means) if len(means) > 1 else math.nan


def _intervals(runs: Sequence[RunRecord], ends: NDArray[np.float64]) -> tuple[Interval, ...]:
    return tuple(
        Interval(float(run.dice.mean()), low, high)
        for run, (low, high) in zip(runs, ends.T.tolist(), strict=True)
    )


def _columns(parts: Sequence[Sequence[RunRecord]]) -> list[slice]:
    """Return where the runs of each part stand when all are put in a line."""
    ends = np.cumsum([0, *map(len, parts)]).tolist()
    return [slice(first, end) for first, end in pairwise(ends)]


def _values(settings: Settings, differ: Sequence[Setting]) -> tuple[Value, ...]:
    return tuple(settings.values.get(setting.key) for setting in differ)


def _sorted_out(runs: Sequence[Settings], differ: Sequence[Setting]) -> list[Setting]:
    """Put aside the settings in which one entry alone differs; one that tells two apart stays."""
    entries = {repr(_values(run, differ)): _values(run, differ) for run in runs}
    if len(entries) <= _FEW:
        return list(differ)
    told: list[tuple[Value, ...]] = [() for _ in entries]
    result = []
    # Those that several entries share come first, so that they do the telling.
    for odd in (False, True):
        for place, setting in enumerate(differ):
            values = [entry[place] for entry in entries.values()]
            most = max(Counter(map(repr, values)).values())
            if setting.follows or odd != (len(values) - most < 2):
                continue
            finer = [(*before, value) for before, value in zip(told, values, strict=True)]
            aside = odd and len(set(map(repr, finer))) == len(set(map(repr, told)))
            told = told if aside else finer
            result.append(replace(setting, aside=aside))
    known = {setting.key: setting for setting in result}
    return [known.get(setting.key, setting) for setting in differ]


def _labels(settings: Sequence[Settings], differ: Sequence[Setting]) -> list[str]:
    """Say what sets each entry apart.

    The names of options come always, other values, each with its key, until all entries differ.
    """
    words: list[list[str]] = [[] for _ in settings]
    named = [setting for setting in differ if setting.telling and setting.key in NAMED_GROUPS]
    others = [setting for setting in differ if setting.telling and setting not in named]
    for setting in [*named, *others]:
        apart = len({" ".join(some) for some in words}) == len(words)
        if setting in others and apart and len(words) > _FEW:
            break
        for some, own in zip(words, settings, strict=True):
            value = as_text(own.values.get(setting.key))
            some.append(value if setting in named else f"{short_name(setting.key)} {value}")
    return [" · ".join(some) for some in words]


def _mean_at_half(runs: Sequence[RunRecord]) -> float:
    return float(np.dot(_weights(runs), [run.dice_at_half for run in runs]))


def _seed(run: RunRecord) -> tuple[float, str]:
    return run.number("seed") or 0.0, run.name
