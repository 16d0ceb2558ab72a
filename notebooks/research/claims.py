"""Claims about one setting each, tested by the jobs of a sweep."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from humanseg.errors import HumansegError
from humanseg.metrics.statistics import PairedDifference, paired_difference
from humanseg.metrics.verdicts import Comparison, Verdict, compare, judge_all
from humanseg.runs.record import read_config
from research.records import Columns, Records, read_columns

SCORES = {"dice": "Dice", "boundary_dice": "boundary Dice"}
"""The scores that can be compared, by the column of `scores.csv`."""


@dataclass(frozen=True)
class Hypothesis:
    """A claim about one setting, and its test.

    Attributes
    ----------
    number
        Counted over all sweeps.
    claim, reason
        In words.
    sweep
        The name of its record.
    setting, better, than
        The two values that are compared; the claim is that the first is better.
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
    comparison
        The same with its interval over photos and seeds.
    exploratory
        Whether it was put into words after its sweep had run.
    deviation
        Standard deviation over seeds of a job's mean score, which the comparison contains.
    p, verdict
        After Holm's correction for all claims; `better` means that the claim holds.
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
    comparison: Comparison
    exploratory: bool
    deviation: float
    p: float = 1.0
    verdict: Verdict = "undecided"


def read_hypotheses(records: Records) -> list[Hypothesis]:
    """Test every hypothesis beside the record of a sweep, all as one family.

    Raises
    ------
    HumansegError
        A hypothesis names a setting or value that its sweep does not have.
    """
    pooled = {name: seed_deviation(records, name)[0] for name in SCORES}
    claims: list[Hypothesis] = []
    for sweep in records.sweeps():
        if entries := claims_of(sweep).get("hypotheses", ()):
            spread = {name: _deviations(records, sweep, name, pooled[name]) for name in SCORES}
            claims += [
                _test(number, sweep, entry, spread)
                for number, entry in enumerate(entries, len(claims) + 1)
            ]
    verdicts = judge_all([claim.comparison for claim in claims])
    return [
        replace(claim, p=p, verdict=verdict)
        for claim, (p, verdict) in zip(claims, verdicts, strict=True)
    ]


def seed_deviation(
    records: Records,
    score: str = "dice",
    only: Path | None = None,
    where: Mapping[str, str] | None = None,
) -> tuple[float, int]:
    """Return the standard deviation over seeds of a run's mean score, pooled over sweeps.

    Parameters
    ----------
    records, score
        Where the sweeps are, and the column of their tables.
    only
        One sweep; None: all but those whose file says `own_seeds`, because a setting of theirs
        varies far more than a training that has learnt.
    where
        Settings that the jobs must have.

    Returns
    -------
    deviation
        0 where no setting was trained with two seeds.
    freedom
        Its degrees of freedom. A run that stands in several sweeps counts once.
    """
    groups: dict[tuple[float, ...], NDArray[np.float64]] = {}
    pooled = [sweep for sweep in records.sweeps() if not claims_of(sweep).get("own_seeds")]
    for sweep in [only] if only else pooled:
        jobs = read_columns(sweep / "leaderboard.csv")
        settings, means = [jobs.text(name) for name in _settings(jobs)], jobs.numbers(score)
        runs: dict[tuple[str, ...], list[float]] = {}
        for row in _finished(jobs, where or {}):
            key = tuple(column[row] for column in settings)
            runs.setdefault(key, []).append(float(means[row]))
        for dice in runs.values():
            if len(dice) > 1:
                groups[tuple(sorted(dice))] = np.array(dice)
    freedom = sum(len(dice) - 1 for dice in groups.values())
    squares = sum(float(((dice - dice.mean()) ** 2).sum()) for dice in groups.values())
    return (float(np.sqrt(squares / freedom)) if freedom else 0.0), freedom


def claims_of(sweep: Path) -> Mapping[str, Any]:
    """Read the file beside the record of a sweep: its command, cost and claims."""
    path = sweep / "hypotheses.yaml"
    return read_config(path) if path.is_file() else {}


