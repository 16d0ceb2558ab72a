from typing import Any

import pytest
import yaml

from humanseg.config.checking.validate import options
from humanseg.config.find import conf_folder
from humanseg.runs.settings import (
    NAMED_GROUPS,
    DifferingSetting,
    Settings,
    as_text,
    differing,
    read_settings,
    read_shipped,
)

SHIPPED = read_shipped(conf_folder())


def config(changes: dict[str, Any] | None = None, **parts: str) -> dict[str, Any]:
    chosen = {"model": "unet", "backbone": "plain", "loss": "bce_dice", "optimizer": "adamw"}
    made: dict[str, Any] = {"seed": 0, "threshold": 0.5, "run_dir": None, "init_from": None}
    for group, name in (chosen | parts).items():
        made[group] = yaml.safe_load((conf_folder() / group / f"{name}.yaml").read_text())
    for key, value in (changes or {}).items():
        *above, last = key.split(".")
        node = made
        for name in above:
            node = node[int(name)] if isinstance(node, list) else node.setdefault(name, {})
        if isinstance(node, list):
            node[int(last)] = value
        else:
            node[last] = value
    return made


def settings(changes: dict[str, Any] | None = None, **parts: str) -> Settings:
    return read_settings(config(changes, **parts), SHIPPED)


def keys(*runs: Settings) -> list[str]:
    return [setting.key for setting in differing(runs)]


@pytest.mark.parametrize(
    ("group", "name"),
    [(g, o) for g in NAMED_GROUPS if g != "callbacks" for o in options(conf_folder(), g)],
)
def test_every_shipped_option_is_called_by_its_name(group: str, name: str) -> None:
    read = settings(None, **{group: name})
    assert read.values[group] == name
    assert not [key for key in read.changed if key.startswith(f"{group}.")]


def test_an_option_keeps_its_name_when_a_value_in_it_changes() -> None:
    read = settings({"optimizer.lr": 0.01, "loss.weights": [0.2, 0.5]}, loss="bce_lovasz")
    assert (read.values["optimizer"], read.values["loss"]) == ("adamw", "bce_lovasz")
    assert {"optimizer.lr", "loss.weights", "loss.weights.0"} == set(read.changed)


def test_a_recorded_choice_is_not_guessed() -> None:
    as_other = config({"model.attention": "scse"}, model="attention_unet")
    assert read_settings(as_other, SHIPPED).values["model"] == "scse_unet"
    read = read_settings(as_other, SHIPPED, {"model": "attention_unet"})
    assert read.values["model"] == "attention_unet" and "model.attention" in read.changed


def test_a_recorded_option_of_ones_own_keeps_its_name() -> None:
    own = {"_target_": "mine.nets.MyNet", "depth": 3}
    read = read_settings(config({"model": own}), SHIPPED, {"model": "deep"})
    assert read.values["model"] == "deep" and "model.depth" not in read.changed


def test_a_part_of_ones_own_is_called_by_its_class() -> None:
    own = {"_target_": "mine.nets.MyNet", "depth": 3}
    assert settings({"model": own}).values["model"] == "MyNet"


def test_callbacks_are_named_and_loggers_are_not_looked_at() -> None:
    ema = {"_target_": "humanseg.training.callbacks.ema.EMA", "decay": 0.9}
    with_ema = settings({"callbacks": {"ema": ema}, "logger": {"csv": {}}})
    assert with_ema.values["callbacks"] == "ema" and "callbacks.ema.decay" in with_ema.changed
    without = settings({"callbacks": {}})
    assert without.values["callbacks"] == "none"
    assert not [key for key in with_ema.values if key.startswith("logger")]


def test_where_a_run_lies_and_how_fast_it_goes_is_no_setting() -> None:
    moved = settings(
        {"data.root": "/there", "run_dir": "/x", "seed": 3, "data.workers": 4, "threads": 2}
    )
    assert keys(settings({"data.root": "/here"}), moved) == []


def test_of_a_path_the_name_counts() -> None:
    here = settings({"init_from": "/a/b/teacher"})
    there = settings({"init_from": "/c/teacher"})
    assert here.values["init_from"] == "teacher" and keys(here, there) == []


def test_what_follows_from_an_option_as_it_ships_is_no_difference() -> None:
    assert keys(settings(backbone="resnet18"), settings(backbone="mobilenetv2")) == ["backbone"]
    assert keys(settings(optimizer="sgd"), settings(optimizer="adamw")) == ["optimizer"]


def test_what_follows_from_an_option_but_was_changed_is_shown_behind_it() -> None:
    runs = [
        settings({"backbone.weights": f"/weights/{name}.safetensors"}, backbone=name)
        for name in ("resnet18", "mobilenetv2")
    ]
    assert differing(runs) == [
        DifferingSetting("backbone", ("mobilenetv2", "resnet18"), ""),
        DifferingSetting(
            "backbone.weights", ("mobilenetv2.safetensors", "resnet18.safetensors"), "backbone"
        ),
    ]


def test_what_differs_within_one_option_is_shown() -> None:
    runs = [settings({"optimizer.lr": lr}) for lr in (0.01, 0.003, 0.1)]
    (found,) = differing(runs)
    assert (found.key, found.levels, found.follows) == ("optimizer.lr", (0.003, 0.01, 0.1), "")
    assert found.numeric


def test_of_a_list_the_one_number_that_differs_is_shown() -> None:
    runs = [settings({"loss.weights": [first, 0.5]}) for first in (0.5, 0.2)]
    assert keys(*runs) == ["loss.weights.0"]
    assert keys(settings(), settings({"loss.weights": [0.3, 0.7]})) == ["loss.weights"]


def test_the_groups_come_first_and_in_their_order() -> None:
    first = settings({"threshold": 0.4, "optimizer.lr": 0.1})
    other = settings(model="pspnet", loss="dice")
    assert keys(first, other) == ["model", "loss", "optimizer.lr", "threshold"]


def test_numbers_are_ordered_by_size_and_what_is_not_set_comes_first() -> None:
    runs = [settings({"data.train_size": value}) for value in (320, None, 96)]
    (found,) = differing(runs)
    assert found.levels == (None, 96, 320) and not found.numeric


def test_a_number_that_yaml_reads_as_text_is_a_number() -> None:
    assert keys(settings({"optimizer.lr": "1e-3"}), settings({"optimizer.lr": 0.001})) == []


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "–"), (False, "no"), (3, "3"), (0.1 + 0.2, "0.3"), (1e-7, "1e-07"), ("a b", "a b")],
)
def test_values_are_written_as_they_are_read(value: Any, text: str) -> None:
    assert as_text(value) == text


def test_a_run_from_before_a_setting_of_the_data_came_up_is_one_with_its_default() -> None:
    data = yaml.safe_load((conf_folder() / "data" / "folders.yaml").read_text())
    before = {key: value for key, value in data.items() if key != "invert_masks"}
    now, old = settings({"data": data}), settings({"data": before})
    assert keys(now, old) == []
    assert keys(old, settings({"data": {**data, "invert_masks": True}})) == ["data.invert_masks"]
    own = {"_target_": "mine.Data", "root": "/here"}
    assert "data.invert_masks" not in settings({"data": own}).values


def test_photos_that_choose_the_checkpoint_tell_runs_apart() -> None:
    data = {"_target_": "humanseg.data.module.PhotoData", "extra_valid": {"a": {"folder": "more"}}}
    runs = [read_settings({"data": node}, SHIPPED) for node in (data, data | {"extra_valid": None})]
    assert "data.extra_valid.a.folder" in {setting.key for setting in differing(runs)}
