"""Section 3: what was believed, the sweep that tested it, and what came out."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from humanseg.errors import HumansegError
from humanseg.metrics.statistics import PairedDifference, paired_difference
from humanseg.runs.record import read_config
from research.records import Columns, Records, read_columns
from research.show import (
    COLOURS,
    INK,
    INTERVAL,
    QUIET,
    Picture,
    Prose,
    Table,
    difference,
    label,
    panels,
    picture,
)

HOLDS, OPPOSITE, OPEN = "holds", "the opposite holds", "not significantly different"

_SCORE_NAMES = {"dice": "Dice", "boundary_dice": "Dice at the outline"}


@dataclass(frozen=True)
class Hypothesis:
    """A belief about one setting, and its test.

    Attributes
    ----------
    number
        Counted over all sweeps.
    claim, reason
        In words.
    sweep
        The name of its record.
    setting, better, than
        The values that were compared, the one that was believed in first.
    where
        Other settings that the jobs must have.
    score
        The column of `scores.csv` that was compared.
    pairs
        How many pairs of jobs differ in the setting alone.
    seeds
        How many seeds they have.
    difference
        Mean over pairs and photos, with its interval over photos.
    """

    number: int
    claim: str
    reason: str
    sweep: str
    setting: str
    better: str
    than: str
    where: Mapping[str, str]
    score: str
    pairs: int
    seeds: int
    difference: PairedDifference

    @property
    def verdict(self) -> str:
        """What the interval says of the claim."""
        if not self.difference.significant:
            return OPEN
        return HOLDS if self.difference.difference > 0 else OPPOSITE


def read_hypotheses(records: Records) -> list[Hypothesis]:
    """Test every hypothesis that stands beside the record of a sweep.

    Raises
    ------
    HumansegError
        A hypothesis names what its sweep has not.
    """
    found: list[Hypothesis] = []
    for sweep in records.sweeps():
        for one in _hypotheses(sweep).get("hypotheses", ()):
            found.append(_test(len(found) + 1, sweep, one))
    return found


def sweeps_said(records: Records) -> Prose:
    """Show the command of each sweep and what it cost."""
    parts = []
    for sweep in records.sweeps():
        about, jobs = _hypotheses(sweep), read_columns(sweep / "leaderboard.csv")
        seconds = np.nansum(jobs.numbers("seconds"))
        parts.append(
            f"**`{sweep.name}`**: {len(jobs)} jobs, {seconds / 60:.0f} minutes of training, seeds "
            f"{', '.join(sorted(set(jobs.text('seed'))))}; {about.get('cost', 'no cost is noted')}."
            f"\n\n```sh\n{str(about.get('command', '')).strip()}\n```"
        )
    return Prose("\n\n".join(parts) or "*No sweep is on record yet.*")


def hypotheses_table(records: Records) -> Table:
    """Show each hypothesis with its difference, interval and verdict."""
    rows = []
    for one in read_hypotheses(records):
        gap = one.difference
        rows.append(
            [
                str(one.number),
                one.claim,
                f"`{one.setting}`: {one.better} − {one.than}",
                _SCORE_NAMES.get(one.score, one.score),
                *difference(gap),
                f"{one.pairs} × {one.seeds}",
                f"**{one.verdict}**",
            ]
        )
    names = ["#>", "claim", "compared", "score", "difference>", INTERVAL]
    return Table([*names, "pairs × seeds>", "verdict"], rows)


def reasons_said(records: Records) -> Prose:
    """Give the reason for each hypothesis, and where it was tested."""
    lines = []
    for one in read_hypotheses(records):
        only = ", ".join(f"{key}={value}" for key, value in one.where.items())
        where = f" (only jobs with {only})" if only else ""
        reason = " ".join(one.reason.split())
        lines.append(f"{one.number}. *{one.claim}* {reason} Tested by `{one.sweep}`{where}.")
    return Prose("\n".join(lines))


def count_said(records: Records, wanted: int = 12) -> Prose:
    """Say how many hypotheses were tested, and how they ended."""
    found = read_hypotheses(records)
    ended = [sum(one.verdict == verdict for one in found) for verdict in (HOLDS, OPPOSITE, OPEN)]
    text = (
        f"{len(found)} hypotheses were tested: {ended[0]} hold, of {ended[1]} the opposite holds, "
        f"and {ended[2]} make no significant difference on these photos."
    )
    if len(found) < wanted:
        text += f" At least {wanted} are planned; the others have no sweep on record yet."
    single = sum(one.seeds == 1 for one in found)
    if single:
        text += (
            f" {'All' if single == len(found) else single} of them are from one seed each: a "
            "confidence interval over photos says nothing about other seeds."
        )
    return Prose(text)


def hypotheses_picture(records: Records) -> Picture:
    """Draw the differences with their confidence intervals."""
    found = read_hypotheses(records)
    figure, (axes,) = panels(1, 0.9 + 0.36 * max(len(found), 1))
    colours = {HOLDS: COLOURS[0], OPPOSITE: COLOURS[1], OPEN: QUIET}
    for place, one in enumerate(found):
        gap = one.difference
        axes.plot([gap.low, gap.high], [place, place], color=colours[one.verdict], linewidth=2.5)
        axes.plot([gap.difference], [place], "o", color=colours[one.verdict], markersize=6)
    axes.axvline(0, color=INK, linewidth=0.8)
    axes.set_yticks(range(len(found)))
    axes.set_yticklabels(
        [f"{one.number}. {one.better} − {one.than}{_mark(one)}" for one in found], color=INK
    )
    axes.invert_yaxis()
    axes.grid(axis="y", visible=False)
    axes.grid(axis="x", color="#d9d9d2", linewidth=0.8)
    label(
        axes,
        "What each claim is worth",
        "difference of the score, 95 % confidence interval",
        "",
    )
    return picture(figure, "The difference of each hypothesis with its interval, beside zero.")


def _mark(one: Hypothesis) -> str:
    only = [f"{value}" for value in one.where.values()]
    only += ["outline"] if one.score == "boundary_dice" else []
    return f" ({', '.join(only)})" if only else ""


def _hypotheses(sweep: Path) -> Mapping[str, Any]:
    path = sweep / "hypotheses.yaml"
    return read_config(path) if path.is_file() else {}


def _test(number: int, sweep: Path, said: Mapping[str, Any]) -> Hypothesis:
    jobs = read_columns(sweep / "leaderboard.csv")
    score = str(said.get("score", "dice"))
    scores = read_columns(sweep / f"{score}.csv")
    setting, better, than = (str(said[name]) for name in ("setting", "better", "than"))
    where = {key: str(value) for key, value in said.get("where", {}).items()}
    pairs = matched(jobs, setting, better, than, where)
    if not pairs:
        raise HumansegError(
            f"{sweep / 'hypotheses.yaml'}: {said['claim']!r} compares {setting}={better} with "
            f"{setting}={than}, but no two finished jobs of the sweep differ in that alone."
        )
    seeds = {jobs.text("seed")[first] for first, _ in pairs}
    names = jobs.text("run")
    ahead, behind = (
        np.mean([scores.numbers(names[pair[side]]) for pair in pairs], axis=0) for side in (0, 1)
    )
    return Hypothesis(
        number,
        str(said["claim"]),
        str(said["reason"]),
        sweep.name,
        setting,
        better,
        than,
        where,
        score,
        len(pairs) // len(seeds),
        len(seeds),
        _difference(ahead, behind),
    )


def matched(
    jobs: Columns, setting: str, better: str, than: str, where: Mapping[str, str]
) -> list[tuple[int, int]]:
    """Find the pairs of jobs that differ in one setting alone.

    Parameters
    ----------
    jobs
        The table of a sweep.
    setting, better, than
        The column, and its two values.
    where
        Values that other columns must have.

    Returns
    -------
    list of (int, int)
        Rows of the job with `better` and of its partner with `than`.
    """
    names = list(jobs.texts)
    # The settings of a leaderboard stand between what a run cost and why it failed. What belongs to
    # the compared part itself, as its weights to a backbone, changes with it.
    settings = [name for name in names[names.index("peak_memory_mb") + 1 :] if name != "failure"]
    own = (setting, f"{setting}.")
    keys = [name for name in settings if name != own[0] and not name.startswith(own[1])] + ["seed"]
    fits = [
        row
        for row, status in enumerate(jobs.text("status"))
        if status == "finished" and all(jobs.text(key)[row] == to for key, to in where.items())
    ]
    partner = {
        tuple(jobs.text(key)[row] for key in keys): row
        for row in fits
        if jobs.text(setting)[row] == than
    }
    return [
        (row, partner[key])
        for row in fits
        if jobs.text(setting)[row] == better
        and (key := tuple(jobs.text(each)[row] for each in keys)) in partner
    ]


def _difference(ahead: NDArray[np.float64], behind: NDArray[np.float64]) -> PairedDifference:
    # A photo without an outline has no score there.
    known = np.isfinite(ahead) & np.isfinite(behind)
    return paired_difference(ahead[known], behind[known])
