"""The recipes and what they must reach; the runs of which there is a record."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from humanseg.pages.render import duration
from research.records import KeptRun, Records
from research.show import Prose, Table, say, score

SEEDS = 3
"""How often a final recipe is trained."""


def recipes_table(records: Records) -> Table:
    """Show each recipe with its floor, its goal and what its runs reached."""
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
    """Return the runs that count: the bundled one, where the recipe's own files are gone."""
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
    """Show every recorded run with its scores and what it cost."""
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


def standing(records: Records) -> Prose:
    """Say in a sentence or two where the work stands."""
    done = [name for name in recipes(records) if seeds_of(records, name)]
    missing = [f"`{name}`" for name in recipes(records) if name not in done]
    best = records.headline()
    text = (
        f"The run that is bundled is `{best.name}`, with a mean Dice per photo of "
        f"{score(best.dice)} on {len(best.scores)} valid photos."
    )
    if missing:
        text += f" Without a record yet: {', '.join(missing)}; what is said below of the best "
        text += "model holds for the best on record so far."
    return say(text)


def lineage(records: Records, run: KeptRun) -> list[KeptRun]:
    """Return the runs on record that a run rests on, the earliest first, and itself."""
    found: list[KeptRun] = []
    seen = set()

    def visit(one: KeptRun) -> None:
        if one not in seen:
            seen.add(one)
            for setting in ("init_from", "teacher"):
                for earlier in records.behind(one, setting):
                    visit(earlier)
            found.append(one)

    visit(run)
    return found


def next_said(records: Records) -> Prose:
    """List what is still to be done, from what the records lack."""
    open_ends = []
    for name, recipe in recipes(records).items():
        runs = seeds_of(records, name)
        if not runs:
            aim = f"its floor is {recipe['floor']:.3f}, its goal {recipe['goal']:.3f}"
            open_ends.append(f"`{name}` has no record: {aim}.")
        elif len(runs) < SEEDS:
            open_ends.append(f"`{name}` has {len(runs)} of {SEEDS} seeds.")
    best = records.headline()
    if best.measured is None:
        open_ends.append(
            f"Thresholds, post-processing and errors by distance were not measured of the "
            f"predictions of `{best.name}`; what is said of them is of other runs."
        )
    return Prose("\n".join(f"- {one}" for one in open_ends) or "All recipes have their seeds.")
