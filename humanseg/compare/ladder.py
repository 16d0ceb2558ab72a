"""The stages of a recipe: the Dice of each, and its gain over the stage that it started from.

Where the photos of `data.extra_valid` chose checkpoints too, the same by them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Console
from rich.table import Table
from rich.text import Text

from humanseg.errors import HumansegError, printable
from humanseg.io.tables import as_numbers, read_table
from humanseg.metrics.statistics import (
    PairedDifference,
    mean_of_sources,
    paired_by_source,
    paired_difference,
)
from humanseg.pages.render import duration, score
from humanseg.runs import RunFolder
from humanseg.runs.folder import recipe_stages
from humanseg.runs.record import RunRecord, data_key, read_run

if TYPE_CHECKING:
    import pandas as pd

_GAIN = ("gain", "95 % interval")
_COMPARED = ["dice", "foreground"]


@dataclass(frozen=True)
class Rung:
    """A stage of a recipe.

    Attributes
    ----------
    name, adds
        What it is called, and what it does that those before it have not.
    run
        Its record; None where there is none yet, or none that can be read.
    over
        The stage that it started from: of several the best one; empty where there is none.
    gain
        Its Dice minus that stage's, photo by photo; None where they cannot be compared.
    gain_of_sources
        The same of the mean over the sources of `data.extra_valid`.
    """

    name: str
    adds: str
    run: RunRecord | None
    over: str
    gain: PairedDifference | None
    gain_of_sources: PairedDifference | None

    def recorded_gain(self) -> dict[str, Any]:
        """Return the gain as `record.json` has it; empty where there is none."""
        if self.gain is None:
            return {}
        entry = {"over": self.over, **_as_entry(self.gain)}
        others = self.gain_of_sources
        return entry if others is None else {**entry, "sources": _as_entry(others)}


def is_recipe(folder: Path) -> bool:
    """Return whether a folder is that of a recipe."""
    return bool(recipe_stages(folder))


def read_ladder(folder: Path) -> list[Rung]:
    """Read the stages of a recipe's folder, in order; empty where it is the folder of none."""
    runs: dict[str, RunRecord] = {}
    ladder = []
    for stage in recipe_stages(folder):
        name = str(stage.get("name"))
        run = _read(folder / name, name)
        sources = [runs[source] for source in stage.get("starts_from") or () if source in runs]
        over = max(sources, key=lambda source: source.dice_at_half, default=None)
        gain = gain_of_sources = None
        if run is not None and run.finished:
            runs[name] = run
            if over is not None and data_key(over) == data_key(run):
                gain = paired_difference(run.dice, over.dice)
            if over is not None:
                gain_of_sources = _compare_sources(run, over)
        over_name, adds = over.name if over is not None else "", str(stage.get("adds") or "")
        ladder.append(Rung(name, adds, run, over_name, gain, gain_of_sources))
    return ladder


def print_ladder(ladder: Sequence[Rung]) -> None:
    """Print a row for each stage, and what has to be said of an earlier one that is better."""
    console = Console()
    if not console.is_terminal:
        # Into a file or a pipe the rows go whole, however long they are.
        console = Console(width=10_000)
    console.print(_table(ladder))
    for note in _notes(ladder):
        console.print(printable(note), soft_wrap=True, markup=False, highlight=False)


