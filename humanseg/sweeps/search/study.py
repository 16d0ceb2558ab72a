"""The book-keeping of a search: which trials there are, which died, what to try next."""

import math
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution
from optuna.trial import FrozenTrial, TrialState

from humanseg.sweeps.jobs import Standing

_DIED = "died"
_INSTEAD = "instead_of"

Space = Mapping[str, BaseDistribution]


def ask(study: optuna.Study, space: Space, seed: int, startup: int, ahead: int = 0) -> optuna.Trial:
    """Draw what to try next.

    It follows from the seed, the number of trials so far and what they reached: a search that is
    interrupted draws what it would have drawn.

    Parameters
    ----------
    study
        Of the search.
    space
        What is drawn from, by key.
    seed
        Of the search.
    startup
        Trials that are drawn at random, before the sampler learns from them.
    ahead
        Trials that are under way in the same batch.

    Returns
    -------
    optuna.Trial
        With the parameters of a trial that died, where one waits to be tried again.
    """
    index = counted(study) + ahead
    mixed = int(np.random.SeedSequence((seed, index)).generate_state(1)[0])
    with warnings.catch_warnings():
        # What is experimental is named, and no user can do anything about it.
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        study.sampler = optuna.samplers.TPESampler(
            seed=mixed, n_startup_trials=startup, constant_liar=True
        )
        return study.ask(dict(space))


def counted(study: optuna.Study) -> int:
    """Count the trials that came to an end of their own: those that died are tried again."""
    return sum(_ended(study, trial) for trial in study.get_trials(deepcopy=False))


def settle(study: optuna.Study, number: int, found: Standing) -> TrialState:
    """Tell the study how a trial ended, as its run says.

    Parameters
    ----------
    study
        Of the search.
    number
        Of the trial.
    found
        What lies in its folder. A score that is no number fails the trial, and nothing else.

    Returns
    -------
    optuna.trial.TrialState
        What the study was told.
    """
    dice = found.summary.get("dice_at_half")
    state = TrialState.FAIL
    if found.state == "pruned":
        state = TrialState.PRUNED
    elif found.state == "finished" and dice is not None and math.isfinite(dice):
        state = TrialState.COMPLETE
    study.tell(number, dice if state == TrialState.COMPLETE else None, state)
    return state


def recover(study: optuna.Study, standing_of: Callable[[Mapping[str, Any]], Standing]) -> list[int]:
    """Settle the trials that a search left running when it was killed.

    A trial whose run has ended is told so. The parameters of one whose run has not are queued:
    they are tried next, and the run goes on where it was.

    Parameters
    ----------
    study
        Of a search at which nobody else is.
    standing_of
        Looks how far the run with these parameters is.

    Returns
    -------
    list of int
        Numbers of the trials that are tried again.
    """
    died = []
    for trial in study.get_trials(states=(TrialState.RUNNING,)):
        found = standing_of(trial.params)
        if found.state in ("finished", "pruned", "failed") and not _was_stopped(found):
            settle(study, trial.number, found)
            continue
        died.append(trial.number)
        # In this order: killed anywhere between, the next call goes on here.
        if trial.params and not _is_queued(study, trial.number):
            study.enqueue_trial(trial.params, user_attrs={_INSTEAD: trial.number})
        study.set_user_attr(_DIED, sorted({*_died(study), trial.number}))
        study.tell(trial.number, state=TrialState.FAIL)
    return died


def best(study: optuna.Study) -> FrozenTrial | None:
    """Give the finished trial with the highest Dice."""
    done = study.get_trials(states=(TrialState.COMPLETE,))
    return max(done, key=lambda trial: trial.value or 0.0, default=None)


def _was_stopped(found: Standing) -> bool:
    """Say whether a run was stopped by a signal: that is no failure of its settings."""
    return str(found.summary.get("failure")).startswith("stopped by SIG")


def _is_queued(study: optuna.Study, number: int) -> bool:
    return any(one.user_attrs.get(_INSTEAD) == number for one in study.get_trials(deepcopy=False))


def _died(study: optuna.Study) -> list[int]:
    return list(study.user_attrs.get(_DIED, []))


def _ended(study: optuna.Study, trial: FrozenTrial) -> bool:
    return trial.state.is_finished() and trial.number not in _died(study)
