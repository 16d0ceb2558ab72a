import math
from collections.abc import Callable
from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from humanseg.compare.ranking import rank
from humanseg.metrics.statistics import bootstrap_interval, paired_difference
from humanseg.runs.record import RunRecord
from humanseg.runs.settings import Shipped

Make = Callable[..., RunRecord]
PHOTOS = np.random.default_rng(0).uniform(0.8, 0.95, 40)
NOISE = np.random.default_rng(1).normal(0, 0.01, (9, 40))


def test_the_best_at_half_comes_first(make_record: Make, shipped: Shipped) -> None:
    runs = [
        make_record("a", PHOTOS, parts={"model": "pspnet"}),
        make_record("b", PHOTOS + 0.02),
        # Tuned to look best at its own threshold.
        make_record("c", PHOTOS + 0.04, threshold=0.3, lr=0.1, dice_at_half=0.5),
    ]
    group = rank(runs, shipped)
    assert [entry.runs[0].name for entry in group.entries] == ["b", "a", "c"]
    assert [entry.own_threshold for entry in group.entries] == [False, False, True]
    assert [setting.key for setting in group.settings] == ["model", "optimizer.lr"]
    assert group.entries[0].label == "unet · lr 0.003"


def test_seeds_of_a_setting_are_one_entry(make_record: Make, shipped: Shipped) -> None:
    scores = [PHOTOS + NOISE[seed] for seed in range(3)]
    runs = [make_record(f"s{seed}", scores[seed], seed=seed) for seed in (2, 0, 1)]
    runs.append(make_record("other", PHOTOS - 0.1, parts={"loss": "bce"}))
    best, other = rank(runs, shipped).entries
    assert [run.summary["seed"] for run in best.runs] == [0, 1, 2]
    at_half = [run.dice_at_half for run in best.runs]
    assert best.dice_at_half == pytest.approx(np.mean(at_half))
    assert best.spread == pytest.approx(np.std(at_half, ddof=1))
    np.testing.assert_allclose(best.scores, np.mean(scores, axis=0))
    assert math.isnan(other.spread) and (best.label, other.label) == ("dice", "bce")


def test_a_seed_that_is_repeated_counts_once(make_record: Make, shipped: Shipped) -> None:
    dice = [PHOTOS, PHOTOS - 0.02, PHOTOS - 0.05]
    runs = [make_record(f"r{n}", dice[n], seed=n % 2) for n in range(3)]
    (entry,) = rank(runs, shipped).entries
    assert [run.name for run in entry.runs] == ["r0", "r2", "r1"]
    assert (entry.seeds, entry.repeats, entry.weights) == (2, True, (0.25, 0.25, 0.5))
    of_seeds = [(dice[0] + dice[2]) / 2, dice[1]]
    np.testing.assert_allclose(entry.scores, np.mean(of_seeds, axis=0))
    assert entry.dice_at_half == pytest.approx(np.mean(of_seeds))
    assert entry.spread == pytest.approx(np.std([one.mean() for one in of_seeds], ddof=1))
    low = bootstrap_interval(np.mean(of_seeds, axis=0)).low
    assert entry.interval.low == pytest.approx(low)


@pytest.mark.parametrize("seed", [0, None])
def test_runs_of_one_seed_are_no_seeds(make_record: Make, shipped: Shipped, seed: object) -> None:
    runs = [make_record(name, PHOTOS, seed=seed) for name in ("a", "b")]
    (entry,) = rank(runs, shipped).entries
    assert (entry.seeds, entry.repeats) == (1, True) and math.isnan(entry.spread)


