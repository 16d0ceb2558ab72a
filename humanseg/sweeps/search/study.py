"""The Optuna study of a search: one SQLite file beside its runs, for many processes at once.

A dead trial is tried again by Optuna's retry callback. Which trials are dead is read from the locks
of their runs and not from Optuna's heartbeat: a lock shows it at once, while a heartbeat must first
be overdue, and Optuna beats in `optimize` alone, not for ask-and-tell.
"""

import math
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution, check_distribution_compatibility
from optuna.storages import RetryHeartbeatStaleTrialCallback
from optuna.trial import TrialState
from sqlalchemy.engine import URL

from humanseg.sweeps.jobs import JobStatus

STUDY = "study.sqlite3"
"""The file's name, in the folder of the sweep."""
_NAME = "search"
_BUSY = 60.0
"""Seconds to wait for another process that writes into the file."""
_DIED = "died"
"""Where version 0.1 kept the numbers of dead trials."""

Space = Mapping[str, BaseDistribution]

# What is experimental is named, and no user can do anything about it.
warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)


def open_study(
    folder: Path, prune: dict[str, int] | None = None, create: bool = False
) -> optuna.Study:
    """Open the study of a search, which maximises.

    Parameters
    ----------
    folder
        The sweep's.
    prune
        Of a new study: `startup_trials` and `warmup_epochs` before anything is pruned. None: never.
    create
        Whether to make one where there is none.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    # Of a path as it is, what follows a question mark would be options.
    address = URL.create("sqlite", database=str(folder / STUDY))
    storage = optuna.storages.RDBStorage(
        address.render_as_string(), engine_kwargs={"connect_args": {"timeout": _BUSY}}
    )
    if create:
        study = optuna.create_study(
            storage=storage, study_name=_NAME, direction="maximize", load_if_exists=True
        )
        study.set_user_attr("prune", prune)
    else:
        study = optuna.load_study(storage=storage, study_name=_NAME)
    settings = study.user_attrs.get("prune")
    study.pruner = (
        optuna.pruners.NopPruner()
        if settings is None
        else optuna.pruners.MedianPruner(settings["startup_trials"], settings["warmup_epochs"])
    )
    return study


def running_trial(study: optuna.Study, number: int) -> optuna.Trial | None:
    """Return the trial of this number, to report to; None where it runs no more."""
    for frozen in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        if frozen.number == number:
            # Private: Optuna has no other way to report from another process than the one that
            # asked. The tests of this module fail where it goes.
            return optuna.trial.Trial(study, frozen._trial_id)
    return None


def ask_trial(
    study: optuna.Study, space: Space, seed: int, startup: int, ahead: int = 0
) -> optuna.Trial:
    """Draw what to try next, or take up a dead trial that waits to be tried again.

    It follows from the seed, the number of trials so far and what they reached: a search that is
    interrupted draws what it would have drawn.

    Parameters
    ----------
    study, space, seed
        Of the search.
    startup
        Trials that are drawn at random, before the sampler learns from them.
    ahead
        Trials that run in the same batch.
    """
    index = count_done(study) + ahead
    mixed = int(np.random.SeedSequence((seed, index)).generate_state(1)[0])
    study.sampler = optuna.samplers.TPESampler(
        seed=mixed, n_startup_trials=startup, constant_liar=True
    )
    return study.ask(dict(space))


def changed_key(study: optuna.Study, space: Space) -> str | None:
    """Return a key of which earlier trials were drawn from what Optuna cannot mix with `space`.

    A wider or narrower range of numbers is no such change, but other words to choose from are.
    """
    for trial in study.get_trials(deepcopy=False):
        for key in trial.distributions.keys() & space.keys():
            try:
                check_distribution_compatibility(trial.distributions[key], space[key])
            except ValueError:
                return key
    return None


def count_done(study: optuna.Study) -> int:
    """Count the trials that came to an end of their own: dead ones are tried again."""
    dead = _retried(study) | set(study.user_attrs.get(_DIED, []))
    trials = study.get_trials(deepcopy=False)
    # One that died while it was drawn has no parameters to try again.
    return sum(
        trial.state.is_finished() and trial.number not in dead and bool(trial.params)
        for trial in trials
    )


def tell_result(study: optuna.Study, number: int, status: JobStatus) -> TrialState:
    """Report the result of a trial's run to the study.

    Parameters
    ----------
    study, number
        Of the trial.
    status
        What is in its folder. A score that is no number fails the trial, and nothing else.

    Returns
    -------
    optuna.trial.TrialState
        The state that was reported.
    """
    # Where there are further sources: what chooses the checkpoint.
    dice = status.summary.get("selection", status.summary.get("dice_at_half"))
    state = TrialState.FAIL
    if status.state == "pruned":
        state = TrialState.PRUNED
    elif status.state == "finished" and dice is not None and math.isfinite(dice):
        state = TrialState.COMPLETE
    study.tell(number, dice if state == TrialState.COMPLETE else None, state)
    return state


def recover(study: optuna.Study, status_of: Callable[[Mapping[str, Any]], JobStatus]) -> list[int]:
    """Report the trials to the study that were running when their search was killed.

    A trial whose run has ended is reported. The parameters of one whose run has not are queued:
    they are tried next, and the run continues where it was.

    Parameters
    ----------
    study
        Of a search that no other process does.
    status_of
        Returns how far the run with these parameters is.

    Returns
    -------
    list of int
        Numbers of the trials that are tried again.
    """
    retry = RetryHeartbeatStaleTrialCallback()
    queued, dead = _retried(study), []
    for trial in study.get_trials(states=(TrialState.RUNNING,)):
        status = status_of(trial.params)
        if status.state in ("finished", "pruned", "failed"):
            tell_result(study, trial.number, status)
            continue
        dead.append(trial.number)
        # In this order: killed between the two, the next call continues here.
        if trial.params and trial.number not in queued:
            retry(study, trial)
        study.tell(trial.number, state=TrialState.FAIL)
    return dead


def _retried(study: optuna.Study) -> set[int]:
    """Return the numbers of the trials that others are, or were, tried in place of."""
    history = RetryHeartbeatStaleTrialCallback.retry_history
    trials = study.get_trials(deepcopy=False)
    return {number for trial in trials for number in history(trial)}
