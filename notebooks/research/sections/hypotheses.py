"""What was believed, the sweep that tested it, and what the intervals carry."""

from collections.abc import Mapping
from itertools import combinations
from pathlib import Path

import numpy as np

from humanseg.metrics.verdicts import SMALLEST_EFFECT, Verdict, detectable_difference
from research.claims import SCORES, Hypothesis, claims_of, read_hypotheses, seed_deviation
from research.records import Records, read_columns
from research.show import (
    COLOURS,
    INK,
    LINE,
    QUIET,
    Picture,
    Prose,
    Table,
    difference,
    label,
    p_value,
    panels,
    picture,
    say,
)

_PLANNED = ("steps", "step_sizes", "folds", "decoders", "backbones")
"""The most decisive first."""
_STRONG = 0.98
"""Dice from which a run counts as a strong one."""
_COLOURS: Mapping[Verdict, str] = {
    "better": COLOURS[0],
    "worse": COLOURS[1],
    "negligible": COLOURS[2],
    "undecided": QUIET,
}


def sweeps_said(records: Records) -> Prose:
    """Show the command of each sweep and what it cost."""
    parts = []
    for sweep in records.sweeps():
        about, jobs = claims_of(sweep), read_columns(sweep / "leaderboard.csv")
        seconds = np.nansum(jobs.numbers("seconds"))
        parts.append(
            f"**`{sweep.name}`**: {len(jobs)} jobs, {seconds / 60:.0f} minutes of training, seeds "
            f"{', '.join(sorted(set(jobs.text('seed'))))}; {about.get('cost', 'no cost is noted')}."
            f"\n\n```sh\n{str(about.get('command', '')).strip()}\n```"
        )
    return Prose("\n\n".join(parts) or "*No sweep is on record yet.*")


def planned(records: Records) -> list[Path]:
    """Return the records that hold claims and no sweep yet."""
    folders = {path.parent for path in records.folder.glob("*/hypotheses.yaml")}
    done = {path.parent for path in records.folder.glob("*/*.csv")}
    return sorted(folders - done, key=lambda path: _PLANNED.index(path.name))


def planned_table(records: Records) -> Table | Prose:
    """Show the comparisons whose claims are written down and that have not run."""
    rows = []
    for folder in planned(records):
        about = claims_of(folder)
        claims = [str(one["claim"]) for one in about.get("hypotheses", ())]
        rows.append(
            [f"`{folder.name}`", str(about["varies"]), "; ".join(claims), str(about["minutes"])]
        )
    if not rows:
        return Prose("*All comparisons whose claims were written down have run.*")
    return Table(
        ["sweep", "varies", "claims, written down before it runs", "minutes, 2 cores>"], rows
    )


def planned_commands(records: Records) -> Prose:
    """Show the command of each comparison that has not run."""
    commands = [str(claims_of(folder)["command"]).strip() for folder in planned(records)]
    return Prose("```sh\n" + "\n\n".join(commands) + "\n```" if commands else "")


def hypotheses_table(records: Records) -> Table:
    """Show each hypothesis with its difference, interval and verdict."""
    rows = []
    for one in read_hypotheses(records):
        both = one.comparison
        rows.append(
            [
                str(one.number),
                one.claim,
                f"`{one.setting}`: {_short(one.better)} − {one.than}, {SCORES[one.score]}",
                *difference(one.difference),
                f"{one.pairs} × {one.seeds}",
                f"{both.low:+.4f} to {both.high:+.4f}",
                p_value(one.p),
                f"**{one.verdict}**",
            ]
        )
    names = ["#>", "claim", "compared", "difference>", "95 %, photos>"]
    return Table(
        [*names, "pairs × seeds>", "95 %, photos and seeds>", "p, Holm>", "the first is"],
        rows,
    )


def judging_said(records: Records) -> Prose:
    """Say how verdicts are reached, and how small a difference the photos can show."""
    count = len(read_hypotheses(records))
    deviation, freedom = seed_deviation(records)
    lines = [
        f"Runs that differ in the seed alone differ with a standard deviation of {deviation:.4f} "
        f"in Dice, pooled over the sweeps below with {freedom} degrees of freedom. No interval "
        f"over photos knows of that, so it is added. The smallest effect of interest, "
        f"{SMALLEST_EFFECT}, is about half of it."
    ]
    strong = [run.scores.numbers("dice") for run in records.runs.values() if run.dice >= _STRONG]
    if len(strong) > 1:
        pairs = [np.std(first - second, ddof=1) for first, second in combinations(strong, 2)]
        spread, photos = float(np.median(pairs)), len(strong[0])
        one = detectable_difference(spread, photos)
        many = detectable_difference(spread, photos, comparisons=max(count, 1))
        lines.append(
            f"Between two of the {len(strong)} recorded runs with a Dice of {_STRONG} or more, the "
            f"difference over the {photos} valid photos has a standard deviation of {spread:.4f}. "
            f"So {photos} photos show a true difference of {one:.4f} four times in five when it "
            f"is the only comparison, and one of {many:.4f} as one of {count}; for "
            f"{SMALLEST_EFFECT} it would take {photos * (one / SMALLEST_EFFECT) ** 2:,.0f} photos."
        )
    return say(" ".join(lines))


