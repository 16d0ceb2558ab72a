"""Verdicts say no more than intervals over photos and seeds carry."""

import math

import numpy as np
import pytest

from humanseg.metrics.statistics import PairedDifference, paired_difference
from humanseg.metrics.verdicts import (
    SMALLEST_EFFECT,
    Comparison,
    compare,
    detectable_difference,
    holm,
    judge,
    judge_all,
)


def test_holm_multiplies_the_smallest_most_and_never_falls() -> None:
    # The example of Holm's paper: 0.01 · 4, 0.02 · 3, then no smaller than the one before.
    assert holm([0.04, 0.01, 0.03, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert holm([0.5, 0.9]) == [1.0, 1.0]
    assert holm([]) == []


def test_one_comparison_needs_no_correction() -> None:
    assert holm([0.03]) == [0.03]


@pytest.mark.parametrize(
    ("low", "high", "p", "verdict"),
    [
        (0.001, 0.003, 0.001, "better"),
        (-0.003, -0.001, 0.001, "worse"),
        # The interval alone would say so, and the family does not.
        (0.001, 0.003, 0.2, "undecided"),
        (-0.001, 0.003, 0.3, "undecided"),
        (-0.0004, 0.0005, 1.0, "negligible"),
        # Not zero, and still of no interest.
        (0.0001, 0.0003, 0.0001, "negligible"),
    ],
)
def test_interval_and_family_decide(low: float, high: float, p: float, verdict: str) -> None:
    assert judge(Comparison((low + high) / 2, low, high, p), p) == verdict


def test_an_interval_of_many_claims_decides_less_than_one_of_a_single_claim() -> None:
    claim = Comparison(0.002, 0.0002, 0.0038, 0.03)
    nothing = Comparison(0.0, -0.01, 0.01, 1.0)
    assert judge_all([claim])[0][1] == "better"
    assert judge_all([claim, *[nothing] * 18])[0][1] == "undecided"


def test_seeds_widen_an_interval_and_more_pairs_narrow_it_again() -> None:
    photos = PairedDifference(0.002, 0.001, 0.003, 145)
    assert compare(photos).low == pytest.approx(0.001)
    assert compare(photos).p < 0.001
    one, many = compare(photos, 0.001, pairs=1), compare(photos, 0.001, pairs=100)
    assert one.low < 0 < many.low
    assert one.high - 0.002 == pytest.approx(math.hypot(0.001, 1.959964 * 0.001 * math.sqrt(2)))
    assert one.p > 0.05 > many.p


def test_few_photos_and_no_difference_decide_nothing() -> None:
    assert compare(PairedDifference(0.1, 0.09, 0.11, 5)).p == 1
    same = compare(paired_difference([0.9, 0.8] * 10, [0.9, 0.8] * 10))
    assert same.p == 1 and judge(same, 1.0) == "negligible"
    shifted = compare(PairedDifference(0.1, 0.1, 0.1, 20))
    assert shifted.p < 0.001 and judge(shifted, 0.0) == "better"


def test_six_photos_that_agree_decide_one_claim_and_not_one_of_several() -> None:
    six = compare(paired_difference([0.5, 0.6, 0.7, 0.8, 0.9, 0.7], [0.1] * 6))
    assert six.p == 2 / 2**6
    assert judge_all([six])[0][1] == "better"
    assert judge_all([six, six])[0][1] == "undecided"


def test_the_detectable_difference_is_found_in_four_of_five_draws() -> None:
    photos, deviation = 145, 0.01
    true = detectable_difference(deviation, photos)
    draws = np.random.default_rng(0).normal(true, deviation, (4000, photos))
    z = draws.mean(1) / (draws.std(1, ddof=1) / math.sqrt(photos))
    assert np.mean(np.abs(z) > 1.96) == pytest.approx(0.8, abs=0.02)
    assert detectable_difference(deviation, 4 * photos) == pytest.approx(true / 2)
    assert detectable_difference(deviation, photos, comparisons=19) > true


def test_the_smallest_effect_is_below_what_145_photos_show() -> None:
    assert detectable_difference(0.006, 145) > SMALLEST_EFFECT