def test_intervals_are_those_of_the_statistics(make_record: Make, shipped: Shipped) -> None:
    scores = [PHOTOS + NOISE[seed] for seed in range(2)]
    runs = [make_record(f"s{seed}", scores[seed], seed=seed) for seed in range(2)]
    runs.append(make_record("other", PHOTOS - 0.01 + NOISE[2], parts={"loss": "bce"}))
    best, other = rank(runs, shipped).entries
    whole, single = bootstrap_interval(best.scores), bootstrap_interval(scores[1])
    assert (best.interval.low, best.interval.high) == pytest.approx((whole.low, whole.high))
    assert best.intervals[1].low == pytest.approx(single.low)
    behind = paired_difference(other.scores, best.scores)
    found = other.behind
    assert (found.difference, found.low, found.high) == pytest.approx(
        (behind.difference, behind.low, behind.high)
    )
    assert other.worse and not best.worse and best.behind.difference == 0


def test_a_difference_within_the_noise_is_not_worse(make_record: Make, shipped: Shipped) -> None:
    runs = [make_record("a", PHOTOS), make_record("b", PHOTOS + NOISE[3] / 50, lr=0.1)]
    assert not rank(runs, shipped).entries[1].worse


def test_equal_runs_are_in_the_order_of_their_names(make_record: Make, shipped: Shipped) -> None:
    runs = [make_record(f"r{n}", PHOTOS, lr=n / 100) for n in (10, 9, 2)]
    assert [one.runs[0].name for one in rank(runs, shipped).entries] == ["r2", "r9", "r10"]


def test_records_without_configs_stand_alone_under_their_names(
    make_record: Make, shipped: Shipped
) -> None:
    runs = [replace(make_record(name, PHOTOS), config={}) for name in ("a", "b")]
    group = rank(runs, shipped)
    assert [entry.label for entry in group.entries] == ["a", "b"] and group.settings == ()


def test_costs_are_means_over_the_seeds(make_record: Make, shipped: Shipped) -> None:
    runs = [make_record(f"{n}", PHOTOS, seed=n, seconds=float(n), parameters=7) for n in (1, 2)]
    (entry,) = rank(runs, shipped).entries
    assert (entry.mean("seconds"), entry.mean("parameters"), entry.mean("epochs")) == (1.5, 7, None)


def sweep(make_record: Make) -> list[RunRecord]:
    """Make six runs of a grid."""
    return [
        make_record(f"{model},{loss}", PHOTOS + place / 100, parts={"model": model, "loss": loss})
        for place, (model, loss) in enumerate(product(("unet", "pspnet"), ("bce", "dice", "focal")))
    ]


def test_what_one_run_brings_along_is_put_aside(make_record: Make, shipped: Shipped) -> None:
    parts = {"model": "light_unet", "loss": "dice", "optimizer": "sgd"}
    elsewhere = make_record("elsewhere", PHOTOS, lr=0.1, parts=parts)
    group = rank([*sweep(make_record), elsewhere], shipped)
    telling = {setting.key: setting.telling for setting in group.settings}
    assert telling.pop("model") and telling.pop("loss")
    assert "optimizer" in telling and not any(telling.values())
    labels = [entry.label for entry in group.entries]
    assert len(set(labels)) == 7 and "light_unet · dice" in labels


def test_what_alone_tells_two_runs_apart_is_not_put_aside(
    make_record: Make, shipped: Shipped
) -> None:
    odd = make_record("odd", PHOTOS, lr=0.1, parts={"model": "unet", "loss": "bce"})
    group = rank([*sweep(make_record), odd], shipped)
    assert all(setting.telling for setting in group.settings)
    labels = [entry.label for entry in group.entries]
    assert "unet · bce · lr 0.1" in labels and "unet · bce · lr 0.003" in labels


def test_labels_are_no_longer_than_it_takes(make_record: Make, shipped: Shipped) -> None:
    trials = [
        make_record(f"t{n}", PHOTOS + n / 100, lr=n / 1000, parts={"loss": ("bce", "dice")[n % 2]})
        for n in range(1, 9)
    ]
    wide = [
        replace(run, config={**run.config, "threshold": place / 10})
        for place, run in enumerate(trials)
    ]
    group = rank(wide, shipped)
    assert [setting.key for setting in group.settings if setting.telling] == [
        "loss",
        "optimizer.lr",
        "threshold",
    ]
    assert group.entries[0].label == "bce · lr 0.008"
