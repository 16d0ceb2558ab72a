"""How many epochs the stages of a recipe have that shall take so long in all."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from humanseg.recipes import run
from humanseg.runs import RunFolder, update_summary
from humanseg.sweeps.jobs import Outcome
from humanseg.training.request import TrainRequest

if TYPE_CHECKING:
    from tests.recipes.conftest import RunRecipe, Work

STAGES: dict[str, Any] = {
    "a": {"share": 1},
    "b": {"share": 3, "settings": {"init_from": "stage:a"}},
}


@pytest.fixture
def epochs(finish: "Work", monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """The epochs of each stage that was done; an epoch is measured as 10 s and takes 20 s."""
    monkeypatch.setattr(run, "measure", lambda config: 10.0)
    return {}


@pytest.fixture
def work(finish: "Work", epochs: dict[str, int]) -> "Work":
    def done(request: TrainRequest) -> Outcome:
        count = request.config.trainer.max_epochs
        epochs[request.folder.name] = count
        outcome = finish(request)
        update_summary(RunFolder(request.folder).summary, epochs=count, seconds=20.0 * count)
        return outcome

    return done


def test_a_budget_is_divided_by_shares_and_by_how_long_epochs_really_take(
    recipe: "RunRecipe", work: "Work", epochs: dict[str, int], tmp_path: Path
) -> None:
    assert recipe(work, STAGES, "recipe.budget=1h") == 0
    # Of the hour a tenth is for files: 810 s, and an epoch is thought to take 11.5 s.
    assert epochs["a"] == 70
    # What a took, 1400 s, is gone, and epochs take twice as long as was measured.
    assert epochs["b"] == (3240 - 1400) // 20
    record = json.loads((tmp_path / "runs/mine/record.json").read_text())
    assert record["budget_seconds"] == 3600 and record["plan"]["a"]["epochs"] == 70
    assert "++trainer.max_epochs=92" in record["stages"][1]["overrides"]


def test_a_recipe_that_goes_on_keeps_its_plan(
    recipe: "RunRecipe",
    work: "Work",
    epochs: dict[str, int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def killed(request: TrainRequest) -> Outcome:
        epochs["killed"] = request.config.trainer.max_epochs
        raise KeyboardInterrupt

    assert recipe(killed, STAGES, "recipe.budget=1h") == 130
    monkeypatch.setattr(run, "measure", lambda config: 1000.0)
    assert recipe(work, STAGES, "recipe.budget=1h") == 0
    assert epochs["a"] == epochs["killed"] == 70
    assert recipe(work, STAGES, "recipe.budget=2h") == 0


def test_stages_that_are_trained_again_forget_an_earlier_budget(
    recipe: "RunRecipe", work: "Work", epochs: dict[str, int]
) -> None:
    assert recipe(work, STAGES, "recipe.budget=1h") == 0
    assert recipe(work, STAGES, "trainer.max_epochs=20") == 2
    assert recipe(work, STAGES, "trainer.max_epochs=20", "restart=true") == 0
    assert epochs == {"a": 20, "b": 20}
    assert recipe(work, STAGES, "optimizer.lr=0.5", "recipe.budget=1h", "restart=true") == 0
    assert epochs == {"a": 70, "b": 92}
    assert recipe(work, STAGES, "optimizer.lr=0.25", "restart=true") == 0
    assert epochs == {"a": 25, "b": 25}


def test_a_stage_without_a_share_keeps_its_epochs(
    recipe: "RunRecipe", work: "Work", epochs: dict[str, int]
) -> None:
    kept = {"share": 0, "settings": {"init_from": "stage:b", "trainer": {"max_epochs": 2}}}
    assert recipe(work, STAGES | {"c": kept}, "recipe.budget=1h") == 0
    assert epochs == {"a": 70, "b": 92, "c": 2}


def test_the_time_of_a_stage_that_was_left_out_is_free_again(
    recipe: "RunRecipe", work: "Work", epochs: dict[str, int]
) -> None:
    def killed(request: TrainRequest) -> Outcome:
        if request.folder.name == "b":
            raise KeyboardInterrupt
        return work(request)

    after = {
        name: {"settings": {"init_from": f"stage:{first}"}} for name, first in ("ba", "ca", "dc")
    }
    stages: dict[str, Any] = {"a": {}, **after}
    assert recipe(killed, stages, "recipe.budget=1h") == 130
    assert recipe(work, stages, "recipe.budget=1h", "recipe.stages.b=null") == 0
    assert sum(epochs.values()) * 20 == pytest.approx(3240, abs=60)


def test_a_stage_has_one_epoch_at_least(
    recipe: "RunRecipe", work: "Work", epochs: dict[str, int]
) -> None:
    assert recipe(work, STAGES, "recipe.budget=5s") == 0
    assert epochs == {"a": 1, "b": 1}


def test_a_budget_and_a_number_of_epochs_contradict_each_other(
    recipe: "RunRecipe", work: "Work", capsys: pytest.CaptureFixture[str]
) -> None:
    assert recipe(work, STAGES, "recipe.budget=1h", "trainer.max_epochs=3") == 2
    assert "give one of them" in capsys.readouterr().err
