"""The leaderboard: the runs of some folders, ranked in groups, and those that are not ranked."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from humanseg.compare.ranking import COLUMNS, Group, rank
from humanseg.errors import HumansegError
from humanseg.metrics.scores import PER_PHOTO
from humanseg.runs.discovery import find_runs, read_runs
from humanseg.runs.record import RunRecord, data_key
from humanseg.runs.settings import Shipped

_SCORES = ("dice_at_half", "dice", "threshold")
_NUMBERS = tuple(
    name
    for name in dict.fromkeys((*PER_PHOTO, "seed", "best_epoch", *COLUMNS, "peak_memory_mb"))
    if name not in _SCORES
)


@dataclass(frozen=True, eq=False)
class Leaderboard:
    """Everything that was found in some folders.

    Attributes
    ----------
    base
        The folder that holds all of it; names of runs are paths below it.
    groups
        The finished runs, the group with the most runs first.
    unranked
        The runs that failed, run or were stopped half-way.
    foreign
        Folders that only look like runs and lie in none, each with the reason.
    broken
        Folders of runs that cannot be read, each with the reason.
    """

    base: Path
    groups: tuple[Group, ...]
    unranked: tuple[RunRecord, ...]
    foreign: Mapping[str, str]
    broken: Mapping[str, str]

    def table(self) -> pd.DataFrame:
        """Return `leaderboard.csv`: a row for each run.

        Runs on different data have different numbers in the column `group`; `rank` starts again in
        each, and is the same for the seeds of one setting. Runs without a score come last, with
        neither. What a run lacks is None. A setting is a column by its dotted key, which may have
        the name of another column, such as `threshold`.
        """
        keys = list(dict.fromkeys(key for group in self.groups for key in group.values))
        rows: list[list[Any]] = []
        for number, group in enumerate(self.groups, 1):
            values = group.values.reindex(columns=keys).astype(object)
            for run, row in zip(group.runs, group.table.to_dict("records"), strict=True):
                ranks = number, row["entry"] + 1
                rows.append(_row(run, ranks, (row["low"], row["high"]), values.loc[row["entry"]]))
        rows += [_row(run, (None, None), (None, None), [None] * len(keys)) for run in self.unranked]
        header = ["group", "rank", "run", "status", *_SCORES, "low", "high", *_NUMBERS, *keys]
        return pd.DataFrame(rows, columns=[*header, "failure"], dtype=object)


def _row(
    run: RunRecord, ranks: Sequence[Any], interval: Sequence[Any], values: Iterable[Any]
) -> list[Any]:
    scores, numbers = (
        [None if run.number(key) is None else run.summary[key] for key in keys]
        for keys in (_SCORES, _NUMBERS)
    )
    return [*ranks, run.name, run.status, *scores, *interval, *numbers, *values, run.failure]


def read_leaderboard(
    paths: Sequence[Path],
    shipped: Shipped,
    on_read: Callable[[int, int], None] = lambda done, total: None,
) -> Leaderboard:
    """Read all runs in some folders, at any depth, and rank them."""
    found = find_runs(paths)
    records, foreign, broken = read_runs(found, on_read)
    broken = found.unreadable | broken
    if not records and not broken:
        places = ", ".join(str(path) for path in paths)
        raise HumansegError(
            f"There is no run in {places}: give a folder in which humanseg train has left some.",
            code="compare.no_run",
        )
    grouped: dict[str, list[RunRecord]] = {}
    for record in records:
        if record.finished:
            grouped.setdefault(data_key(record), []).append(record)
    groups = [rank(group, shipped) for group in grouped.values()]
    return Leaderboard(
        found.base,
        tuple(sorted(groups, key=lambda group: -len(group.runs))),
        tuple(record for record in records if not record.finished),
        foreign,
        broken,
    )
