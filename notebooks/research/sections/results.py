"""The recipes and what they must reach; the runs of which there is a record."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from humanseg.pages.render import duration
from research.records import KeptRun, Records
from research.show import Prose, Table, not_measured, say, score

SEEDS = 3
"""How often a final recipe is trained."""


def recipes_table(records: Records) -> Table:
    """Show each recipe with its floor, its goal and what its runs reached."""
    rows = [
        [
            f"`experiment={name}`",
            str(recipe["rule"]),
            f"{recipe['floor']:.3f}",
            f"{recipe['goal']:.3f}",
            *_reached(recipe, seeds_of(records, name)),
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
    names = ["Dice>", "at the boundary>", "million parameters>", "epochs>", "time>", "memory, GB>"]
    return Table(["record", *names, "device", "seed>"], rows)


def standing(records: Records) -> Prose:
    """Say in a sentence or two where the work stands."""
    done = [name for name in recipes(records) if seeds_of(records, name)]
    missing = [f"`{name}`" for name in recipes(records) if name not in done]
    best = records.best()
    text = (
        f"The best run on record is `{best.name}`, with a mean Dice per photo of "
        f"{score(best.dice)} on {len(best.scores)} valid photos."
    )
    if missing:
        text += f" Without a record yet: {', '.join(missing)}; what is said below of the best "
        text += "model holds for the best on record so far."
    return say(text)


def how_to_repeat(records: Records, recipe: str) -> Prose:
    """Show the commands of a recipe, from its beginning, or say that there is no run of it yet."""
    runs = seeds_of(records, recipe)
    if not runs:
        return not_measured(f"the recipe `{recipe}`", f"humanseg train experiment={recipe}")
    steps = lineage(records, runs[0])
    commands = "\n".join(f"humanseg train {' '.join(_words(step))}" for step in steps)
    commits = ", ".join(dict.fromkeys(str(step.summary["git"])[:7] for step in steps))
    return Prose(f"`{recipe}`, at commit {commits}:\n\n```sh\n{commands}\n```")


def _words(run: KeptRun) -> list[str]:
    return [word for word in run.summary["overrides"] if not word.startswith("logger=")]


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
    best = records.best()
    if best.measured is None:
        open_ends.append(
            f"The predictions of `{best.name}` were not measured, so sections 1 and 5 and the "
            "distances in section 6 speak of other runs."
        )
    return Prose("\n".join(f"- {one}" for one in open_ends) or "All recipes have their seeds.")
