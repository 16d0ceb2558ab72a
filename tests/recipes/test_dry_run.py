"""What a recipe would do, without doing it."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from humanseg.sweeps import dry_run
from humanseg.sweeps.jobs import Outcome
from humanseg.training.request import TrainRequest

if TYPE_CHECKING:
    from tests.recipes.conftest import RunRecipe, Work

STAGES: dict[str, Any] = {
    "a": {"adds": "all", "share": 1},
    "b": {"share": 3, "settings": {"init_from": "stage:a", "trainer": {"max_epochs": 5}}},
}


def nothing(request: TrainRequest) -> Outcome:
    raise AssertionError("a dry run did a stage")


@pytest.fixture(autouse=True)
def measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """An epoch takes 36 s on every machine."""
    monkeypatch.setattr(dry_run, "call_in_child", lambda function, *given: 36.0)


def test_stages_are_listed_with_parameters_and_time_and_not_started(
    recipe: "RunRecipe", tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert recipe(nothing, STAGES, "--dry-run") == 0
    shown = capsys.readouterr().out
    first, second = (line.split() for line in shown.splitlines() if line[:2] in ("a ", "b "))
    assert first[1:] == ["1,761", "0:15:00", "new", "all"]
    assert second[2] == "0:03:00"
    assert "2 stages, about 0:18:00" in shown
    assert not (tmp_path / "runs").exists()


def test_of_a_budget_the_shares_are_shown(
    recipe: "RunRecipe", capsys: pytest.CaptureFixture[str]
) -> None:
    assert recipe(nothing, STAGES, "recipe.budget=1h", "--dry-run") == 0
    shown = capsys.readouterr().out
    assert "0:15:00" in shown and "0:45:00" in shown


def test_a_stage_whose_settings_changed_is_shown_as_such(
    recipe: "RunRecipe", finish: "Work", capsys: pytest.CaptureFixture[str]
) -> None:
    assert recipe(finish, STAGES) == 0
    capsys.readouterr()
    changed = "recipe.stages.b.settings.optimizer.lr=0.2"
    assert recipe(nothing, STAGES, changed, "--dry-run") == 0
    first, second = (
        line for line in capsys.readouterr().out.splitlines() if line[:2] in ("a ", "b ")
    )
    assert "finished" in first and "settings changed" in second


def test_unlabelled_photos_take_time_too(
    recipe: "RunRecipe",
    sample_root: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(dry_run, "call_in_child", lambda function, config, photos: photos.train)
    learns = {"init_from": "stage:a", "distillation": {"teachers": "stage:a"}}
    stages = {"a": {}, "b": {"settings": learns}}
    unlabelled = f"distillation.unlabelled_dir={sample_root / 'test'}"
    assert recipe(nothing, stages, unlabelled, "trainer.max_epochs=60", "--dry-run") == 0
    shown = capsys.readouterr().out
    alone, taught = (line.split()[2] for line in shown.splitlines() if line[:2] in ("a ", "b "))
    assert alone < taught
