import numpy as np
import pytest
import scipy.stats

from humanseg.metrics.statistics import (
    FEWEST_PHOTOS,
    RESAMPLES,
    PairedDifference,
    bootstrap_interval,
    interval_ends,
    paired_by_source,
    paired_difference,
    resampled_means,
)

RANDOM = np.random.default_rng(0)
HARD = RANDOM.uniform(0.7, 0.99, 145)  # what both runs find hard


def mixed(value: int) -> int:
    """Hash as the docstring says, a number at a time."""
    value ^= value >> 16
    value = value * 0x85EBCA6B % 2**32
    value ^= value >> 13
    value = value * 0xC2B2AE35 % 2**32
    return value ^ (value >> 16)


@pytest.mark.parametrize("photos", [1, 7, 450])
def test_the_draws_are_those_that_any_language_can_repeat(photos: int) -> None:
    scores = np.random.default_rng(photos).uniform(size=photos)
    means = resampled_means(scores)
    assert means.shape == (RESAMPLES,)
    # 450 photos take two blocks; the last resample is in the second.
    for resample in (0, 1, RESAMPLES - 1):
        counters = range(resample * photos, (resample + 1) * photos)
        hashed = [mixed((counter * 0x9E3779B9 + mixed(0)) % 2**32) for counter in counters]
        drawn = [scores[hash * photos >> 32] for hash in hashed]
        assert means[resample] == pytest.approx(np.mean(drawn), abs=1e-12)


def test_the_interval_is_as_wide_as_the_standard_error_says() -> None:
    scores = RANDOM.normal(0.95, 0.03, 400)
    interval = bootstrap_interval(scores)
    expected = 1.96 * scores.std(ddof=1) / 20
    assert interval.mean == pytest.approx(scores.mean())
    assert interval.high - interval.mean == pytest.approx(expected, rel=0.06)
    assert interval.mean - interval.low == pytest.approx(expected, rel=0.06)


def test_the_interval_is_that_of_scipy_but_for_the_draws() -> None:
    ours = bootstrap_interval(HARD)
    theirs = scipy.stats.bootstrap(
        (HARD,), np.mean, n_resamples=RESAMPLES, method="percentile", rng=0
    ).confidence_interval
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=5e-4)


def test_nineteen_in_twenty_intervals_hold_the_true_mean() -> None:
    samples = np.random.default_rng(3).beta(30, 2, (60, 500))
    low, high = interval_ends(resampled_means(samples))
    assert 0.91 < np.mean((low < 30 / 32) & (high > 30 / 32)) < 0.98


def test_the_seed_changes_the_draws_and_nothing_else_does() -> None:
    assert bootstrap_interval(HARD) == bootstrap_interval(HARD.tolist())
    assert bootstrap_interval(HARD, seed=1) != bootstrap_interval(HARD)


def test_every_column_sees_the_same_draws() -> None:
    both = np.stack([HARD, HARD**2], axis=1)
    means = resampled_means(both)
    np.testing.assert_allclose(means[:, 0] - means[:, 1], resampled_means(HARD - HARD**2))


def test_pairs_are_told_apart_where_their_intervals_overlap() -> None:
    better = HARD + 0.004 + RANDOM.normal(0, 0.005, 145)
    alone, other = bootstrap_interval(better), bootstrap_interval(HARD)
    assert other.high > alone.low
    found = paired_difference(better, HARD)
    assert found.significant and found.low < found.difference < found.high
    assert found.sentence() == (
        f"better by {found.difference:.4f}, interval {found.low:.4f} to {found.high:.4f}"
    )


def test_the_other_way_round_it_is_as_much_worse() -> None:
    better = HARD + 0.004
    there, back = paired_difference(better, HARD), paired_difference(HARD, better)
    assert back == there.swapped() or back.low == pytest.approx(-there.high)
    assert back.sentence() == there.sentence().replace("better", "worse")


def test_noise_is_not_a_difference() -> None:
    found = paired_difference(HARD + RANDOM.normal(0, 0.01, 145), HARD)
    assert found.sentence() == "not significantly different on these 145 photos"
    assert not paired_difference(HARD, HARD).significant


def test_a_few_photos_tell_nothing_apart() -> None:
    fewer = HARD[: FEWEST_PHOTOS - 1]
    assert not paired_difference(fewer + 0.1, fewer).significant
    assert paired_difference(HARD[:FEWEST_PHOTOS] + 0.1, HARD[:FEWEST_PHOTOS]).significant
    assert PairedDifference(0.1, 0.1, 0.1, 1).sentence().endswith("on this one photo")


@pytest.mark.parametrize("scores", [[], [[0.5]], [0.5, float("nan")]])
def test_what_is_no_list_of_scores_is_refused(scores: list[float]) -> None:
    with pytest.raises(ValueError, match="numbers, one a photo"):
        bootstrap_interval(scores)


def test_scores_of_different_photos_are_refused() -> None:
    with pytest.raises(ValueError, match="same photos"):
        paired_difference([0.5, 0.6], [0.5])


def test_an_interval_is_about_the_mean_of_all_photos_not_of_another_sample() -> None:
    """What is written about it: 95 and 83 times in 100, on scores that crowd near 1."""
    random = np.random.default_rng(0)
    samples = 1 - random.gamma(0.7, 0.03, (80, 600))
    low, high = interval_ends(resampled_means(samples))
    others = 1 - random.gamma(0.7, 0.03, (80, 600)).mean(axis=0)
    true, another = (np.mean((low < mean) & (mean < high)) for mean in (1 - 0.7 * 0.03, others))
    assert 0.91 < true < 0.97 and 0.78 < another < 0.87


def test_sources_count_alike_however_many_photos_they_have() -> None:
    few, many = np.full(5, 0.2), np.random.default_rng(1).normal(0, 0.1, 300)
    found = paired_by_source([(few, np.zeros(5)), (many, np.zeros(300))])
    assert found.photos == 305
    assert found.difference == pytest.approx((0.2 + many.mean()) / 2)
    # Within the first there is nothing to vary, so the whole varies half as much as the second.
    second = paired_difference(many, np.zeros(300), seed=1)
    assert found.high - found.low == pytest.approx((second.high - second.low) / 2)
