"""The leaderboard in the terminal: its tables, and their summary in words."""

from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256

import pandas as pd
from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from humanseg.compare.ranking import Group
from humanseg.errors import plural, printable
from humanseg.metrics.statistics import PairedDifference
from humanseg.pages.render import duration, score
from humanseg.runs.settings import as_text

REPEATED = "Repeated: some runs have the same settings and the same seed, which counts once."
_OWN_THRESHOLD = "* interval and differences are of Dice at the run's own threshold"


def conclusion(group: Group) -> str:
    """Return a sentence or two: which entry is the best, and whether others differ from it."""
    best, *others = group.entries.to_dict("records")
    ends = f"95\u00a0% interval {score(best['low'])} to {score(best['high'])}"
    result = f"Dice {score(best['dice_at_half'])} ({ends})"
    if not others:
        return f"{best['label']}: {result}."
    second, behind = others[0]["label"], group.behind(1)
    if len(others) == 1:
        against = behind.swapped()
        if against.significant:
            return f"{best['label']}: {result}. It is better than {second} {_by(against)}."
        return f"{best['label']}: {result}. It and {second} are {against.sentence()}."
    alike = sum(not other["worse"] for other in others)
    first = f"{best['label']} is the best of {len(group.entries)}: {result}."
    if not alike:
        runner_up = f"the next, {second}, {_by(behind)}"
        return f"{first} All others score significantly lower on {_photos(group)}; {runner_up}."
    verb = "is" if alike == 1 else "are"
    verdict = f"{alike} of the others {verb} not significantly different from it"
    return f"{first} {verdict} on {_photos(group)}."


def _by(difference: PairedDifference) -> str:
    """Return how large a significant difference is."""
    near, far = sorted((abs(difference.low), abs(difference.high)))
    return f"by {abs(difference.difference):.4f} (interval {near:.4f} to {far:.4f})"


def describe(group: Group) -> str:
    """Return which photos a group is about, such as `145 valid photos, 1200 to train (9b32fa99)`.

    No two groups are called the same: what is in brackets is of the valid ids and masks.
    """
    photos = len(group.ids)
    words = [plural(photos, "valid photo")]
    trained = sorted(count for count in group.data("train") if isinstance(count, int))
    if trained:
        most, least = trained[-1], trained[0]
        words.append(f"{most} to train" if most == least else f"{least} to {most} to train")
    folds = zip(group.data("fold"), group.data("folds"), strict=False)
    words += [f"fold {fold} of {number}" for fold, number in folds if fold is not None]
    shared = group.runs[0].summary.get("data")
    digest = shared.get("valid_sha256") if isinstance(shared, Mapping) else None
    mark = digest or sha256(group.key.encode("utf-8", "surrogateescape")).hexdigest()
    return f"{', '.join(words)} ({str(mark)[:8]})"


def footnotes(group: Group) -> list[str]:
    """Explain the marks in the terminal's table, those that are in it."""
    entries = group.entries
    alike = not entries["worse"][1:].all()
    return [
        *([f"≈ not significantly different from the best on {_photos(group)}"] if alike else []),
        *([_OWN_THRESHOLD] if entries["own_threshold"].any() else []),
        *([REPEATED] if entries["repeats"].any() else []),
    ]


def terminal_table(group: Group, width: int | None = None) -> Table:
    """Return the table of a group, a row an entry, for rich's console.

    In a terminal of limited `width`, what is least needed is left out until the rest fits.
    """
    columns = _terminal_columns(group)
    telling = [setting.key for setting in group.settings if setting.telling]
    for name in _LEAST_NEEDED:
        # Without settings a run has nothing but its name.
        if _too_wide(columns, width) and (telling or name != "run"):
            columns.pop(name, None)
    if _too_wide(columns, width) and telling:
        columns = {name: cells for name, cells in columns.items() if name not in telling}
        labels = {"settings": list(group.entries["label"])}
        columns = {"": columns.pop("")} | labels | columns
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in columns:
        number = name in _RIGHT
        table.add_column(Text(name), justify="right" if number else "left", no_wrap=number)
    for row in zip(*columns.values(), strict=True):
        # Text, not markup: a run's name may hold square brackets.
        table.add_row(*(Text(printable(cell)) for cell in row))
    return table


_LEAST_NEEDED = ("run", "photos/s", "time", "parameters", "± seeds", "to best")
_RIGHT = {"", "Dice", "95 % interval", *_LEAST_NEEDED} - {"run"}


def _terminal_columns(group: Group) -> dict[str, list[str]]:
    """Return the cells of each column by its name, in the order of the entries."""
    entries = group.entries
    columns = {"": [str(number + 1) for number in entries.index]}
    for setting in group.settings:
        if setting.telling:
            columns[setting.key] = list(map(as_text, group.values[setting.key]))
    columns["Dice"] = list(map(score, entries["dice_at_half"]))
    rows = entries.to_dict("records")
    if (entries["runs"] > 1).any():
        columns["± seeds"] = [
            ", ".join(
                [
                    *([] if pd.isna(row["spread"]) else [f"{row['spread']:.4f} ({row['seeds']})"]),
                    *(["repeated"] if row["repeats"] else []),
                ]
            )
            for row in rows
        ]
    columns["95 % interval"] = [
        f"{score(row['low'])} to {score(row['high'])}{'*' if row['own_threshold'] else ''}"
        for row in rows
    ]
    columns["to best"] = [
        "best" if not number else f"{row['behind']:+.4f}{'' if row['worse'] else ' ≈'}"
        for number, row in enumerate(rows)
    ]
    columns["parameters"] = _cells(entries["parameters"], lambda number: f"{number / 1e6:.2f} M")
    columns["time"] = _cells(entries["seconds"], duration)
    columns["photos/s"] = _cells(entries["images_per_second"], "{:.1f}".format)
    first = group.table["entry"].drop_duplicates().index
    columns["run"] = [
        group.runs[number].name + (f" and {row['runs'] - 1} more" if row["runs"] > 1 else "")
        for number, row in zip(first, rows, strict=True)
    ]
    return columns


def _cells(numbers: "pd.Series[float]", write: Callable[[float], str]) -> list[str]:
    return ["–" if pd.isna(number) else write(number) for number in numbers]


def _too_wide(columns: Mapping[str, Sequence[str]], width: int | None) -> bool:
    """Return whether a terminal cannot show all columns, with the space between them."""
    needed = [max(map(cell_len, (name, *cells))) + 2 for name, cells in columns.items()]
    return width is not None and sum(needed) > width


def _photos(group: Group) -> str:
    return f"these {len(group.ids)} photos"
