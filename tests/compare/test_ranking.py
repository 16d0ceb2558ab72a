import math
from collections.abc import Callable
from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from humanseg.compare.ranking import Group, rank
from humanseg.metrics.statistics import bootstrap_interval, paired_difference
from humanseg.runs.record import RunRecord
from humanseg.runs.settings import Shipped

Make = Callable[..., RunRecord]
PHOTOS = np.random.default_rng(0).uniform(0.8, 0.95, 40)
NOISE = np.random.default_rng(1).normal(0, 0.01, (9, 40))


def runs_of(group: Group, entry: int) -> list[RunRecord]:
    return [run for run, own in zip(group.runs, group.table["entry"], strict=True) if own == entry]


def test_the_best_at_half_comes_first(make_record: Make, shipped: Shipped) -> None:
    runs = [
        make_record("a", PHOTOS, parts={"model": "pspnet"}),
        make_record("b", PHOTOS + 0.02),
        # Tuned to look best at its own threshold.
        make_record("c", PHOTOS + 0.04, threshold=0.3, lr=0.1, dice_at_half=0.5),
    ]
    group = rank(runs, shipped)
    assert [run.name for run in group.runs] == ["b", "a", "c"]
    assert list(group.entries["own_threshold"]) == [False, False, True]
    assert [setting.key for setting in group.settings] == ["model", "optimizer.lr"]
    assert group.entries["label"][0] == "unet · lr 0.003"
    assert group.values.to_dict("list") == {
        "model": ["unet", "pspnet", "unet"],
        "optimizer.lr": [0.003, 0.003, 0.1],
    }


def test_seeds_of_a_setting_are_one_entry(make_record: Make, shipped: Shipped) -> None:
    scores = [PHOTOS + NOISE[seed] for seed in range(3)]
    runs = [make_record(f"s{seed}", scores[seed], seed=seed) for seed in (2, 0, 1)]
    runs.append(make_record("other", PHOTOS - 0.1, parts={"loss": "bce"}))
    group = rank(runs, shipped)
    assert [run.summary["seed"] for run in runs_of(group, 0)] == [0, 1, 2]
    at_half = [run.dice_at_half for run in runs_of(group, 0)]
    assert group.entries["dice_at_half"][0] == pytest.approx(np.mean(at_half))
    assert group.entries["spread"][0] == pytest.approx(np.std(at_half, ddof=1))
    np.testing.assert_allclose(group.scores[0], np.mean(scores, axis=0))
    assert math.isnan(group.entries["spread"][1])
    assert list(group.entries["label"]) == ["dice", "bce"]


def test_photos_are_joined_by_id_whatever_their_order(make_record: Make, shipped: Shipped) -> None:
    first, second = (make_record(f"s{seed}", PHOTOS + NOISE[seed], seed=seed) for seed in (0, 1))
    expected = rank([first, second], shipped).scores
    turned = replace(second, scores=second.scores[::-1])
    np.testing.assert_allclose(rank([first, turned], shipped).scores, expected)


def test_a_seed_that_is_repeated_counts_once(make_record: Make, shipped: Shipped) -> None:
    dice = [PHOTOS, PHOTOS - 0.02, PHOTOS - 0.05]
    runs = [make_record(f"r{n}", dice[n], seed=n % 2) for n in range(3)]
    group = rank(runs, shipped)
    (entry,) = group.entries.itertuples()
    assert [run.name for run in runs_of(group, 0)] == ["r0", "r2", "r1"]
    assert (entry.seeds, entry.repeats) == (2, True)
    assert list(group.table["weight"]) == [0.25, 0.25, 0.5]
    of_seeds = [(dice[0] + dice[2]) / 2, dice[1]]
    np.testing.assert_allclose(group.scores[0], np.mean(of_seeds, axis=0))
    assert entry.dice_at_half == pytest.approx(np.mean(of_seeds))
    assert entry.spread == pytest.approx(np.std([one.mean() for one in of_seeds], ddof=1))
    low = bootstrap_interval(np.mean(of_seeds, axis=0)).low
    assert entry.low == pytest.approx(low)


