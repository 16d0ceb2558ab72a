"""Runs are told apart by the photos and the weights that they were made from."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from humanseg.compare.ranking import Group, rank
from humanseg.runs.record import RunRecord
from humanseg.runs.settings import Shipped

Make = Callable[..., RunRecord]
Compare = Callable[..., Group]
PHOTOS = np.random.default_rng(0).uniform(0.8, 0.95, 20)

TEACHERS, UNLABELLED = "distillation.teachers", "distillation.unlabelled_dir"


@pytest.fixture
def compare(make_record: Make, shipped: Shipped) -> Compare:
    """Rank runs, each made with what a key of its config names, and a summary."""

    def ranked(*made: tuple[str, Any, Mapping[str, Any]]) -> Group:
        runs = []
        for seed, (key, value, summary) in enumerate(made):
            run = make_record(f"run{seed}", PHOTOS - seed / 100, seed=seed, **summary)
            group, _, name = key.rpartition(".")
            config: dict[str, Any] = dict(run.config)
            if group:
                config[group] = {**config.get(group, {}), name: value}
            else:
                config[key] = value
            object.__setattr__(run, "config", config)
            runs.append(run)
        return rank(runs, shipped)

    return ranked


def labels(group: Group) -> list[str]:
    return list(group.entries["label"])


def on(root: str, pixels: str, train: int = 8) -> tuple[str, str, dict[str, Any]]:
    data = {"train": train, "valid_sha256": "v"}
    return "data.root", root, {"data": data} | ({"pixels_sha256": pixels} if pixels else {})


def of(key: str, value: Any, *fingerprints: str) -> tuple[str, Any, dict[str, Any]]:
    return key, value, {"sources": {key: list(fingerprints)}} if fingerprints else {}


def test_other_photos_to_train_on_are_a_setting(compare: Compare) -> None:
    group = compare(on("/a/base", "1"), on("/a/relabel", "2"))
    assert labels(group) == ["root base", "root relabel"]
    assert [setting.key for setting in group.settings] == ["data.root"]


def test_the_same_photos_elsewhere_are_the_same(compare: Compare) -> None:
    entries = compare(on("/a/base", "1"), on("/moved/other_name", "1")).entries
    assert entries["runs"].tolist() == [2]


def test_photos_that_were_changed_in_their_place_are_told_apart(compare: Compare) -> None:
    group = compare(on("/base", "1234567890"), on("/base", "abcdefghij"))
    assert labels(group) == ["root base (12345678)", "root base (abcdefgh)"]


def test_the_number_of_photos_is_named_where_it_differs(compare: Compare) -> None:
    group = compare(on("/base", "1", 8), on("/base", "2", 4))
    assert labels(group) == ["root base, 8 photos", "root base, 4 photos"]


def test_without_fingerprints_the_path_counts(compare: Compare) -> None:
    assert len(compare(on("/a", ""), on("/a", "")).entries) == 1
    assert len(compare(on("/a", ""), on("/b", "")).entries) == 2
    # A run with a fingerprint is, as far as is known, on the photos of one at the same place.
    assert len(compare(on("/a", ""), on("/a", "1")).entries) == 1
    assert len(compare(on("/a", ""), on("/a", "1"), on("/b", "1"), on("/a", "2")).entries) == 2


@pytest.mark.parametrize("key", ["init_from", TEACHERS, UNLABELLED, "backbone.weights"])
def test_files_are_told_apart_where_only_their_last_name_is_alike(
    compare: Compare, key: str
) -> None:
    group = compare(of(key, "/runs/a/start", "1"), of(key, "/runs/b/start", "2"))
    name = key.rpartition(".")[2]
    assert labels(group) == [f"{name} a/start", f"{name} b/start"]
    assert len(compare(of(key, "/a/start"), of(key, "/b/start")).entries) == 2
    assert len(compare(of(key, "/a/start", "1"), of(key, "/b/moved", "1")).entries) == 1
    changed = compare(of(key, "/start", "1" * 64), of(key, "/start", "2" * 64))
    assert labels(changed) == [f"{name} start (11111111)", f"{name} start (22222222)"]


def test_what_is_no_path_is_told_from_one(compare: Compare) -> None:
    made = [of("init_from", None), of("init_from", "/a/start", "1")]
    assert labels(compare(*made)) == ["init_from –", "init_from start"]


def test_some_runs_in_another_order_are_the_same(compare: Compare) -> None:
    first, other = ["/r/a", "/r/b"], ["/r/b", "/r/a"]
    made = [
        of(TEACHERS, first, "1", "2"),
        of(TEACHERS, other, "2", "1"),
    ]
    assert len(compare(*made).entries) == 1
    more = of(TEACHERS, [*first, "/r/c"], "1", "2", "3")
    assert labels(compare(made[0], more)) == ["teachers a, b", "teachers a, b, c"]
    of_two = [
        of(TEACHERS, first, "1", "2"),
        of(TEACHERS, first, "1", "3"),
    ]
    assert len(set(labels(compare(*of_two)))) == 2


def test_any_other_path_in_a_config_tells_runs_apart(compare: Compare) -> None:
    parts = [of("augmentation", [{"folder": f"/{place}/x"}]) for place in "ab"]
    assert len(compare(*parts).entries) == 2
    assert [setting.levels for setting in compare(*parts).settings] == [("a/x", "b/x")]


def test_a_run_that_went_on_with_other_settings_is_not_one_that_had_them(compare: Compare) -> None:
    steps = [{"after_epoch": 2, "changed": {"data.batch_size": [4, 8]}}]
    made = [("tta", False, {"resumed": some}) for some in ([], steps)]
    assert labels(compare(*made)) == ["resumed –", "resumed batch_size 8 after epoch 2"]
    assert len(compare(made[0], made[0], ("tta", False, {})).entries) == 1


def test_photos_of_further_sources_are_one_setting(compare: Compare) -> None:
    def made(pixels: str, extra: Any, root: str = "r") -> tuple[str, Any, dict[str, Any]]:
        data: dict[str, Any] = {"train": 8, "valid_sha256": "v"}
        if extra:
            data |= {"extra": dict.fromkeys(extra, 3), "root_sha256": root, "extra_sha256": pixels}
        summary = {"data": data, "pixels_sha256": root + pixels}
        return "data", {"root": "/base", "extra": extra}, summary

    first: dict[str, Any] = {"a": {"folder": "more", "weight": 2}}
    second = {**first, "b": {"folder": "others"}}
    group = compare(made("", None), made("12", first), made("34", second))
    assert labels(group) == ["extra –", "extra a", "extra a, b"]
    assert [setting.key for setting in group.settings] == ["data.extra"]
    weighted = compare(made("12", first), made("12", {"a": {"folder": "more", "weight": 1}}))
    assert labels(weighted) == ["weight 2", "weight 1"]
    assert labels(compare(made("12", first), made("34", first))) == ["extra a (12)", "extra a (34)"]
    assert labels(compare(made("12", first), made("12", first, "s"))) == [
        "root base (r)",
        "root base (s)",
    ]
    moved = made("12", first)
    moved[1]["root"] = "/moved"
    assert len(compare(made("12", first), moved).entries) == 1