def _deviations(records: Records, sweep: Path, score: str, pooled: float) -> NDArray[np.float64]:
    """Return the standard deviation over seeds of each job of a sweep."""
    about, jobs = claims_of(sweep), read_columns(sweep / "leaderboard.csv")
    usual = seed_deviation(records, score, sweep)[0] if about.get("own_seeds") else pooled
    deviations = np.full(len(jobs), usual)
    if unsteady := about.get("unsteady"):
        like = records.folder / unsteady["like"]
        rows = _finished(jobs, unsteady["jobs"])
        deviations[rows] = seed_deviation(records, score, like, unsteady["where"])[0]
    return deviations


def _test(
    number: int, sweep: Path, entry: Mapping[str, Any], spread: Mapping[str, NDArray[np.float64]]
) -> Hypothesis:
    jobs = read_columns(sweep / "leaderboard.csv")
    score = str(entry.get("score", "dice"))
    scores = read_columns(sweep / f"{score}.csv")
    setting, better, than = (str(entry[name]) for name in ("setting", "better", "than"))
    where = {key: str(value) for key, value in entry.get("where", {}).items()}
    pairs = matched(jobs, setting, better, than, where)
    if not pairs:
        raise HumansegError(
            f"{sweep / 'hypotheses.yaml'}: {entry['claim']!r} compares {setting}={better} with "
            f"{setting}={than}, but no two finished jobs of the sweep differ in that alone."
        )
    seeds = {jobs.text("seed")[row] for row, _ in pairs}
    gap = compare_pairs(jobs, scores, pairs)
    # The root mean square: a mean over pairs adds up their variances.
    deviation = float(np.sqrt(np.mean(spread[score][np.array(pairs)] ** 2)))
    return Hypothesis(
        number,
        str(entry["claim"]),
        str(entry["reason"]),
        sweep.name,
        setting,
        better,
        than,
        where,
        score,
        len(pairs) // len(seeds),
        len(seeds),
        gap,
        compare(gap, deviation, len(pairs)),
        exploratory=bool(claims_of(sweep).get("exploratory")),
        deviation=deviation,
    )


def compare_pairs(
    jobs: Columns, scores: Columns, pairs: Sequence[tuple[int, int]]
) -> PairedDifference:
    """Compare the first jobs of pairs with the second ones, each the mean over all pairs."""
    names = jobs.text("run")
    first, second = (
        np.mean([scores.numbers(names[pair[side]]) for pair in pairs], axis=0) for side in (0, 1)
    )
    # A photo without an outline has no boundary Dice.
    scored = np.isfinite(first) & np.isfinite(second)
    return paired_difference(first[scored], second[scored])


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
    settings = _settings(jobs)
    # Settings of the compared part, such as the weights of a backbone, change with it.
    keys = [name for name in settings if name != setting and not name.startswith(f"{setting}.")] + [
        "seed"
    ]
    fits = _finished(jobs, where)
    partner = {
        tuple(jobs.text(key)[row] for key in keys): row
        for row in fits
        if jobs.text(setting)[row] == than
    }
    return [
        (row, partner[key])
        for row in fits
        if jobs.text(setting)[row] == better
        and (key := tuple(jobs.text(name)[row] for name in keys)) in partner
    ]


def _finished(jobs: Columns, where: Mapping[str, str | Sequence[str]]) -> list[int]:
    """Return the rows of the finished jobs with these settings, or one of the values of each."""
    return [
        row
        for row, status in enumerate(jobs.text("status"))
        if status == "finished"
        and all(
            jobs.text(key)[row] in ([to] if isinstance(to, str) else to)
            for key, to in where.items()
        )
    ]


def _settings(jobs: Columns) -> list[str]:
    """Return the columns of a leaderboard that hold settings, but for the seed."""
    names = list(jobs.texts)
    # They are between the cost of a run and the reason of its failure.
    return [name for name in names[names.index("peak_memory_mb") + 1 :] if name != "failure"]
