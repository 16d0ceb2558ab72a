"""From a list of jobs to as many finished runs, whatever happens on the way."""

import time
from collections.abc import Sequence

from hydra.plugins.launcher import Launcher

from humanseg.runs import RunFolder, is_locked
from humanseg.sweeps.jobs import Job, standing
from humanseg.sweeps.launchers import launch
from humanseg.system.terminal import console

PATIENCE = 2.0
"""Seconds between two looks at a job that another process is at."""


def run_jobs(jobs: Sequence[Job], launcher: Launcher, number: int = 0) -> dict[str, str]:
    """Do what is left to do of jobs.

    Jobs at which another sweep is in the same folder are waited for at the end, and done here
    where it leaves them.

    Parameters
    ----------
    jobs
        All of them; finished ones are skipped.
    launcher
        Starts them.
    number
        Of the first one, for the launcher.

    Returns
    -------
    dict
        Why jobs failed, by their names; empty when all are finished.

    Raises
    ------
    KeyboardInterrupt
        Somebody stopped the sweep.
    """
    failed: dict[str, str] = {}
    left = [job for job in jobs if not standing(job.folder).settled]
    while left:
        ended = list(zip(left, launch(launcher, left, number), strict=True))
        failed |= {job.name: each.reason for job, each in ended if each.state == "failed"}
        number += len(left)
        left = [job for job, each in ended if each.state == "elsewhere"]
        wait_for(left)
    return failed


def wait_for(jobs: Sequence[Job]) -> None:
    """Wait until no process is at any of these jobs."""
    locks = [RunFolder(job.folder).lock for job in jobs]
    if any(map(is_locked, locks)):
        names = ", ".join(job.name for job in jobs)
        console.print(f"\nWaiting for what another process is doing: {names}")
    while any(map(is_locked, locks)):
        time.sleep(PATIENCE)
