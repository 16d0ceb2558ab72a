"""What a recipe may say, and what is wrong with one before anything starts."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from omegaconf import DictConfig, OmegaConf

from humanseg.errors import HumansegError
from humanseg.recipes.check import validate_recipes
from humanseg.recipes.plugin import recipe_words
from humanseg.recipes.recipe import read_budget, read_recipe

if TYPE_CHECKING:
    from tests.recipes.conftest import RunRecipe, Work


def mistakes(stages: dict[str, Any], **more: Any) -> str:
    with pytest.raises(HumansegError) as caught:
        read_recipe("mine", {"stages": stages, **more}, lambda key: key == "loss")
    assert caught.value.code in ("recipes.mistakes", "recipes.no_stages")
    return str(caught.value)


def test_all_mistakes_of_a_recipe_are_named_at_once() -> None:
    said = mistakes(
        {
            "first": {"settings": {"init_from": "stage:later"}, "shar": 1},
            "test": {"share": -1},
            "later": {"settings": {"init_from": ["stage:firts"], "loss": "stage:first"}},
            "less": {"settings": {"distillation": {}}, "ignore": 3},
            "own": {"settings": {"distillation": {"teachers": "stage:own"}, "run_dir": "x"}},
        },
        budget="soon",
        export=["onxx"],
    )
    assert "12 mistakes" in said, said
    for part in (
        "first.shar: unknown, did you mean share?",
        "first: it needs later, which comes after it",
        "later: there is no stage firts, did you mean first?",
        "later.settings.loss: only init_from and distillation.teachers take stages",
        "less.settings.distillation: {} takes nothing away",
        "less.ignore: is not a list",
        "own: it needs itself",
        "own.settings.run_dir",
        "test: no name for a stage",
        "test.share",
        "budget: soon is no time",
        "export:",
    ):
        assert part in said, said
    assert "no stages" in mistakes({}) or "there is none" in mistakes({})


@pytest.mark.parametrize(
    ("ensemble", "mistake"),
    [
        ({"frist": 0.2}, "ensemble.frist: .* did you mean first?"),
        ({"last": 0.2}, "ensemble.last: .* whose weight is the rest"),
        ({"first": 1}, "between 0 and 1"),
        ({"first": "much"}, "between 0 and 1"),
        ({"first": 0.5, "second": 0.5}, "sum up to 1"),
        (["first"], "give a mapping"),
    ],
)
def test_an_ensemble_has_earlier_stages_and_weights(ensemble: Any, mistake: str) -> None:
    stages: dict[str, Any] = {"first": {}, "second": {}, "last": {}}
    assert re.search(mistake, mistakes(stages, ensemble=ensemble))


@pytest.mark.parametrize("export", ["int8, onnx", ["int8", "onnx"]])
def test_formats_are_a_text_or_a_list(export: str | list[str]) -> None:
    recipe = read_recipe("mine", {"stages": {"a": {}}, "export": export}, lambda key: False)
    assert recipe.export == ("onnx", "int8")


def test_one_setting_to_ignore_needs_no_list() -> None:
    stages = {"a": {"ignore": "distillation.unlabelled_dir"}}
    recipe = read_recipe("mine", {"stages": stages}, lambda key: False)
    assert recipe.stages[0].ignore == ("distillation.unlabelled_dir",)


def test_settings_are_words_whether_nested_or_dotted() -> None:
    recipe = read_recipe(
        "mine",
        {
            "stages": {
                "a": {
                    "settings": {
                        "loss": "dice",
                        "optimizer": {"lr": 0.1},
                        "data.extra": [{"root": "more photos", "weight": 0.5}],
                        "eval_size": None,
                    }
                }
            }
        },
        lambda key: key in ("loss", "optimizer"),
    )
    assert recipe.stages[0].words == (
        "loss=dice",
        "++optimizer.lr=0.1",
        "++data.extra=[{root: 'more photos', weight: 0.5}]",
        "++eval_size=null",
    )


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("2h", 7200), ("90m", 5400), ("1h30m", 5400), ("20min", 1200), (45, 45), (None, None)],
)
def test_a_budget_is_a_time(text: Any, seconds: float | None) -> None:
    assert read_budget(text) == seconds


@pytest.mark.parametrize("text", ["h", "-3h", "0", "2 weeks", "nan"])
def test_what_is_no_time_is_no_budget(text: str) -> None:
    with pytest.raises(ValueError, match="no time"):
        read_budget(text)


@pytest.mark.parametrize(
    "word", ["-m", "resume=runs/a", "search=losses", "sweep=x", "init_from=runs/a"]
)
def test_what_does_not_go_with_a_recipe_is_refused(word: str) -> None:
    with pytest.raises(HumansegError) as caught:
        recipe_words(["recipe=best", word])
    assert caught.value.code == "recipes.not_with_a_recipe"


def test_a_recipe_is_run_by_its_own_part_of_hydra() -> None:
    assert recipe_words(["loss=dice"]) == ["loss=dice"]
    words = recipe_words(["recipe=best", "recipe.budget=2h", "seed=1", "backbone.weights=none"])
    assert words[:4] == [
        "recipe=best",
        "++recipe.budget=2h",
        "seed=1",
        "++backbone.weights=none",
    ]
    with pytest.raises(HumansegError) as caught:
        recipe_words(["recipe.budget=2h"])
    assert caught.value.code == "recipes.none_named"


def test_mistakes_of_all_stages_are_named_before_the_first_starts(
    recipe: "RunRecipe", finish: "Work", tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stages: dict[str, Any] = {
        "a": {"settings": {"optimizer": {"lrr": 1}}},
        "b": {"settings": {"loss": "dicee"}},
        "c": {"settings": {"data": {"batch_size": 0}}},
    }
    (tmp_path / "empty").mkdir()
    stages["d"] = {"settings": {"distillation": {"teachers": "best"}}}
    words = ("data.root=nowhere", "distillation.unlabelled_dir=empty")
    assert recipe(finish, stages, *words) == 2
    said = capsys.readouterr().err
    assert "distillation.unlabelled_dir: there is no photo in" in said
    assert "a: optimizer.lrr: unknown" in said and "b: loss=dicee: there is no such loss" in said
    assert "c: data.batch_size" in said and "nowhere" in said
    assert not (tmp_path / "runs").exists()


def test_weights_of_another_model_are_noticed_before_the_first_stage(
    recipe: "RunRecipe", finish: "Work", capsys: pytest.CaptureFixture[str]
) -> None:
    stages = {
        "a": {},
        "b": {"settings": {"init_from": "stage:a", "backbone.widths": [4, 16]}},
    }
    assert recipe(finish, stages) == 2
    assert "b: init_from: a has another model" in capsys.readouterr().err


def test_several_values_of_a_setting_are_no_recipe(
    recipe: "RunRecipe", finish: "Work", capsys: pytest.CaptureFixture[str]
) -> None:
    assert recipe(finish, {"a": {}}, "seed=1,2") == 2
    assert "trains each of its stages once" in capsys.readouterr().err


def test_weights_are_named_once_for_all_stages_that_use_some(
    recipe: "RunRecipe", finish: "Work", tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    seen = {}

    def work(request: Any) -> Any:
        seen[request.folder.name] = request.config.backbone.get("weights")
        return finish(request)

    def net(name: str) -> dict[str, Any]:
        # Of the small settings of this test's recipes, those that a plain backbone has.
        own = {"backbone": name, "backbone.widths": None, "backbone.weights": "pretrained"}
        return {"settings": own}

    stages: dict[str, Any] = {"a": {}, "b": net("resnet18"), "c": net("mobilenetv2")}
    for body in (stages["b"], stages["c"]):
        body["settings"]["model"] = "unet"
    weights = tmp_path / "weights"
    weights.mkdir()
    file = weights / "resnet18.safetensors"
    file.touch()
    assert recipe(work, stages, f"backbone.weights={file}") == 2
    assert "name a folder with" in capsys.readouterr().err
    assert recipe(work, stages, f"backbone.weights={weights}") == 2
    assert "has no mobilenetv2" in capsys.readouterr().err


def test_a_recipe_can_begin_with_the_stages_of_another(
    compose: Callable[..., DictConfig],
) -> None:
    below, above = (
        read_recipe(
            name, OmegaConf.to_container(compose(f"recipe={name}").recipe), lambda key: False
        )
        for name in ("tiny", "robust_tiny")
    )
    inherited = [stage.name for stage in below.stages if stage.name != "second_teacher"]
    assert [stage.name for stage in above.stages][: len(inherited)] == inherited
    assert [stage.words for stage in above.stages][: len(inherited)] == [
        stage.words for stage in below.stages if stage.name in inherited
    ]


def test_every_shipped_recipe_fits_the_code() -> None:
    lines: list[str] = []
    assert validate_recipes(lines.append) == []
    assert {"best", "best_from_scratch", "best_pspnet", "quick", "tiny"} <= {
        line.split("recipe=")[1] for line in lines
    }