@pytest.mark.parametrize("seed", [0, None])
def test_runs_of_one_seed_are_no_seeds(make_record: Make, shipped: Shipped, seed: object) -> None:
    runs = [make_record(name, PHOTOS, seed=seed) for name in ("a", "b")]
    (entry,) = rank(runs, shipped).entries.to_dict("records")
    assert (entry["seeds"], entry["repeats"]) == (1, True) and math.isnan(entry["spread"])


def test_intervals_are_those_of_the_statistics(make_record: Make, shipped: Shipped) -> None:
    scores = [PHOTOS + NOISE[seed] for seed in range(2)]
    runs = [make_record(f"s{seed}", scores[seed], seed=seed) for seed in range(2)]
    runs.append(make_record("other", PHOTOS - 0.01 + NOISE[2], parts={"loss": "bce"}))
    group = rank(runs, shipped)
    best, other = group.entries.itertuples()
    whole, single = bootstrap_interval(group.scores[0]), bootstrap_interval(scores[1])
    assert (best.low, best.high) == pytest.approx((whole.low, whole.high))
    assert group.table["low"][1] == pytest.approx(single.low)
    behind = paired_difference(group.scores[1], group.scores[0])
    found = group.behind(1)
    assert (found.difference, found.low, found.high) == pytest.approx(
        (behind.difference, behind.low, behind.high)
    )
    assert other.worse and not best.worse and best.behind == 0


def test_a_difference_within_the_noise_is_not_worse(make_record: Make, shipped: Shipped) -> None:
    runs = [make_record("a", PHOTOS), make_record("b", PHOTOS + NOISE[3] / 50, lr=0.1)]
    assert not rank(runs, shipped).entries["worse"][1]


def test_equal_runs_are_in_the_order_of_their_names(make_record: Make, shipped: Shipped) -> None:
    runs = [make_record(f"r{n}", PHOTOS, lr=n / 100) for n in (10, 9, 2)]
    assert [run.name for run in rank(runs, shipped).runs] == ["r2", "r9", "r10"]


def test_records_without_configs_stand_alone_under_their_names(
    make_record: Make, shipped: Shipped
) -> None:
    runs = [replace(make_record(name, PHOTOS), config={}) for name in ("a", "b")]
    group = rank(runs, shipped)
    assert list(group.entries["label"]) == ["a", "b"] and group.settings == ()


def test_runs_that_differ_in_much_go_by_their_names(make_record: Make, shipped: Shipped) -> None:
    one, other = make_record("one", PHOTOS), make_record("other", PHOTOS - 0.1)
    model = {**other.config["model"], **{f"number_{index}": index for index in range(6)}}
    runs = [one, replace(other, config={**other.config, "model": model})]
    assert list(rank(runs, shipped).entries["label"]) == ["one", "other"]


def test_costs_are_means_over_the_seeds(make_record: Make, shipped: Shipped) -> None:
    runs = [make_record(f"{n}", PHOTOS, seed=n, seconds=float(n), parameters=7) for n in (1, 2)]
    runs.append(make_record("3", PHOTOS, seed=3, seconds=1.5, parameters=7, epochs=3))
    (entry,) = rank(runs, shipped).entries.to_dict("records")
    assert (entry["seconds"], entry["parameters"]) == (1.5, 7) and math.isnan(entry["epochs"])


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
    labels = list(group.entries["label"])
    assert len(set(labels)) == 7 and "light_unet · dice" in labels


def test_what_alone_tells_two_runs_apart_is_not_put_aside(
    make_record: Make, shipped: Shipped
) -> None:
    odd = make_record("odd", PHOTOS, lr=0.1, parts={"model": "unet", "loss": "bce"})
    group = rank([*sweep(make_record), odd], shipped)
    assert all(setting.telling for setting in group.settings)
    labels = list(group.entries["label"])
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
    assert group.entries["label"][0] == "bce · lr 0.008"
