"""The small model: its teacher, its files, its speed, and other models."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import humanseg
from humanseg.errors import HumansegError
from humanseg.inference.catalog import bundled_models
from humanseg.metrics.statistics import paired_difference
from research.claims import read_hypotheses
from research.records import KeptRun, Records
from research.show import (
    COLOURS,
    INK,
    LINE,
    QUIET,
    Picture,
    Prose,
    Table,
    label,
    not_measured,
    panels,
    picture,
    say,
    score,
)

_SHOWN = (0.93, 0.988)
"""Dice that the plot shows."""

MANIFEST = Path(humanseg.__file__).parent / "inference" / "bundled" / "tiny" / "manifest.json"
"""The manifest of the bundled model `tiny`."""


def manifest() -> dict[str, Any]:
    """Read the manifest of the bundled model `tiny`."""
    try:
        return dict(json.loads(MANIFEST.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise HumansegError(
            f"{MANIFEST} is missing or broken: take it from the repository."
        ) from error


def files_table() -> Table:
    """Show every bundled file beside the checkpoint that it was made from."""
    rows = []
    for name, model in bundled_models().items():
        checkpoint = model.manifest["scores"]["dice"]
        for file in model.manifest["files"].values():
            change = f"{file['dice'] - checkpoint:+.4f}"
            size = f"{file['bytes'] / 1e6:.2f} MB"
            cells = [file["precision"], size, score(checkpoint), score(file["dice"]), change]
            rows.append([f"`{name}`", *cells])
    names = ["precision", "size>", "Dice of the checkpoint>", "Dice of the file>", "difference>"]
    return Table(["model", *names], rows)


def bundled_text(records: Records) -> Prose:
    """Describe the bundled small model: its scores, its targets and its teacher."""
    about = manifest()
    # Not always the recipe's own record: the best of several runs is bundled.
    run = records.runs.get(about["run"])
    if run is None:
        return not_measured("the tiny model", "humanseg train experiment=tiny")
    recipe = records.config("recipes.yaml")["tiny"]
    name, largest = max(about["files"].items(), key=lambda item: item[1]["bytes"])
    megabytes = largest["bytes"] / 1e6
    size = "within" if megabytes <= 1 else "over"
    low, high = about["scores"]["interval"]
    return say(
        f"`tiny` is `{about['name']}`, {run.summary['parameters'] / 1e6:.2f} million "
        f"parameters, at a longer side of {about['long_side']} pixels. The checkpoint has a Dice "
        f"of {score(about['scores']['dice'])} ({low:.4f} to {high:.4f}) on "
        f"{about['scores']['photos']} valid photos, and a boundary Dice of "
        f"{score(about['scores']['boundary_dice'])}; the file `{name}` has a Dice of "
        f"{score(largest['dice'])}. The file has {megabytes:.2f} MB, {size} the limit of 1 MB; the "
        f"floor is {recipe['floor']:.3f}, the goal {recipe['goal']:.3f}. "
        f"{_teacher_text(records, run)}"
    )


def _teacher_text(records: Records, run: KeptRun) -> str:
    teachers = records.linked_runs(run, "teacher")
    if not teachers:
        return "Its teacher is not on record."
    teacher = teachers[0]
    gap = paired_difference(run.scores.numbers("dice"), teacher.scores.numbers("dice"))
    unlabelled = run.summary.get("teacher", {}).get("unlabelled", 0)
    return (
        f"It was trained on the masks, and distilled from a teacher with a Dice of "
        f"{score(teacher.dice)} and {teacher.summary['parameters'] / 1e6:.2f} million parameters, "
        f"on the train photos and {unlabelled} unlabelled photos. Compared with its teacher, photo "
        f"by photo, it is {gap.sentence()}."
    )


def distillation_text(records: Records) -> Prose:
    """Say what a teacher was found to be worth."""
    for claim in read_hypotheses(records):
        if claim.setting == "teacher_weight":
            return say(
                f"The effect of distillation alone is open: claim #{claim.number} of section 4, on "
                f"a short training, is {claim.verdict}, with a difference of "
                f"{claim.difference.difference:+.4f}."
            )
    return not_measured(
        "the effect of distillation, by the same training without a teacher",
        "humanseg train experiment=tiny",
    )


def speed_table(records: Records) -> Table | Prose:
    """Show latency beside MediaPipe's models, from one run of the benchmark."""
    path = records.folder / "tiny" / "benchmark.csv"
    if not path.is_file():
        return not_measured(
            "latency beside MediaPipe's models in the same run",
            "python scripts/benchmark_inference.py export --data photos",
        )
    table = records.table("tiny/benchmark.csv")
    columns = (table.numbers(name) for name in ("milliseconds", "bytes", "dice"))
    rows = [
        [name, f"{time:.2f} ms", f"{size / 1e6:.2f} MB", score(dice)]
        for name, time, size, dice in zip(table.text("model"), *columns, strict=True)
    ]
    return Table(["model", "time per photo, one thread>", "file>", "Dice>"], rows)


