"""Ranking of runs with the same valid photos: seeds are folded, the best comes first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from humanseg.compare.origins import with_origins
from humanseg.io.names import natural_key
from humanseg.metrics.statistics import (
    FEWEST_PHOTOS,
    PairedDifference,
    interval_ends,
    resampled_means,
)
from humanseg.runs.record import RunRecord, data_key
from humanseg.runs.settings import (
    NAMED_GROUPS,
    DifferingSetting,
    Settings,
    Shipped,
    Value,
    as_text,
    differing,
    read_settings,
    short_name,
)

COLUMNS = ("epochs", "parameters", "seconds", "images_per_second", "boundary_dice")
"""Numbers of `summary.json` that are columns of the leaderboard, beside Dice and settings."""
_FEW = 5
"""So few entries are shown with all that sets them apart."""
_BETWEEN, _MOST = " · ", 5
"""The separator of the values of a label, and their largest number in a sentence."""


@dataclass(frozen=True, eq=False)
class Group:
    """Runs with the same valid ids and masks, which alone may be ranked together.

    An entry is a run, or the runs that differ in their seed and nothing else.

    Attributes
    ----------
    key
        What they share, and no other group has.
    ids
        Their valid photos.
    settings
        In what their entries differ.
    runs
        All of them, those of the best entry first, by seed.
    table : pandas.DataFrame
        A row per run, in the order of `runs`:

        - `entry`: the row of `entries` that it belongs to.
        - `weight`: its share in the means of the entry. Every seed counts once, however often it
          was repeated.
        - `low`, `high`: 95 % confidence interval of its Dice.
    entries : pandas.DataFrame
        A row per entry, the best first:

        - `label`: what sets it apart: the values of the settings that differ; the run's name where
          nothing does, or more than a person reads in a sentence.
        - `dice_at_half`: mean over the seeds of Dice at threshold 0.5: this one ranks.
        - `spread`: standard deviation of it over the seeds (n - 1 in the denominator); NaN for one.
        - `runs`, `seeds`: how many there are; of a run that recorded no seed, nothing is known.
        - `repeats`: whether runs repeat one another, their seed too.
        - `own_threshold`: whether a run is cut elsewhere than at 0.5, so that `scores` are not what
          ranks.
        - `low`, `high`: 95 % confidence interval of the mean of `scores`.
        - `behind`, `behind_low`, `behind_high`: the same for the difference to the best entry,
          whose own is 0.
        - `worse`: whether it is significantly worse than the best entry.
        - each of `COLUMNS`: mean over the runs; NaN where one lacks it.
    values : pandas.DataFrame
        A row per entry, a column per setting, by its key.
    scores : pandas.DataFrame
        A row per photo, by id, a column per entry: Dice at each run's own threshold, mean over the
        seeds.
    """

    key: str
    ids: tuple[str, ...]
    settings: tuple[DifferingSetting, ...]
    runs: tuple[RunRecord, ...]
    table: pd.DataFrame
    entries: pd.DataFrame
    values: pd.DataFrame
    scores: pd.DataFrame

    def behind(self, entry: int) -> PairedDifference:
        """Compare an entry with the best one, photo by photo."""
        names = ["behind", "behind_low", "behind_high"]
        difference, low, high = self.entries[names].to_numpy()[entry].tolist()
        return PairedDifference(difference, low, high, len(self.ids))

    def data(self, key: str) -> list[Any]:
        """Return the values, each once, that the `data` of their summaries have of a key."""
        data = [run.summary.get("data") for run in self.runs]
        values = [node.get(key) for node in data if isinstance(node, Mapping)]
        return list({repr(value): value for value in values}.values())


def rank(runs: Sequence[RunRecord], shipped: Shipped) -> Group:
    """Fold the seeds of finished runs with the same valid ids and masks, and put the best first."""
    runs = sorted(runs, key=lambda run: (run.number("seed") or 0.0, run.name))
    settings = with_origins(runs, [read_settings(run.config, shipped, run.choices) for run in runs])
    differ = _put_aside(settings, differing(settings))
    values = [_values(of_run, differ) for of_run in settings]
    table = pd.DataFrame(
        {
            # A record without its config may be of any setting: it stands alone.
            "key": [
                repr(value) if run.config else run.name
                for run, value in zip(runs, values, strict=True)
            ],
            "name": [run.name for run in runs],
            # As text: a run that recorded no seed is of another one than 0.
            "seed": [repr(run.number("seed")) for run in runs],
            "dice_at_half": [run.dice_at_half for run in runs],
            "own_threshold": [run.threshold != 0.5 for run in runs],
            **{name: [run.number(name) for run in runs] for name in COLUMNS},
        }
    ).astype(dict.fromkeys(COLUMNS, float))
    entries, table = _fold_seeds(table)
    ranked = [runs[number] for number in table.index]
    firsts = table.index[~table["entry"].duplicated()].tolist()

    by_run = pd.concat([run.dice for run in ranked], axis=1)
    weights = np.zeros((len(ranked), len(entries)))
    weights[np.arange(len(ranked)), table["entry"]] = table["weight"]
    run_means = resampled_means(by_run.to_numpy())
    table["low"], table["high"] = interval_ends(run_means)
    # The mean over seeds and that over photos can be taken in either order.
    means = run_means @ weights
    scores = pd.DataFrame(by_run.to_numpy() @ weights, index=by_run.index)
    entries["low"], entries["high"] = interval_ends(means)
    entries["behind"] = scores.mean() - scores[0].mean()
    entries["behind_low"], entries["behind_high"] = interval_ends(means - means[:, :1])
    entries["worse"] = (entries["behind_high"] < 0) & (len(scores) >= FEWEST_PHOTOS)
    labels = _labels([settings[number] for number in firsts], differ)
    readable = all(label.count(_BETWEEN) < _MOST for label in labels)
    entries["label"] = [
        label if label and readable and runs[number].config else runs[number].name
        for label, number in zip(labels, firsts, strict=True)
    ]
    return Group(
        data_key(ranked[0]),
        ranked[0].ids,
        tuple(differ),
        tuple(ranked),
        table[["entry", "weight", "low", "high"]].reset_index(drop=True),
        entries,
        pd.DataFrame(
            [values[number] for number in firsts],
            index=entries.index,
            columns=[setting.key for setting in differ],
            dtype=object,
        ),
        scores,
    )


def _fold_seeds(table: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Fold runs of one key into entries, the best first; return these and the runs behind them."""
    by_key = table.groupby("key", sort=False)
    by_seed = table.groupby(["key", "seed"], sort=False)
    table = table.assign(
        weight=1 / (by_key["seed"].transform("nunique") * by_seed["seed"].transform("size"))
    )
    seeds = by_seed["dice_at_half"].mean()
    numbers = by_key[list(COLUMNS)]
    entries = by_key.agg(
        name=("name", "first"),
        runs=("name", "size"),
        seeds=("seed", "nunique"),
        own_threshold=("own_threshold", "any"),
    ).join(numbers.mean().where(numbers.count().eq(by_key.size(), axis=0)))
    entries["dice_at_half"] = seeds.groupby("key").mean()
    entries["spread"] = seeds.groupby("key").std()
    entries["repeats"] = entries["seeds"] < entries["runs"]
    names = zip(-entries["dice_at_half"], entries["name"].map(natural_key), strict=True)
    order = [number for number, _ in sorted(enumerate(names), key=lambda pair: pair[1])]
    entries = entries.iloc[order]
    entry_of = {key: number for number, key in enumerate(entries.index)}
    table = table.assign(entry=table["key"].map(entry_of)).sort_values("entry", kind="stable")
    return entries.drop(columns="name").reset_index(drop=True), table


