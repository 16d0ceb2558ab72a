"""The book-keeping of a search, with a stub in the place of trainings."""

import math
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import optuna
import pytest
import pytorch_lightning as pl
from optuna.distributions import CategoricalDistribution, FloatDistribution
from optuna.trial import TrialState

from humanseg.runs import RunFolder
from humanseg.sweeps.jobs import JobStatus
from humanseg.sweeps.search.pruning import Pruned, Pruning
from humanseg.sweeps.search.study import (
    ask_trial,
    changed_key,
    count_done,
    open_study,
    recover,
    running_trial,
    tell_result,
)

SPACE = {
    "optimizer.lr": FloatDistribution(1e-4, 1e-1, log=True),
    "loss": CategoricalDistribution(["dice", "bce"]),
}
UNFINISHED = JobStatus("interrupted", 1, {"status": "running"})


def finished(dice: float | None, **more: float) -> JobStatus:
    return JobStatus("finished", 3, {"status": "finished", "dice_at_half": dice} | more)


def objective(params: Mapping[str, Any]) -> float:
    return 1 - abs(math.log10(params["optimizer.lr"]) + 2.5) - 0.1 * (params["loss"] == "bce")


@pytest.fixture
def study(tmp_path: Path) -> optuna.Study:
    found: optuna.Study = open_study(tmp_path, None, create=True)
    return found


def try_one(study: optuna.Study) -> dict[str, Any]:
    trial = ask_trial(study, SPACE, seed=3, startup=4)
    tell_result(study, trial.number, finished(objective(trial.params)))
    return trial.params


def test_a_study_is_in_its_folder_whatever_that_is_called(tmp_path: Path) -> None:
    folder = tmp_path / "50 %? a#{b}%20"
    folder.mkdir()
    open_study(folder, None, create=True)
    assert open_study(folder).trials == []
    assert [path.name for path in tmp_path.rglob("*")] == [folder.name, "study.sqlite3"]


def test_only_other_words_to_choose_from_are_another_space(study: optuna.Study) -> None:
    try_one(study)
    lr = {"optimizer.lr": FloatDistribution(1e-5, 1, log=True)}
    assert changed_key(study, lr | {"seed": CategoricalDistribution(["1"])}) is None
    assert changed_key(study, lr | {"loss": CategoricalDistribution(["bce"])}) == "loss"


def test_a_search_that_is_killed_draws_what_it_would_have_drawn(tmp_path: Path) -> None:
    folders = [tmp_path / "whole", tmp_path / "killed"]
    for folder in folders:
        folder.mkdir()
    whole = open_study(folders[0], None, create=True)
    expected = [try_one(whole) for _ in range(9)]
    assert len({str(params) for params in expected}) == 9, "random draws repeat"

    drawn = []
    for index in range(9):
        killed = open_study(folders[1], None, create=True)
        if index in (2, 6):
            # The process is gone when the trial runs.
            lost = ask_trial(killed, SPACE, seed=3, startup=4)
            assert lost.params == expected[index]
            assert recover(killed, lambda params: UNFINISHED) == [lost.number]
        drawn.append(try_one(killed))
    assert drawn == expected
    assert count_done(killed) == 9 and len(killed.trials) == 11
    assert killed.best_value == whole.best_value


def test_a_trial_that_died_is_tried_again_once(study: optuna.Study) -> None:
    lost = ask_trial(study, SPACE, seed=0, startup=4)
    assert count_done(study) == 0
    assert recover(study, lambda params: UNFINISHED) == [lost.number]
    assert recover(study, lambda params: UNFINISHED) == []
    assert [trial.state for trial in study.trials] == [TrialState.FAIL, TrialState.WAITING]
    assert count_done(study) == 0, "a trial that died counts"
    assert try_one(study) == lost.params
    assert count_done(study) == 1