def _table(ladder: Sequence[Rung]) -> Table:
    """Return a row for each stage, for rich's console."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("stage")
    sources = any(rung.run and _dice_of_sources(rung.run) is not None for rung in ladder)
    for name in ("Dice", *_GAIN, *(("other sources", *_GAIN) if sources else ())):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("over")
    for name in ("epochs", "time"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("what it adds", overflow="fold")
    for rung in ladder:
        # As text: brackets in it are no markup.
        table.add_row(*map(Text, _cells(rung, sources)))
    return table


def _notes(ladder: Sequence[Rung]) -> Iterator[str]:
    """Yield what chose the checkpoints, and where an earlier stage is better than the last one."""
    finished = [rung.run for rung in ladder if rung.run is not None and rung.run.finished]
    chosen = [run for run in finished if _dice_of_sources(run) is not None]
    if chosen:
        names = ", ".join(run.name for run in chosen)
        which = "each stage" if len(chosen) == len(finished) else names
        yield (
            f"The checkpoint of {which} was chosen by the mean over all sources, the valid photos "
            'being one; "other sources" is the mean over all but these.'
        )
    if not finished or ladder[-1].run is not finished[-1]:
        return
    last, best = finished[-1], max(finished, key=lambda run: run.dice_at_half)
    if best is not last and data_key(best) == data_key(last):
        behind = paired_difference(last.dice, best.dice)
        yield f"The last stage is {behind.sentence()}, compared with {best.name}, the best one."
    best = max(chosen, key=lambda run: _dice_of_sources(run) or 0.0, default=last)
    if best is not last and (by_source := _compare_sources(last, best)) is not None:
        yield (
            f"On other sources the last stage is {by_source.sentence()}, compared with "
            f"{best.name}, the best one there."
        )


def _cells(rung: Rung, sources: bool) -> list[str]:
    run = rung.run
    if run is None or not run.finished:
        return [rung.name, run.status if run else "–", *[""] * (8 if sources else 5), rung.adds]
    epochs, seconds = run.number("epochs"), run.number("seconds")
    others, gains = _dice_of_sources(run), (rung.gain, rung.gain_of_sources)
    return [
        rung.name,
        score(float(run.dice.mean())),
        *_gain_cells(rung.gain),
        *(["–" if others is None else score(others)] if sources else []),
        *(_gain_cells(rung.gain_of_sources) if sources else []),
        rung.over if any(gains) else "",
        "" if epochs is None else f"{epochs:.0f}",
        "" if seconds is None else duration(seconds),
        rung.adds,
    ]


def _gain_cells(gain: PairedDifference | None) -> list[str]:
    if gain is None:
        return ["–", ""]
    return [f"{gain.difference:+.4f}", f"{gain.low:+.4f} to {gain.high:+.4f}"]


def _as_entry(gain: PairedDifference) -> dict[str, float]:
    return {"dice": gain.difference, "low": gain.low, "high": gain.high}


def _by_source(run: RunRecord) -> Mapping[str, Any]:
    by_source = run.summary.get("dice_by_source")
    return by_source if run.finished and isinstance(by_source, Mapping) else {}


def _dice_of_sources(run: RunRecord) -> float | None:
    """Return the mean over the sources of `data.extra_valid` in which somebody is, if any."""
    return mean_of_sources(_by_source(run))


def _compare_sources(run: RunRecord, other: RunRecord) -> PairedDifference | None:
    """Compare two runs on the same photos of further sources; None where these are not the same."""
    scores, others = _scores_of_sources(run), _scores_of_sources(other)
    if not scores or scores.keys() != others.keys():
        return None
    pairs = [(scores[name], others[name]) for name in scores]
    # Which photos these are is told by their ids and masks.
    if not all(first["foreground"].equals(second["foreground"]) for first, second in pairs):
        return None
    return paired_by_source([(first["dice"], second["dice"]) for first, second in pairs])


def _scores_of_sources(run: RunRecord) -> "dict[str, pd.DataFrame]":
    """Read `dice` and `foreground` by id of the photos of each source in which somebody is."""
    people = [name for name, scores in _by_source(run).items() if "dice" in scores]
    try:
        table = read_table(run.folder.extra_scores, ["id", "source", *_COMPARED])
    except HumansegError:
        return {}
    numbers = as_numbers(table[_COMPARED]).set_index(table["id"])
    rows = {name: numbers[(table["source"] == name).to_numpy()] for name in people}
    # A file that was changed by hand, say.
    whole = all(len(scores) and np.isfinite(scores.to_numpy()).all() for scores in rows.values())
    return rows if whole else {}


def _read(folder: Path, name: str) -> RunRecord | None:
    try:
        return read_run(RunFolder(folder), name)
    except HumansegError:
        return None
