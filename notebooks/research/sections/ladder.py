"""The steps of the recorded recipe compared, and the settings that each changed."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from humanseg.config.renames import current_key
from humanseg.metrics.statistics import bootstrap_interval, paired_difference
from humanseg.metrics.verdicts import Comparison, Verdict, compare, judge_all
from research.claims import SCORES, seed_deviation
from research.records import KeptRun, Records
from research.sections.results import lineage
from research.show import COLOURS, INK, QUIET, Picture, Table, label, panels, picture, score

_WITHOUT_EFFECT = ("data.root", "logger", "run_dir", "threads", "trainer", "data.workers")
BUNDLED = "bundled"
"""Stands for the run that is bundled as `best`."""


@dataclass(frozen=True)
class FullCost:
    """A question to two runs of full length, which differ in more than what is asked."""

    first: str
    second: str
    question: str
    score: str = "dice"


_U_NET_OR_PSPNET = "U-Net or PSPNet, both distilled, EfficientNet-Lite2"
_AT_FULL_COST = (
    FullCost(BUNDLED, "best_pspnet", _U_NET_OR_PSPNET),
    FullCost(BUNDLED, "best_pspnet", "the same at the boundary", "boundary_dice"),
    FullCost(BUNDLED, "best_from_scratch", "ImageNet weights or none; the networks differ too"),
    FullCost("best_from_scratch", "seed_pspnet", "plain U-Net or PSPNet, both from scratch"),
    FullCost(BUNDLED, "tiny/mean", "EfficientNet-Lite2 at a larger size, or the small network"),
    FullCost("best/before", "best/teacher", "self-distillation, or its starting point"),
    FullCost("tiny/longer", "tiny", "longer or shorter training"),
)


def steps_table(records: Records, recipe: str = "best") -> Table:
    """Show each step of a recipe beside the previous one, and the settings that it changed."""
    steps = lineage(records, records.runs[recipe])
    # A teacher is no step of its own: the previous step is the run that gave the initial weights.
    chain = [run for run in steps if run is records.runs[recipe] or _is_start(run, steps, records)]
    gaps = [
        paired_difference(after.scores.numbers("dice"), before.scores.numbers("dice"))
        for before, after in zip(chain, chain[1:], strict=False)
    ]
    deviation, _ = seed_deviation(records)
    compared = [compare(gap, deviation) for gap in gaps]
    judged = judge_all(compared)
    rows = [[f"`{chain[0].name}`", score(chain[0].dice), "", "", "", ""]]
    for before, run, both, (_, verdict) in zip(chain, chain[1:], compared, judged, strict=False):
        rows.append(
            [
                f"`{run.name}`",
                score(run.dice),
                f"{both.difference:+.4f}",
                f"{both.low:+.4f} to {both.high:+.4f}",
                verdict,
                ", ".join(changes(before, run)),
            ]
        )
    names = ["Dice>", "difference>", "95 %, photos and seeds>", "compared with the previous step"]
    return Table(["step", *names, "settings changed, besides further training"], rows)


def changes(before: KeptRun, after: KeptRun) -> list[str]:
    """Return the settings in which two runs differ."""
    first, second = (_settings(run) for run in (before, after))
    keys = [key for key in second if first.get(key) != second[key]]
    return [f"`{key}`" for key in [*keys, *(key for key in first if key not in second)]]


def full_cost_table(records: Records) -> Table:
    """Show what full-length runs say on the questions of the small sweeps."""
    rows = [
        [
            one.question,
            f"`{one.first}` − `{one.second}`",
            SCORES[one.score],
            f"{both.difference:+.4f}",
            f"{both.low:+.4f} to {both.high:+.4f}",
            f"**{verdict}**",
        ]
        for one, (both, verdict) in at_full_cost(records).items()
    ]
    names = ["difference>", "95 %, photos and seeds>", "verdict"]
    return Table(["question", "runs", "score", *names], rows)


def at_full_cost(records: Records) -> Mapping["FullCost", tuple[Comparison, Verdict]]:
    """Compare pairs of runs of full length, all as one family."""
    bundled = records.headline().name
    asked = [replace(one, first=bundled) if one.first == BUNDLED else one for one in _AT_FULL_COST]
    asked = [one for one in asked if {one.first, one.second} <= set(records.runs)]
    compared = []
    for one in asked:
        first, second = (
            records.runs[name].scores.numbers(one.score) for name in (one.first, one.second)
        )
        # A photo without an outline has no score there.
        known = np.isfinite(first) & np.isfinite(second)
        deviation, _ = seed_deviation(records, one.score)
        compared.append(compare(paired_difference(first[known], second[known]), deviation))
    return {
        one: (both, verdict)
        for one, both, (_, verdict) in zip(asked, compared, judge_all(compared), strict=True)
    }


def ladder_picture(records: Records) -> Picture:
    """Draw the runs of each recipe with their intervals over photos, in the order of training."""
    figure, (axes,) = panels(1, 4.6)
    y = 0.0
    labels: dict[float, str] = {}
    recipes = ("best", "best_pspnet", "best_from_scratch", "tiny")
    for recipe, colour in zip(recipes, COLOURS, strict=False):
        for run in lineage(records, records.runs[recipe]):
            if run.name.split("/")[0] == recipe:
                interval = bootstrap_interval(run.scores.numbers("dice"))
                ends = [interval.low, interval.high]
                axes.plot(ends, [y, y], color=colour, linewidth=2)
                axes.plot(interval.mean, y, "o", color=colour, markersize=6)
                labels[y] = run.name
                y += 1
        y += 0.6
    axes.set_yticks(list(labels), list(labels.values()), color=INK)
    axes.invert_yaxis()
    axes.grid(axis="y", visible=False)
    axes.grid(axis="x", color="#d9d9d2", linewidth=0.8)
    axes.axvline(records.headline().dice, color=QUIET, linewidth=1, linestyle=(0, (2, 3)))
    label(axes, "Runs of each recipe, first step first", "mean Dice per photo on valid", "")
    return picture(
        figure, "Runs of four recipes with their intervals; the mean rises from step to step."
    )


def _is_start(run: KeptRun, steps: list[KeptRun], records: Records) -> bool:
    return any(run in records.linked_runs(other, "init_from") for other in steps)


def _settings(run: KeptRun) -> Mapping[str, Any]:
    words = (word.lstrip("+").partition("=") for word in run.summary["overrides"])
    named = {current_key(key): value for key, _, value in words}
    return {
        key: value
        for key, value in named.items()
        if key not in _WITHOUT_EFFECT
        and key != "init_from"
        and not key.startswith("trainer.max_time")
    }
