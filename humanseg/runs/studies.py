"""The Optuna study of a search: one SQLite file beside its runs, for many processes at once.

Optuna is imported when it is used: most trainings are no trials.
"""

from pathlib import Path
from typing import Any

STUDY = "study.sqlite3"
"""The file's name, in the folder of the sweep."""
_NAME = "search"
_BUSY = 60.0
"""Seconds to wait for another process that writes into the file."""


def open_study(folder: Path, prune: dict[str, int] | None = None, create: bool = False) -> Any:
    """Open the study of a search.

    Parameters
    ----------
    folder
        The sweep's.
    prune
        Of a new study: `startup_trials` and `warmup_epochs` before anything is pruned. None: never.
    create
        Whether to make one where there is none.

    Returns
    -------
    optuna.Study
        Maximises; its pruner is the one that it was made with.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    storage = optuna.storages.RDBStorage(
        f"sqlite:///{folder / STUDY}", engine_kwargs={"connect_args": {"timeout": _BUSY}}
    )
    if create:
        study = optuna.create_study(
            storage=storage, study_name=_NAME, direction="maximize", load_if_exists=True
        )
        study.set_user_attr("prune", prune)
    else:
        study = optuna.load_study(storage=storage, study_name=_NAME)
    kept = study.user_attrs.get("prune")
    study.pruner = (
        optuna.pruners.NopPruner()
        if kept is None
        else optuna.pruners.MedianPruner(kept["startup_trials"], kept["warmup_epochs"])
    )
    return study


def running_trial(study: Any, number: int) -> Any:
    """Take up the trial of this number, to report to; None where it runs no more.

    Returns
    -------
    optuna.Trial or None
        A run that is resumed by hand, long after its search, reports to nobody.
    """
    import optuna

    for frozen in study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.RUNNING,)):
        if frozen.number == number:
            return optuna.trial.Trial(study, frozen._trial_id)
    return None
