"""The stages of a recipe: the Dice of each, and its gain over the stage that it started from."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from humanseg.errors import HumansegError, printable
from humanseg.metrics.statistics import PairedDifference, paired_difference
from humanseg.pages.render import duration, score
from humanseg.runs import RunFolder
from humanseg.runs.folder import recipe_stages
from humanseg.runs.record import RunRecord, data_key, read_run


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
    """

    name: str
    adds: str
    run: RunRecord | None
    over: str
    gain: PairedDifference | None


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
        before = [runs[source] for source in stage.get("starts_from") or () if source in runs]
        over = max(before, key=lambda each: each.dice_at_half, default=None)
        gain = None
        if run is not None and run.finished:
            runs[name] = run
            if over is not None and data_key(over) == data_key(run):
                gain = paired_difference(run.dice, over.dice)
        over_name = over.name if over is not None else ""
        ladder.append(Rung(name, str(stage.get("adds") or ""), run, over_name, gain))
    return ladder


def print_ladder(ladder: Sequence[Rung]) -> None:
    """Print a row for each stage, and a sentence where an earlier one is better than the last."""
    console = Console()
    if not console.is_terminal:
        # Into a file or a pipe the rows go whole, however long they are.
        console = Console(width=10_000)
    console.print(_table(ladder))
    if note := _note(ladder):
        console.print(printable(note), soft_wrap=True, markup=False, highlight=False)


def _table(ladder: Sequence[Rung]) -> Table:
    """Return a row for each stage, for rich's console."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("stage")
    for name in ("Dice", "gain", "95 % interval"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("over")
    for name in ("epochs", "time"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("what it adds", overflow="fold")
    for rung in ladder:
        # As text: brackets in it are no markup.
        table.add_row(*map(Text, _cells(rung)))
    return table


def _note(ladder: Sequence[Rung]) -> str:
    """Return a sentence where an earlier stage is better than the last one; else an empty text."""
    finished = [rung.run for rung in ladder if rung.run is not None and rung.run.finished]
    if not finished or ladder[-1].run is not finished[-1]:
        return ""
    last, best = finished[-1], max(finished, key=lambda run: run.dice_at_half)
    if best is last or data_key(best) != data_key(last):
        return ""
    behind = paired_difference(last.dice, best.dice)
    return f"The last stage is {behind.sentence()}, compared with {best.name}, the best one."


def _cells(rung: Rung) -> list[str]:
    run = rung.run
    if run is None or not run.finished:
        return [rung.name, run.status if run else "–", "", "", "", "", "", rung.adds]
    epochs, seconds = run.number("epochs"), run.number("seconds")
    gain = rung.gain
    return [
        rung.name,
        score(float(run.dice.mean())),
        f"{gain.difference:+.4f}" if gain else "–",
        f"{gain.low:+.4f} to {gain.high:+.4f}" if gain else "",
        rung.over if gain else "",
        "" if epochs is None else f"{epochs:.0f}",
        "" if seconds is None else duration(seconds),
        rung.adds,
    ]


def _read(folder: Path, name: str) -> RunRecord | None:
    try:
        return read_run(RunFolder(folder), name)
    except HumansegError:
        return None
