"""The recipes with their floors and goals; the runs on record."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from humanseg.pages.render import duration
from research.records import KeptRun, Records
from research.show import Prose, Table, say, score

_TAIL = 0.05
"""The share of photos that counts as the worst."""
SEEDS = 3
"""The number of seeds of a final recipe."""


def recipes_table(records: Records) -> Table:
    """Show each recipe with its floor, its goal and the Dice of its runs."""
    rows = [
        [
            f"`recipe={name}`",
            str(recipe["rule"]),
            f"{recipe['floor']:.3f}",
            f"{recipe['goal']:.3f}",
            *_reached(recipe, _counted(records, name)),
        ]
        for name, recipe in recipes(records).items()
    ]
    return Table(["recipe", "rule", "floor>", "goal>", "Dice>", "seeds>", "verdict"], rows)


def measures_table(records: Records) -> Table:
    """Show the bundled models in other measures than the task's, all means over photos."""
    rows = []
    for name, columns in records.measured().items():
        both, predicted, true, dice = (
            columns.numbers(key) for key in ("both", "predicted", "true", "dice")
        )
        means = (dice, both / (predicted + true - both), both / predicted, both / true)
        spread = (np.median(dice), np.quantile(dice, _TAIL), dice.min())
        rows.append(
            [
                f"`{name}`",
                *(score(float(values.mean())) for values in means),
                f"{(predicted / true).mean() - 1:+.1%}",
                *(score(float(value)) for value in spread),
            ]
        )
    names = ["Dice>", "IoU>", "precision>", "recall>", "area too large by>", "median Dice>"]
    return Table(["model", *names, f"Dice of the worst {_TAIL:.0%}, at most>", "lowest>"], rows)


def stages_table(records: Records, recipe: str = "best") -> Table:
    """Show the stages of a recipe that was trained by one command."""
    rows = []
    for stage in _stages(records, recipe):
        gain = stage.get("gain")
        change = f"{gain['dice']:+.4f} over `{gain['over']}`" if gain else ""
        interval = f"{gain['low']:+.4f} to {gain['high']:+.4f}" if gain else ""
        took = duration(stage["seconds"])
        name, adds = f"`{stage['name']}`", str(stage["adds"])
        rows.append([name, adds, score(stage["dice_at_half"]), change, interval, took])
    return Table(["stage", "adds", "Dice>", "gain>", "95 %, photos>", "time>"], rows)


def stages_text(records: Records, recipe: str = "best") -> Prose:
    """Tell what the last stage of such a recipe scores, and at what cost."""
    stages = _stages(records, recipe)
    dice, took = stages[-1]["dice_at_half"], duration(sum(stage["seconds"] for stage in stages))
    bundled = records.bundled()
    gap = "" if bundled is None else f", {bundled.dice - dice:.4f} below the bundled run"
    return say(
        f"One command trained all {len(stages)} stages in {took}. The last has a Dice of "
        f"{score(dice)}{gap}; its 8-bit file lies beside its record, `{recipe}/recipe`."
    )


def _stages(records: Records, recipe: str) -> list[Mapping[str, Any]]:
    return list(records.config(f"{recipe}/recipe/record.json")["stages"])


def recipes(records: Records) -> Mapping[str, Any]:
    """Return floor, goal and rule of each recipe."""
    return records.config("recipes.yaml")


def seeds_of(records: Records, recipe: str) -> list[KeptRun]:
    """Return the runs of a recipe: its record and the folders in it that are called seed…."""
    return [
        run
        for name, run in records.runs.items()
        if name == recipe or name.startswith(f"{recipe}/seed")
    ]


def _counted(records: Records, recipe: str) -> list[KeptRun]:
    """Return the runs that count: the bundled one, where the files of the recipe were lost."""
    bundled = records.bundled()
    if bundled is not None and bundled.name.startswith(f"{recipe}/"):
        return [bundled]
    return seeds_of(records, recipe)


def _reached(recipe: Mapping[str, Any], runs: list[KeptRun]) -> tuple[str, str, str]:
    if not runs:
        return "–", "–", "not trained yet"
    scores = [run.dice for run in runs]
    mean = float(np.mean(scores))
    spread = f" ± {np.std(scores, ddof=1):.4f}" if len(runs) > 1 else ""
    if mean >= recipe["goal"]:
        verdict = "goal reached"
    elif mean >= recipe["floor"]:
        verdict = f"floor reached; {recipe['goal'] - mean:.4f} to the goal"
    else:
        verdict = f"{recipe['floor'] - mean:.4f} below the floor"
    return score(mean) + spread, str(len(runs)), verdict


def runs_table(records: Records) -> Table:
    """Show every recorded run with its scores and its cost."""
    ranked = sorted(records.runs.values(), key=lambda run: -run.dice)
    rows = [
        [
            f"`{run.name}`",
            score(run.dice),
            score(run.summary["boundary_dice"]),
            f"{run.summary['parameters'] / 1e6:.2f}",
            str(run.summary["epochs"]),
            duration(run.summary["seconds"]),
            f"{run.summary['peak_memory_mb'] / 1000:.1f}",
            str(run.summary["device"]),
            str(run.summary["seed"]),
        ]
        for run in ranked
    ]
    names = ["Dice>", "boundary Dice>", "million parameters>", "epochs>", "time>", "memory, GB>"]
    return Table(["record", *names, "device", "seed>"], rows)


def lineage(records: Records, run: KeptRun) -> list[KeptRun]:
    """Return the runs on record that a run was built on, the earliest first, and the run itself."""
    ordered: list[KeptRun] = []
    visited = set()

    def visit(current: KeptRun) -> None:
        if current not in visited:
            visited.add(current)
            for setting in ("init_from", "teacher"):
                for earlier in records.linked_runs(current, setting):
                    visit(earlier)
            ordered.append(current)

    visit(run)
    return ordered


def next_steps_text(records: Records) -> Prose:
    """List the work that is left, derived from the missing records."""
    tasks = []
    for name, recipe in recipes(records).items():
        runs = seeds_of(records, name)
        if not runs:
            aim = f"its floor is {recipe['floor']:.3f}, its goal {recipe['goal']:.3f}"
            tasks.append(f"`{name}` has no record: {aim}.")
        elif len(runs) < SEEDS:
            tasks.append(f"`{name}` has {len(runs)} of {SEEDS} seeds.")
    best = records.headline()
    if best.measured is None and records.of_bundled("best") is None:
        tasks.append(
            f"Thresholds, post-processing and errors by distance were not measured for the "
            f"predictions of `{best.name}`; the report shows them for other runs."
        )
    return Prose("\n".join(f"- {task}" for task in tasks) or "All recipes have their seeds.")