@dataclass(frozen=True)
class Contender:
    """A model with its cost; unknown values are NaN."""

    name: str
    dice: float
    milliseconds: float
    megabytes: float
    ours: bool

    def beats(self, other: "Contender", cost: str) -> bool:
        """Return whether it is at least as good and as cheap, and better in one of them."""
        mine, theirs = getattr(self, cost), getattr(other, cost)
        no_worse = self.dice >= other.dice and mine <= theirs
        return no_worse and (self.dice, mine) != (other.dice, theirs)


def contenders(records: Records) -> list[Contender]:
    """List the bundled models and ready-made ones, the highest Dice on valid first."""
    models = [
        Contender(
            name,
            model.record["dice"]["in_distribution"]["mean"],
            model.record["latency"]["milliseconds"],
            model.bytes / 1e6,
            ours=True,
        )
        for name, model in bundled_models().items()
    ]
    for file, score_name in (("rivals", "valid"), ("models", "dice")):
        table = records.table(f"others/{file}.csv")
        columns = (table.numbers(name) for name in (score_name, "milliseconds", "bytes"))
        models += [
            Contender(name, dice, time, size / 1e6, ours=False)
            for name, dice, time, size in zip(table.text("model"), *columns, strict=True)
            if not any(name.startswith(model.name) for model in models)
        ]
    return sorted(models, key=lambda model: -model.dice)


def contenders_table(records: Records) -> Table:
    """Show every model of the plot by its number."""
    rows = [
        [
            str(number),
            f"`{one.name}`" if one.ours else one.name,
            score(one.dice),
            f"{one.milliseconds:g}",
            "–" if one.megabytes != one.megabytes else f"{one.megabytes:.2f}",
        ]
        for number, one in enumerate(contenders(records), 1)
    ]
    return Table(["#>", "model", "Dice on valid>", "ms per photo>", "MB>"], rows)


def pareto_picture(records: Records) -> Picture:
    """Draw Dice against time and against size, each model by its number."""
    from matplotlib.ticker import FuncFormatter, NullFormatter

    figure, axes = panels(2, 4.2)
    every = list(enumerate(contenders(records), 1))
    for axis, cost, title, unit in (
        (axes[0], "milliseconds", "Dice and time", "milliseconds per photo, one CPU thread"),
        (axes[1], "megabytes", "Dice and size", "megabytes"),
    ):
        known = [
            (number, one)
            for number, one in every
            if getattr(one, cost) > 0 and one.dice > _SHOWN[0]
        ]
        best = [one for _, one in known if not any(other.beats(one, cost) for _, other in known)]
        best.sort(key=lambda one: float(getattr(one, cost)))
        axis.step(
            [getattr(one, cost) for one in best],
            [one.dice for one in best],
            where="post",
            color=QUIET,
            linewidth=1,
            linestyle=(0, (3, 3)),
        )
        for number, one in known:
            colour = COLOURS[0] if one.ours else COLOURS[1]
            axis.plot(getattr(one, cost), one.dice, "o", color=colour, markersize=13)
            axis.annotate(
                str(number),
                (getattr(one, cost), one.dice),
                ha="center",
                va="center",
                fontsize=8,
                color="white",
            )
        axis.set_xscale("log")
        axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axis.xaxis.set_minor_formatter(NullFormatter())
        axis.set_ylim(*_SHOWN)
        axis.grid(axis="x", color=LINE, linewidth=0.8)
        label(axis, title, f"{unit}, logarithmic", "mean Dice on valid")
    for name, colour in (("bundled with humanseg", COLOURS[0]), ("ready-made", COLOURS[1])):
        axes[1].plot([], [], "o", color=colour, label=name)
    axes[1].legend(frameon=False, fontsize=9, labelcolor=INK, loc="lower left")
    return picture(figure, "Dice of numbered models against milliseconds and megabytes.")