def _values(settings: Settings, differ: Sequence[DifferingSetting]) -> tuple[Value, ...]:
    return tuple(settings.values.get(setting.key) for setting in differ)


def _put_aside(
    runs: Sequence[Settings], differ: Sequence[DifferingSetting]
) -> list[DifferingSetting]:
    """Drop the settings in which one entry alone differs; those that distinguish two stay."""
    entries = pd.DataFrame([list(map(repr, _values(run, differ))) for run in runs])
    entries = entries.drop_duplicates()
    if len(entries) <= _FEW:
        return list(differ)

    def count_apart(columns: list[int]) -> int:
        return len(entries[columns].drop_duplicates()) if columns else 1

    telling: list[int] = []
    aside = set()
    # Those that several entries share come first, so that they do the telling.
    for odd in (False, True):
        for index, setting in enumerate(differ):
            differ_in_one = len(entries) - entries[index].value_counts().max() < 2
            if setting.follows or odd != differ_in_one:
                continue
            if odd and count_apart([*telling, index]) == count_apart(telling):
                aside.add(index)
            else:
                telling.append(index)
    return [
        replace(setting, aside=True) if index in aside else setting
        for index, setting in enumerate(differ)
    ]


def _labels(settings: Sequence[Settings], differ: Sequence[DifferingSetting]) -> list[str]:
    """Return what sets each entry apart.

    The names of options come always, other values, each with its key, until all entries differ.
    """
    words: list[list[str]] = [[] for _ in settings]
    named = [setting for setting in differ if setting.telling and setting.key in NAMED_GROUPS]
    others = [setting for setting in differ if setting.telling and setting not in named]
    for setting in [*named, *others]:
        apart = len({" ".join(label) for label in words}) == len(words)
        if setting in others and apart and len(words) > _FEW:
            break
        for label, entry in zip(words, settings, strict=True):
            value = as_text(entry.values.get(setting.key))
            label.append(value if setting in named else f"{short_name(setting.key)} {value}")
    return [_BETWEEN.join(label) for label in words]
