"""A search as a command line gives it, with a stub in the place of trainings."""

import math
from pathlib import Path
from typing import TYPE_CHECKING

import optuna
import pytest
from optuna.trial import TrialState

from humanseg.runs import RunFolder, run_lock
from humanseg.sweeps.jobs import Outcome, record_failure
from humanseg.sweeps.search.study import open_study
from humanseg.training.request import TrainRequest

if TYPE_CHECKING:
    from tests.sweeps.conftest import Sweep, Work

SEARCH = ("search=optuna", "sweep=mine", "hydra.sweeper.startup_trials=2")


def trials(root: Path) -> list[optuna.trial.FrozenTrial]:
    found: list[optuna.trial.FrozenTrial] = open_study(root / "runs/mine").trials
    return found


def test_a_search_stops_at_the_number_of_trials_and_goes_on_from_there(
    sweep: "Sweep", finish: "Work", tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    seen: list[TrainRequest] = []

    def work(request: TrainRequest) -> Outcome:
        seen.append(request)
        return finish(request, dice=1 - abs(math.log10(request.config.optimizer.lr) + 2.5))

    assert sweep(work, *SEARCH, "hydra.sweeper.n_trials=3") == 0
    assert len(seen) == 3
    first = seen[0]
    assert first.config.trial == 0 and first.config.sweep == "mine"
    assert sorted(one.split("=")[0] for one in first.overrides) == [
        *("augmentation", "loss.weights.0", "optimizer.lr", "search")
    ]
    assert first.folder.name == ",".join(sorted(first.overrides[1:]))
    assert first.config.loss.weights[1] == 0.5
    shown = capsys.readouterr().out
    best = max(trials(tmp_path), key=lambda trial: trial.value or 0)
    assert f"Best, with a Dice of {best.value:.4f}: optimizer.lr=" in shown

    assert sweep(work, *SEARCH, "hydra.sweeper.n_trials=3") == 0
    assert len(seen) == 3
    assert sweep(work, *SEARCH, "hydra.sweeper.n_trials=5", "hydra.sweeper.n_jobs=2") == 0
    assert [trial.number for trial in trials(tmp_path)] == list(range(5))
    assert len({request.folder for request in seen}) == 5


def test_a_search_that_is_stopped_goes_on_in_the_same_folder(
    sweep: "Sweep", finish: "Work", tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    seen: list[TrainRequest] = []
    stop = [True]

    def work(request: TrainRequest) -> Outcome:
        seen.append(request)
        if len(seen) == 2 and stop[0]:
            raise KeyboardInterrupt
        return finish(request)

    assert sweep(work, *SEARCH, "hydra.sweeper.n_trials=3") == 130
    stop[0] = False
    assert sweep(work, *SEARCH, "hydra.sweeper.n_trials=3") == 0
    assert "1 of 3, 1 interrupted and to be tried again" in capsys.readouterr().out
    assert seen[1].folder == seen[2].folder
    assert len({request.folder for request in seen}) == 3
    states = [trial.state.name for trial in trials(tmp_path)]
    assert states == ["COMPLETE", "FAIL", "COMPLETE", "COMPLETE"]


def test_failures_and_prunings_are_trials_too(
    sweep: "Sweep", finish: "Work", tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def work(request: TrainRequest) -> Outcome:
        if request.config.trial == 3:
            return finish(request, dice=math.nan)
        if request.config.trial == 2:
            return finish(request)
        pruned = request.config.trial == 1
        with run_lock(RunFolder(request.folder).lock):
            record_failure(request, "for some reason", pruned=pruned)
        return Outcome("pruned" if pruned else "failed", "for some reason")

    assert sweep(work, *SEARCH, "hydra.sweeper.n_trials=4") == 1
    states = [trial.state for trial in trials(tmp_path)]
    fail = TrialState.FAIL
    assert states == [fail, TrialState.PRUNED, TrialState.COMPLETE, fail]
    shown = capsys.readouterr()
    assert "1 of 4 jobs failed" in shown.err and shown.out.count("  pruned") == 1


def test_values_of_the_command_line_take_the_place_of_a_search(
    sweep: "Sweep", finish: "Work"
) -> None:
    seen: list[TrainRequest] = []

    def work(request: TrainRequest) -> Outcome:
        seen.append(request)
        return finish(request)

    words = ("augmentation=none", "optimizer.lr=0.1,0.2", "hydra.sweeper.n_trials=2")
    assert sweep(work, *SEARCH, *words) == 0
    assert all(request.config.optimizer.lr in (0.1, 0.2) for request in seen)
    assert not any("augmentation" in request.folder.name for request in seen)


def test_other_values_to_choose_from_are_another_search(
    sweep: "Sweep", finish: "Work", tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("hydra.sweeper.method=tpe", "sweep=mine", "hydra.sweeper.n_trials=1")
    assert sweep(finish, *words, "loss=dice,bce_dice") == 0
    assert sweep(finish, *words, "hydra.sweeper.n_trials=2", "loss=dice,bce_dice,bce") == 2
    shown = capsys.readouterr().err
    assert "has drawn loss from other values" in shown and "restart=true" in shown
    # No trial was begun that nothing would ever end.
    assert [trial.state for trial in trials(tmp_path)] == [TrialState.COMPLETE]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["hydra.sweeper.method=tpe", "seed=1"], "nothing to choose from"),
        ([*SEARCH, "hydra.sweeper.n_trials=0"], "n_trials: 0 is not a whole number of at least 1."),
        ([*SEARCH, "hydra.sweeper.n_trials=few"], "n_trials: 'few' is not a whole number of"),
        ([*SEARCH, "+hydra.sweeper.n_trails=3"], "n_trails: unknown, did you mean n_trials?"),
        ([*SEARCH, "hydra.sweeper.method=random"], "there are grid and tpe"),
        ([*SEARCH, "optimizer.lr=interval(2,1)"], "nothing can be drawn from it"),
    ],
)
def test_an_impossible_search_is_named(
    sweep: "Sweep",
    finish: "Work",
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    message: str,
) -> None:
    assert sweep(finish, *words) == 2
    assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_one_search_at_a_time_is_in_a_study(
    sweep: "Sweep", tmp_path: Path, capsys: pytest.CaptureFixture[str], holder: int
) -> None:
    assert sweep(lambda request: Outcome("finished"), *SEARCH) == 2
    assert f"Process {holder} is working in {tmp_path}/runs/mine" in capsys.readouterr().err
