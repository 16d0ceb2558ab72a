"""Hydra's launchers: what starts the jobs of a sweep, here or elsewhere."""

from collections.abc import Sequence
from importlib.util import find_spec

from hydra.core.plugins import Plugins
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

from humanseg.config.error_text import explain
from humanseg.errors import HumansegError
from humanseg.sweeps.jobs import Job, Outcome, standing

EXTRAS = {
    "hydra_plugins.hydra_joblib_launcher": "joblib",
    "hydra_plugins.hydra_submitit_launcher": "submitit",
    "hydra_plugins.hydra_ray_launcher": "ray",
}
"""The extra of humanseg that installs a plugin."""


def open_launcher(context: HydraContext, config: DictConfig, task: TaskFunction) -> Launcher:
    """Make the launcher that a config names.

    Parameters
    ----------
    context, config
        As Hydra gives them to a sweeper.
    task
        What each job is.

    Returns
    -------
    Launcher
        One of Hydra's.

    Raises
    ------
    HumansegError
        It is not installed.
    """
    target = str(config.hydra.launcher._target_)
    for plugin, extra in EXTRAS.items():
        if target.startswith(f"{plugin}.") and find_spec(plugin) is None:
            raise HumansegError(
                f"hydra/launcher={config.hydra.runtime.choices['hydra/launcher']} is not "
                f"installed: pip install 'humanseg[{extra}]'."
            )
    return Plugins.instance().instantiate_launcher(
        hydra_context=context, task_function=task, config=config
    )


def launch(launcher: Launcher, jobs: Sequence[Job], number: int) -> list[Outcome]:
    """Do jobs by a launcher.

    A launcher that loses one job, with its machine say, gives no results for any. How each of them
    ended is on disk.

    Parameters
    ----------
    launcher
        Starts them.
    jobs
        All are started.
    number
        Of the first one, for the launcher.

    Returns
    -------
    list of Outcome
        In the order of the jobs.

    Raises
    ------
    HumansegError
        The launcher could not start anything.
    """
    before = [standing(job.folder) for job in jobs]
    try:
        results = launcher.launch([list(job.overrides) for job in jobs], number)
    except Exception as error:
        after = [standing(job.folder) for job in jobs]
        explained = explain(error)
        reason = " ".join(str(explained or error).split()) or type(error).__name__
        if after == before:
            raise explained or HumansegError(
                f"The jobs could not be started: {reason} HUMANSEG_DEBUG=1 shows the traceback."
            ) from error
        return [_left(job, reason) for job in jobs]
    # return_value raises what a job raised by a fault of ours.
    return [result.return_value for result in results]


def _left(job: Job, reason: str) -> Outcome:
    """Say how a job was left whose launcher failed for this reason."""
    now = standing(job.folder)
    if now.state == "running":
        return Outcome("elsewhere")
    if now.state in ("finished", "pruned"):
        return Outcome(now.state)
    return Outcome("failed", now.summary.get("failure") or f"lost by its launcher: {reason}")
