"""The leaderboard as a table: in the terminal, and as CSV."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from humanseg.files import write_csv_rows
from humanseg.pages.render import duration, score
from humanseg.runs.leaderboard import Leaderboard
from humanseg.runs.ranking import Entry, Group
from humanseg.runs.record import RunRecord
from humanseg.runs.settings import as_text


def conclusion(group: Group) -> str:
    """Say in words which entry is the best, and whether others can be told from it.

    Parameters
    ----------
    group
        Runs on the same data.

    Returns
    -------
    str
        One or two sentences.
    """
    best, *others = group.entries
    ends = f"{score(best.interval.low)} to {score(best.interval.high)}"
    found = f"Dice {score(best.dice_at_half)}, interval {ends}"
    if not others:
        return f"{best.label}: {found}."
    second = others[0]
    if len(others) == 1:
        against = second.behind.swapped()
        if against.distinguishable:
            return f"{best.label}: {found}. Against {second.label} it is {against.sentence()}."
        return f"{best.label}: {found}. It and {second.label} are {against.sentence()}."
    alike = sum(not other.worse for other in others)
    first = f"{best.label} is the best of {len(group.entries)}: {found}."
    if not alike:
        next_one = f"the next, {second.label}, is {second.behind.sentence()}"
        return f"{first} All others are worse on {_photos(group)}; {next_one}."
    verb = "is" if alike == 1 else "are"
    return f"{first} {alike} of the others {verb} not distinguishable from it on {_photos(group)}."


def describe(group: Group) -> str:
    """Say which data a group is about, such as `145 valid photos, 1200 to train (9b32fa99)`."""
    data = group.data
    words = [f"{len(group.ids)} valid photos", f"{data.get('train', '?')} to train"]
    if data.get("fold") is not None:
        words.append(f"fold {data['fold']} of {data.get('folds', '?')}")
    return f"{', '.join(words)} ({str(data.get('valid_sha256', 'unknown'))[:8]})"


def footnotes(group: Group) -> list[str]:
    """Explain the marks in the terminal's table, those that are in it."""
    alike = any(not entry.worse for entry in group.entries[1:])
    own = any(entry.own_threshold for entry in group.entries)
    return [
        *([f"≈ not distinguishable from the best on {_photos(group)}"] if alike else []),
        *(["* interval and differences are of Dice at the run's own threshold"] if own else []),
    ]


def terminal_table(group: Group) -> Table:
    """Make the table of a group, a row an entry, for rich's console.

    Parameters
    ----------
    group
        Runs on the same data.

    Returns
    -------
    rich.table.Table
    """
    shown = [setting for setting in group.settings if setting.telling]
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("", justify="right")
    for setting in shown:
        table.add_column(Text(setting.key), overflow="fold")
    folded = any(len(entry.runs) > 1 for entry in group.entries)
    numbers = ["Dice", *(["± seeds"] if folded else []), "95 % interval", "to best"]
    for name in [*numbers, "parameters", "time", "photos/s"]:
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("run", overflow="fold")
    for number, entry in enumerate(group.entries, 1):
        values = [
            as_text(value)
            for value, setting in zip(entry.values, group.settings, strict=True)
            if setting.telling
        ]
        cells = [str(number), *values, score(entry.dice_at_half)]
        cells += [_spread(entry)] if folded else []
        cells += [_interval(entry), _behind(entry, group.entries[0]), *_costs(entry), _runs(entry)]
        # Text, not markup: a run's name may hold square brackets.
        table.add_row(*map(Text, cells))
    return table


def write_leaderboard_csv(path: Path, board: Leaderboard) -> None:
    """Write a row for each run, whole or not at all.

    Parameters
    ----------
    path
        The CSV file. Runs on different data have different numbers in the column `group`; the
        column `rank` counts in each anew, and is the same for the seeds of one setting. Runs
        without a score come last, with neither.
    board
        What was found.

    Raises
    ------
    HumansegError
        The file cannot be written.
    """
    keys = list(dict.fromkeys(each.key for group in board.groups for each in group.settings))
    header = ["group", "rank", "run", "status", *_SCORES, "low", "high", *_COSTS, *keys, "failure"]
    write_csv_rows(path, header, _csv_rows(board, keys))


_SCORES = ("dice_at_half", "dice", "threshold")
_COSTS = (
    *("iou", "boundary_dice", "seed", "best_epoch", "epochs"),
    *("parameters", "seconds", "images_per_second", "peak_memory_mb"),
)


def _csv_rows(board: Leaderboard, keys: list[str]) -> Iterator[list[Any]]:
    for number, group in enumerate(board.groups, 1):
        for rank, entry in enumerate(group.entries, 1):
            own = dict(zip((each.key for each in group.settings), entry.values, strict=True))
            for run, interval in zip(entry.runs, entry.intervals, strict=True):
                yield [
                    *(number, rank, run.name, run.status),
                    *_numbers(run, _SCORES),
                    *(interval.low, interval.high),
                    *_numbers(run, _COSTS),
                    *("" if own.get(key) is None else own[key] for key in keys),
                    run.failure,
                ]
    for run in board.unranked:
        yield [
            *("", "", run.name, run.status),
            *_numbers(run, _SCORES),
            *("", ""),
            *_numbers(run, _COSTS),
            *([""] * len(keys)),
            run.failure,
        ]


def _numbers(run: RunRecord, keys: tuple[str, ...]) -> list[Any]:
    return ["" if run.number(key) is None else run.summary[key] for key in keys]


def _photos(group: Group) -> str:
    return f"these {len(group.ids)} photos"


def _spread(entry: Entry) -> str:
    return "" if math.isnan(entry.spread) else f"{entry.spread:.4f} ({len(entry.runs)})"


def _interval(entry: Entry) -> str:
    mark = "*" if entry.own_threshold else ""
    return f"{score(entry.interval.low)} to {score(entry.interval.high)}{mark}"


def _behind(entry: Entry, best: Entry) -> str:
    if entry is best:
        return "best"
    mark = "" if entry.worse else " ≈"
    return f"{entry.behind.difference:+.4f}{mark}"


def _costs(entry: Entry) -> tuple[str, str, str]:
    parameters, seconds = entry.mean("parameters"), entry.mean("seconds")
    speed = entry.mean("images_per_second")
    return (
        "–" if parameters is None else f"{parameters / 1e6:.2f} M",
        "–" if seconds is None else duration(seconds),
        "–" if speed is None else f"{speed:.1f}",
    )


def _runs(entry: Entry) -> str:
    first = entry.runs[0].name
    return first if len(entry.runs) == 1 else f"{first} and {len(entry.runs) - 1} more"