def reasons_said(records: Records) -> Prose:
    """Give the reason for each hypothesis, and where it was tested."""
    lines = []
    for one in read_hypotheses(records):
        only = ", ".join(f"{key}={value}" for key, value in one.where.items())
        where = f" (only jobs with {only})" if only else ""
        reason = " ".join(one.reason.split())
        lines.append(f"{one.number}. *{one.claim}* {reason} Tested by `{one.sweep}`{where}.")
    return Prose("\n".join(lines))


def count_said(records: Records) -> Prose:
    """Say how many hypotheses were tested, and how they ended."""
    found = read_hypotheses(records)
    ended = {verdict: sum(one.verdict == verdict for one in found) for verdict in _COLOURS}
    text = (
        f"{len(found)} claims were tested. {ended['better']} hold, of {ended['worse']} the "
        f"opposite holds, {ended['negligible']} make a difference that is negligible, and "
        f"{ended['undecided']} are undecided: these runs are too few, or the photos."
    )
    fallen = [
        f"#{one.number}"
        for one in found
        if one.verdict == "undecided" and one.difference.significant
    ]
    if fallen:
        text += (
            f" An interval over photos alone, without the other claims, would have decided "
            f"{', '.join(fallen)} too."
        )
    single = sum(one.seeds == 1 for one in found)
    if single:
        text += (
            f" {'All' if single == len(found) else single} of them are from one seed each; what "
            "other seeds may do is in the wider interval."
        )
    return Prose(text)


def hypotheses_picture(records: Records) -> Picture:
    """Draw the differences with their confidence intervals."""
    found = read_hypotheses(records)
    figure, (axes,) = panels(1, 1.1 + 0.36 * max(len(found), 1))
    for place, one in enumerate(found):
        both, colour = one.comparison, _COLOURS[one.verdict]
        axes.plot([both.low, both.high], [place, place], color=colour, linewidth=1.2)
        axes.plot(
            [one.difference.low, one.difference.high], [place, place], color=colour, linewidth=4
        )
        axes.plot([both.difference], [place], "o", color=colour, markersize=7)
    axes.axvline(0, color=INK, linewidth=0.8)
    axes.set_xscale("symlog", linthresh=0.002, linscale=0.8)
    ticks = [-0.01, -0.004, -0.001, 0, 0.001, 0.004, 0.01, 0.03, 0.1]
    axes.set_xticks(ticks, [f"{tick:+g}" if tick else "0" for tick in ticks])
    axes.minorticks_off()
    axes.set_yticks(range(len(found)))
    axes.set_yticklabels(
        [
            f"{one.number}. {_what(one)}{_short(one.better)} − {one.than}{_mark(one)}"
            for one in found
        ],
        color=INK,
    )
    axes.invert_yaxis()
    axes.grid(axis="y", visible=False)
    axes.grid(axis="x", color=LINE, linewidth=0.8)
    for verdict in dict.fromkeys(one.verdict for one in found):
        axes.plot([], [], "o-", color=_COLOURS[verdict], label=verdict)
    axes.legend(frameon=False, fontsize=9, labelcolor=INK, loc="lower left")
    label(
        axes,
        "What each claim is worth",
        "difference of the score, linear up to 0.002, then logarithmic",
        "",
    )
    return picture(figure, "The difference of each claim with its intervals, beside zero.")


def _what(one: Hypothesis) -> str:
    """Name the setting of values that are plain numbers."""
    return f"{one.setting.split('.')[-1]} " if one.than.replace(".", "").isdigit() else ""


def _short(value: str) -> str:
    return "ImageNet" if value.endswith(".safetensors") else value


def _mark(one: Hypothesis) -> str:
    only = [f"{value}" for value in one.where.values()]
    only += ["boundary"] if one.score == "boundary_dice" else []
    return f" ({', '.join(only)})" if only else ""
