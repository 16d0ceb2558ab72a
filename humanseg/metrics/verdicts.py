"""Verdicts over several comparisons at once: Holm's correction, effects of interest, and power.

An interval over photos alone is too narrow for a claim about a setting: another seed gives another
model. And of twenty comparisons one is significant by chance. So a claim is judged by an interval
over photos and seeds, by a p-value that is corrected for the other claims of its family (S. Holm, A
Simple Sequentially Rejective Multiple Test Procedure, Scandinavian Journal of Statistics 6 (1979),
p. 65), and beside the smallest effect that is of interest: an interval within it shows that a
difference is negligible, which "not significant" does not (D. Lakens, Equivalence Tests, Social
Psychological and Personality Science 8 (2017), p. 355).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

from humanseg.metrics.statistics import FEWEST_PHOTOS, LEVEL, PairedDifference

SMALLEST_EFFECT = 0.0005
"""The smallest difference in Dice of interest, half of the difference between two seeds."""

ALPHA = 1 - LEVEL
"""The chance, over a whole family of comparisons, of a verdict where there is no difference."""

Verdict = Literal["better", "worse", "negligible", "undecided"]

_NORMAL = NormalDist()
_Z = _NORMAL.inv_cdf(1 - ALPHA / 2)


@dataclass(frozen=True)
class Comparison:
    """A paired difference with what both photos and seeds leave open.

    Attributes
    ----------
    difference
        Mean of the first's score minus the second's.
    low, high
        Its 95 % confidence interval over photos and seeds.
    p
        Two-sided, of no difference, by the normal approximation; at least 2·(1/2)^n of n photos,
        which is the p-value of a sign test in which all of them agree.
    """

    difference: float
    low: float
    high: float
    p: float


def compare(photos: PairedDifference, seed_deviation: float = 0.0, pairs: int = 1) -> Comparison:
    """Add to an interval over photos what the seeds leave open.

    Parameters
    ----------
    photos
        The mean over `pairs` pairs of runs, and its interval over photos.
    seed_deviation
        Standard deviation of a run's mean score over seeds; 0 to compare two given models, or two
        predictions of one.
    pairs
        How many pairs of runs the mean is over; the variance of their difference is twice that of
        a run.

    Returns
    -------
    Comparison
        With fewer than `FEWEST_PHOTOS` photos, p is 1.
    """
    seeds = _Z * seed_deviation * math.sqrt(2 / pairs)
    low = photos.difference - math.hypot(photos.difference - photos.low, seeds)
    high = photos.difference + math.hypot(photos.high - photos.difference, seeds)
    error = (high - low) / (2 * _Z)
    if photos.photos < FEWEST_PHOTOS or photos.difference == 0:
        p = 1.0
    else:
        p = 2 * _NORMAL.cdf(-abs(photos.difference) / error) if error else 0.0
        # The bootstrap of a few photos that agree is too sure of them.
        p = max(p, 2 * 0.5**photos.photos)
    return Comparison(photos.difference, low, high, p)


def holm(p_values: Sequence[float]) -> list[float]:
    """Correct the p-values of a family of comparisons by Holm's method.

    Parameters
    ----------
    p_values
        One for each comparison, each in [0, 1].

    Returns
    -------
    list of float
        In the same order. At most `ALPHA` means that the difference is not 0, with a chance of at
        most `ALPHA` that this is said wrongly of any of the family.
    """
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    corrected = [1.0] * len(p_values)
    largest = 0.0
    for rank, index in enumerate(order):
        largest = max(largest, min(1.0, p_values[index] * (len(order) - rank)))
        corrected[index] = largest
    return corrected


def judge(comparison: Comparison, corrected_p: float, smallest: float = SMALLEST_EFFECT) -> Verdict:
    """Return what can be said of a difference.

    Parameters
    ----------
    comparison
        The difference with its interval.
    corrected_p
        Its p-value after `holm`.
    smallest
        The smallest difference that is of interest.

    Returns
    -------
    str
        `negligible`: the interval is within ±smallest. `better`, `worse`: the interval leaves
        out zero, and so does the corrected p-value. Else `undecided`.
    """
    low, high = comparison.low, comparison.high
    if -smallest <= low and high <= smallest:
        return "negligible"
    if corrected_p <= ALPHA and (low > 0 or high < 0):
        return "better" if comparison.difference > 0 else "worse"
    return "undecided"


def judge_all(
    comparisons: Sequence[Comparison], smallest: float = SMALLEST_EFFECT
) -> list[tuple[float, Verdict]]:
    """Return the corrected p-value and the verdict of each comparison of a family."""
    corrected = holm([comparison.p for comparison in comparisons])
    return [
        (p, judge(comparison, p, smallest))
        for comparison, p in zip(comparisons, corrected, strict=True)
    ]


def detectable_difference(
    deviation: float, count: int, *, comparisons: int = 1, power: float = 0.8
) -> float:
    """Return the smallest true difference that a comparison would mostly show.

    Parameters
    ----------
    deviation
        Standard deviation of the difference over photos.
    count
        How many photos there are.
    comparisons
        How many comparisons are made; the first step of Holm's method divides `ALPHA` by it.
    power
        The chance with which the difference would be significant.

    Returns
    -------
    float
        ``(z(1 - ALPHA / (2 comparisons)) + z(power)) · deviation / sqrt(count)``.
    """
    z = _NORMAL.inv_cdf(1 - ALPHA / (2 * comparisons)) + _NORMAL.inv_cdf(power)
    return z * deviation / math.sqrt(count)
