"""The leaderboard in the terminal: its tables, and what they say in words."""

import math
from collections.abc import Mapping, Sequence
from hashlib import sha256

from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from humanseg.compare.ranking import Entry, Group
from humanseg.errors import printable
from humanseg.pages.render import duration, score
from humanseg.runs.settings import as_text

REPEATED = "Repeated: some runs have the same settings and the same seed, which counts once."


def conclusion(group: Group) -> str:
    """Say in words which entry is the best, and whether others differ significantly from it.

    Parameters
    ----------
    group
        Runs with the same valid photos.

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
    alike_said = f"{alike} of the others {verb} not significantly different from it"
    return f"{first} {alike_said} on {_photos(group)}."


def describe(group: Group) -> str:
    """Say which photos a group is about, such as `145 valid photos, 1200 to train (9b32fa99)`.

    No two groups are called the same: what is in brackets is of the valid ids and masks.
    """
    photos = len(group.ids)
    words = [f"{photos} valid photos" if photos > 1 else "1 valid photo"]
    trained = sorted(count for count in group.data("train") if isinstance(count, int))
    if trained:
        most, least = trained[-1], trained[0]
        words.append(f"{most} to train" if most == least else f"{least} to {most} to train")
    folds = zip(group.data("fold"), group.data("folds"), strict=False)
    words += [f"fold {fold} of {number}" for fold, number in folds if fold is not None]
    shared = group.runs[0].summary.get("data")
    known = shared.get("valid_sha256") if isinstance(shared, Mapping) else None
    mark = known or sha256(group.key.encode("utf-8", "surrogateescape")).hexdigest()
    return f"{', '.join(words)} ({str(mark)[:8]})"


def footnotes(group: Group) -> list[str]:
    """Explain the marks in the terminal's table, those that are in it."""
    alike = any(not entry.worse for entry in group.entries[1:])
    own = any(entry.own_threshold for entry in group.entries)
    return [
        *([f"≈ not significantly different from the best on {_photos(group)}"] if alike else []),
        *(["* interval and differences are of Dice at the run's own threshold"] if own else []),
        *([REPEATED] if any(entry.repeats for entry in group.entries) else []),
    ]


def terminal_table(group: Group, width: int | None = None) -> Table:
    """Make the table of a group, a row an entry, for rich's console.

    Parameters
    ----------
    group
        Runs with the same valid photos.
    width
        Of the terminal: what is least needed is left out until the rest fits. None: of any width.

    Returns
    -------
    rich.table.Table
    """
    columns = _terminal_columns(group)
    telling = [setting.key for setting in group.settings if setting.telling]
    for name in _LEAST_NEEDED:
        # Without settings a run has nothing but its name.
        if _too_wide(columns, width) and (telling or name != "run"):
            columns.pop(name, None)
    if _too_wide(columns, width) and telling:
        columns = {name: cells for name, cells in columns.items() if name not in telling}
        labels = {"settings": [entry.label for entry in group.entries]}
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
    entries, best = group.entries, group.entries[0]
    columns = {"": [str(number) for number in range(1, len(entries) + 1)]}
    for place, setting in enumerate(group.settings):
        if setting.telling:
            columns[setting.key] = [as_text(entry.values[place]) for entry in entries]
    columns["Dice"] = [score(entry.dice_at_half) for entry in entries]
    if any(len(entry.runs) > 1 for entry in entries):
        columns["± seeds"] = [_spread(entry) for entry in entries]
    columns["95 % interval"] = [_interval(entry) for entry in entries]
    columns["to best"] = [_behind(entry, best) for entry in entries]
    costs = zip(*map(_costs, entries), strict=True)
    for name, cells in zip(("parameters", "time", "photos/s"), costs, strict=True):
        columns[name] = list(cells)
    columns["run"] = [_runs(entry) for entry in entries]
    return columns


def _too_wide(columns: Mapping[str, Sequence[str]], width: int | None) -> bool:
    """Say whether a terminal cannot show all columns, with the space between them."""
    needed = [max(map(cell_len, (name, *cells))) + 2 for name, cells in columns.items()]
    return width is not None and sum(needed) > width


def _photos(group: Group) -> str:
    return f"these {len(group.ids)} photos"


def _spread(entry: Entry) -> str:
    words = [] if math.isnan(entry.spread) else [f"{entry.spread:.4f} ({entry.seeds})"]
    return ", ".join([*words, *(["repeated"] if entry.repeats else [])])


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
