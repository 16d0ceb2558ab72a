"""The leaderboard as CSV."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from humanseg.compare.leaderboard import Leaderboard
from humanseg.io.files import write_csv_rows
from humanseg.runs.record import RunRecord

_SCORES = ("dice_at_half", "dice", "threshold")
_COSTS = (
    *("iou", "boundary_dice", "seed", "best_epoch", "epochs"),
    *("parameters", "seconds", "images_per_second", "peak_memory_mb"),
)


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
