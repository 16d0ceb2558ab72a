"""From a list of jobs to as many finished runs, whatever happens on the way."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hydra.core.plugins import Plugins
from hydra.types import HydraContext
from omegaconf import DictConfig, open_dict

from humanseg.config.quote import quoted
from humanseg.errors import HumansegError
from humanseg.runs import RunFolder, is_locked
from humanseg.sweeps.jobs import Job, Outcome, require_same, standing
from humanseg.sweeps.naming import sweep_name
from humanseg.sweeps.task import Task, job_request
from humanseg.training.interrupts import interruptible
from humanseg.training.terminal import console

PATIENCE = 2.0
"""Seconds between two looks at a job that another process is at."""
_ONE_RUN = ("run_dir", "name", "resume")


@dataclass(frozen=True)
class Sweep:
    """A sweep as it is asked for.

    Attributes
    ----------
    folder
        Absolute; each job has a folder in it.
    varied
        The keys whose values differ between jobs.
    fresh
        Whether what lies there is to be put aside.
    """

    folder: Path
    varied: frozenset[str]
    fresh: bool

    @property
    def name(self) -> str:
        """The folder's."""
        return self.folder.name

    def task(self) -> Task:
        """Give what a launcher calls for each job."""
        return Task(self.folder, self.varied)

    def begin(self, config: DictConfig, context: HydraContext, jobs: Sequence[Job]) -> None:
        """Find what is wrong with any job before the first one starts.

        Raises
        ------
        HumansegError
            A job's config cannot be composed, or its folder holds a run with other settings.
        """
        if self.fresh:
            put_aside(self.folder)
        for job in jobs:
            composed = context.config_loader.load_sweep_config(config, list(job.overrides))
            request = job_request(self.folder, self.varied, composed, list(job.overrides))
            require_same(job.folder, request.config)


def open_sweep(
    config: DictConfig, arguments: Sequence[str], params: Mapping[str, Any], varied: Sequence[str]
) -> Sweep:
    """Find the folder of a sweep, without making it.

    Parameters
    ----------
    config
        What is common to all jobs.
    arguments
        The command line's overrides.
    params
        What its search varies, where it has one.
    varied
        The keys whose values differ between jobs.

    Returns
    -------
    Sweep
        The same for the same command.

    Raises
    ------
    HumansegError
        A setting of a single run is given.
    """
    for key in _ONE_RUN:
        if config.get(key) or key in varied:
            raise HumansegError(
                f"{key}={config.get(key)} is about a single run, and this is a sweep: leave it "
                "out. sweep=NAME names a sweep, runs_dir=PATH says where it lies."
            )
    for key in ("sweep", "fresh", "runs_dir", "trial"):
        if key in varied:
            raise HumansegError(f"{key} is one for all jobs of a sweep: give it one value.")
    name = str(config.sweep or sweep_name(arguments, params, varied))
    folder = Path(str(config.runs_dir)).expanduser() / name
    return Sweep(folder.absolute(), frozenset(varied), bool(config.fresh))


def put_aside(folder: Path) -> None:
    """Rename the folder of an earlier sweep, if there is one, so that a new one finds none.

    Raises
    ------
    HumansegError
        A process works in it.
    """
    if not folder.exists():
        return
    working = [path.parent for path in folder.glob("*/.lock") if is_locked(path)]
    if working:
        raise HumansegError(
            f"A process is working in {working[0]}: stop it before its sweep is put aside."
        )
    aside = folder.with_name(f"{folder.name}-before-{time.strftime('%Y%m%d-%H%M%S')}")
    folder.rename(aside)
    console.print(f"aside   {aside}")


def run_jobs(
    sweep: Sweep, jobs: Sequence[Job], context: HydraContext, config: DictConfig
) -> dict[str, str]:
    """Do what is left to do of jobs, by Hydra's launcher.

    Jobs at which another sweep is in the same folder are waited for at the end, and done here
    where it leaves them.

    Parameters
    ----------
    sweep
        Theirs.
    jobs
        All of them; finished ones are skipped.
    context, config
        As Hydra gives them to a sweeper.

    Returns
    -------
    dict
        Why jobs failed, by their names; empty when all are finished.

    Raises
    ------
    KeyboardInterrupt
        Somebody stopped the sweep.
    """
    launcher = _launcher(sweep, context, config)
    failed: dict[str, str] = {}
    left = [job for job in jobs if not standing(job.folder).settled]
    number = 0
    with interruptible():
        while left:
            results = launcher.launch([list(job.overrides) for job in left], number)
            # return_value raises what a launcher or a task raised by a fault.
            outcomes: list[Outcome] = [result.return_value for result in results]
            ended = list(zip(left, outcomes, strict=True))
            failed |= {job.name: each.reason for job, each in ended if each.state == "failed"}
            number += len(left)
            left = [job for job, each in ended if each.state == "elsewhere"]
            _wait(left)
    return failed


def _launcher(sweep: Sweep, context: HydraContext, config: DictConfig) -> Any:
    # What launchers write for themselves goes into the sweep's folder.
    with open_dict(config):
        config.hydra.sweep.dir = str(sweep.folder)
        config.hydra.overrides.hydra.append(f"hydra.sweep.dir={quoted(str(sweep.folder))}")
    return Plugins.instance().instantiate_launcher(
        hydra_context=context, task_function=sweep.task(), config=config
    )


def _wait(jobs: Sequence[Job]) -> None:
    """Wait until nobody else is at a job."""
    locks = [RunFolder(job.folder).lock for job in jobs]
    if any(map(is_locked, locks)):
        names = ", ".join(job.name for job in jobs)
        console.print(f"\nWaiting for what another sweep is doing: {names}")
    while any(map(is_locked, locks)):
        time.sleep(PATIENCE)
