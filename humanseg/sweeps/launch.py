"""Runs a list of jobs with Hydra's launchers, and survives their failures."""

import time
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from hydra.core.override_parser.types import Quote, QuotedString
from hydra.core.plugins import Plugins
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, open_dict

from humanseg.config.command_line.error_text import explain
from humanseg.errors import HumansegError
from humanseg.runs import RunFolder, is_locked
from humanseg.sweeps.jobs import Job, Outcome, job_status
from humanseg.system.terminal import console

PATIENCE = 2.0
"""Seconds between two looks at a job that another process does."""
EXTRAS = {
    "hydra_plugins.hydra_joblib_launcher": "joblib",
    "hydra_plugins.hydra_submitit_launcher": "submitit",
    "hydra_plugins.hydra_ray_launcher": "ray",
}
"""The extra of humanseg that installs a plugin."""


def launcher_in(
    folder: Path, context: HydraContext, config: DictConfig, task: TaskFunction
) -> Launcher:
    """Make a launcher that puts what it writes for itself into a folder; see `open_launcher`."""
    quoted = QuotedString(str(folder), Quote.single).with_quotes()
    with open_dict(config):
        config.hydra.sweep.dir = str(folder)
        config.hydra.overrides.hydra.append(f"hydra.sweep.dir={quoted}")
    return open_launcher(context, config, task)


def open_launcher(context: HydraContext, config: DictConfig, task: TaskFunction) -> Launcher:
    """Make the launcher that a config names; `task` is what it calls for each job."""
    target = str(config.hydra.launcher._target_)
    for plugin, extra in EXTRAS.items():
        if target.startswith(f"{plugin}.") and find_spec(plugin) is None:
            raise HumansegError(
                f"hydra/launcher={config.hydra.runtime.choices['hydra/launcher']} is not "
                f'installed: pip install "humanseg[{extra}]".',
                code="sweeps.launcher_not_installed",
            )
    return Plugins.instance().instantiate_launcher(
        hydra_context=context, task_function=task, config=config
    )


def run_jobs(jobs: Sequence[Job], launcher: Launcher, number: int = 0) -> dict[str, str]:
    """Run the unfinished jobs, and return why some have failed, by their names.

    Jobs that another sweep in the same folder does are waited for at the end, and done here where
    it leaves them. `number` is that of the first job, for the launcher.
    """
    failed: dict[str, str] = {}
    todo = [job for job in jobs if not job_status(job.folder).is_done]
    while todo:
        outcomes = list(zip(todo, launch_jobs(launcher, todo, number), strict=True))
        failed |= {
            job.name: outcome.reason for job, outcome in outcomes if outcome.state == "failed"
        }
        number += len(todo)
        todo = [job for job, outcome in outcomes if outcome.state == "elsewhere"]
        wait_for(todo)
    return failed


def launch_jobs(launcher: Launcher, jobs: Sequence[Job], number: int) -> list[Outcome]:
    """Do jobs by a launcher, `number` being the first one's; return how each ended.

    A launcher that loses one job, with its machine say, gives no results for any. How each of them
    ended is on disk.
    """
    statuses = [job_status(job.folder) for job in jobs]
    try:
        results = launcher.launch([list(job.overrides) for job in jobs], number)
    except Exception as error:
        after = [job_status(job.folder) for job in jobs]
        explained = explain(error)
        reason = " ".join(str(explained or error).split()) or type(error).__name__
        if after == statuses:
            raise explained or HumansegError(
                f"The jobs could not be started: {reason} HUMANSEG_DEBUG=1 shows the traceback.",
                code="sweeps.not_started",
            ) from error
        return [_lost(job, reason) for job in jobs]
    # return_value raises what a job raised by a fault of ours.
    return [result.return_value for result in results]


def _lost(job: Job, reason: str) -> Outcome:
    """Return how a job ended whose launcher failed for this reason."""
    status = job_status(job.folder)
    if status.state == "running":
        return Outcome("elsewhere")
    if status.state in ("finished", "pruned"):
        return Outcome(status.state)
    return Outcome("failed", status.summary.get("failure") or f"lost by its launcher: {reason}")


def wait_for(jobs: Sequence[Job]) -> None:
    """Wait until no process does any of these jobs."""
    locks = [RunFolder(job.folder).lock for job in jobs]
    if any(map(is_locked, locks)):
        names = ", ".join(job.name for job in jobs)
        console.print(f"\nWaiting for what another process is doing: {names}")
    while any(map(is_locked, locks)):
        time.sleep(PATIENCE)