def test_a_recovery_that_is_killed_queues_nothing_twice(
    study: optuna.Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask_trial(study, SPACE, seed=0, startup=4)

    def killed(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(study, "tell", killed)
        recover(study, lambda params: UNFINISHED)
    recover(study, lambda params: UNFINISHED)
    assert [trial.state for trial in study.trials] == [TrialState.FAIL, TrialState.WAITING]


@pytest.mark.parametrize(
    ("found", "state"),
    [
        (finished(0.7), TrialState.COMPLETE),
        (finished(None), TrialState.FAIL),
        (finished(math.nan), TrialState.FAIL),
        (JobStatus("pruned", 2, {"status": "pruned"}), TrialState.PRUNED),
        (JobStatus("failed", 0, {"status": "failed", "failure": "bad pair"}), TrialState.FAIL),
    ],
)
def test_a_run_that_ended_while_nobody_looked_is_told(
    study: optuna.Study, found: JobStatus, state: TrialState
) -> None:
    ask_trial(study, SPACE, seed=0, startup=4)
    assert recover(study, lambda params: found) == []
    (trial,) = study.trials
    assert trial.state == state and count_done(study) == 1


def test_a_run_that_was_stopped_by_a_signal_has_not_failed(study: optuna.Study) -> None:
    ask_trial(study, SPACE, seed=0, startup=4)
    stopped = JobStatus("interrupted", 2, {"status": "interrupted"})
    assert recover(study, lambda params: stopped) == [0]


def test_trials_of_one_batch_differ(study: optuna.Study) -> None:
    drawn = [ask_trial(study, SPACE, seed=0, startup=4, ahead=ahead).params for ahead in range(3)]
    assert len({str(params) for params in drawn}) == 3


def taken_up(folder: Path, number: int) -> optuna.Trial:
    """A running trial, as another process finds it."""
    trial = running_trial(open_study(folder), number)
    assert trial is not None
    return trial


def test_another_process_reports_to_a_trial_until_it_has_ended(tmp_path: Path) -> None:
    mine = open_study(tmp_path, {"startup_trials": 1, "warmup_epochs": 0}, create=True)
    good = ask_trial(mine, SPACE, seed=0, startup=4)
    for epoch in (1, 2):
        taken_up(tmp_path, good.number).report(0.9, epoch)
    tell_result(mine, good.number, finished(0.9))
    assert running_trial(open_study(tmp_path), good.number) is None

    bad = ask_trial(mine, SPACE, seed=0, startup=4)
    theirs = taken_up(tmp_path, bad.number)
    theirs.report(0.2, 1)
    assert theirs.should_prune()
    assert running_trial(open_study(tmp_path), 99) is None


def test_a_study_without_pruning_prunes_nothing(study: optuna.Study, tmp_path: Path) -> None:
    good = ask_trial(study, SPACE, seed=0, startup=0)
    good.report(0.9, 1)
    tell_result(study, good.number, finished(0.9))
    bad = taken_up(tmp_path, ask_trial(study, SPACE, seed=0, startup=0).number)
    bad.report(0.1, 1)
    assert not bad.should_prune()


def test_with_further_sources_a_search_maximises_what_chooses_the_checkpoint(
    study: optuna.Study,
) -> None:
    for number, scores in enumerate(((0.9, 0.5), (0.8, 0.7))):
        ask_trial(study, SPACE, seed=0, startup=4)
        tell_result(study, number, finished(scores[0], selection=scores[1]))
    assert (study.best_trial.number, study.best_value) == (1, 0.7)


def test_with_further_sources_a_trial_is_pruned_by_what_chooses_the_checkpoint(
    study: optuna.Study, tmp_path: Path
) -> None:
    number = ask_trial(study, SPACE, seed=0, startup=4).number
    run = RunFolder(tmp_path / "job")
    run.path.mkdir()
    # An epoch of an older version, and one of this.
    run.history.write_text("epoch,val_dice,val_selection\n1,0.5,\n2,0.9,0.6\n")
    trainer: Any = SimpleNamespace(
        is_global_zero=True,
        current_epoch=2,
        max_epochs=3,
        should_stop=False,
        callback_metrics={"val/dice": 0.95, "val/selection": 0.65},
        strategy=SimpleNamespace(broadcast=lambda hopeless: hopeless),
    )
    pruning, module = Pruning(run, number), pl.LightningModule()
    pruning.on_train_start(trainer, module)
    pruning.on_train_epoch_end(trainer, module)
    assert study.trials[number].intermediate_values == {1: 0.5, 2: 0.6, 3: 0.65}


def test_a_trial_whose_steps_are_done_is_not_pruned(tmp_path: Path) -> None:
    study = open_study(tmp_path, {"startup_trials": 1, "warmup_epochs": 0}, create=True)
    good = ask_trial(study, SPACE, seed=0, startup=4)
    good.report(0.9, 1)
    tell_result(study, good.number, finished(0.9))
    run = RunFolder(tmp_path / "job")
    trainer: Any = SimpleNamespace(
        is_global_zero=True,
        current_epoch=0,
        max_epochs=-1,
        should_stop=True,  # by trainer.max_steps
        callback_metrics={"val/selection": 0.2},
        strategy=SimpleNamespace(broadcast=lambda hopeless: hopeless),
    )
    pruning = Pruning(run, ask_trial(study, SPACE, seed=0, startup=4).number)
    pruning.on_train_start(trainer, pl.LightningModule())
    pruning.on_train_epoch_end(trainer, pl.LightningModule())
    trainer.should_stop = False
    with pytest.raises(Pruned):
        pruning.on_train_epoch_end(trainer, pl.LightningModule())
