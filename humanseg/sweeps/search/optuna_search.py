"""A search by Optuna's TPE, each trial a job like any other."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from optuna import Study

from humanseg.config.hydra_errors import nearest
from humanseg.errors import HumansegError
from humanseg.runs import run_lock
from humanseg.runs.studies import STUDY, open_study
from humanseg.sweeps.jobs import Job, Standing, standing
from humanseg.sweeps.launch import run_jobs, wait_for
from humanseg.sweeps.messages import report, require_none_failed
from humanseg.sweeps.search import study as trials
from humanseg.sweeps.search.space import chosen, distribution, lowest
from humanseg.sweeps.sweep import Sweep
from humanseg.system.interrupts import interruptible
from humanseg.system.terminal import console


@dataclass(frozen=True)
class Settings:
    """How a search goes about it; see `conf/hydra/sweeper/humanseg.yaml`."""

    n_trials: int = 20
    n_jobs: int = 1
    seed: int = 0
    startup_trials: int = 5
    prune: bool = True
    warmup_epochs: int = 2

    def __post_init__(self) -> None:
        """Refuse what no search can be.

        Raises
        ------
        HumansegError
            Names the setting.
        """
        least = {"n_trials": 1, "n_jobs": 1, "seed": 0, "startup_trials": 0, "warmup_epochs": 0}
        for key, bound in least.items():
            value = getattr(self, key)
            if not isinstance(value, int) or value < bound:
                raise HumansegError(
                    f"hydra.sweeper.{key}={value}: give a whole number of {bound} or more."
                )

    @property
    def pruning(self) -> dict[str, int] | None:
        """What a study keeps of it."""
        kept = {"startup_trials": self.startup_trials, "warmup_epochs": self.warmup_epochs}
        return kept if self.prune else None


def read_settings(given: Mapping[str, Any]) -> Settings:
    """Read the settings of a search.

    Raises
    ------
    HumansegError
        There is no such setting, or its value is impossible.
    """
    known = [one.name for one in fields(Settings)]
    for key in given:
        if key not in known:
            raise HumansegError(f"hydra.sweeper.{key}: unknown{nearest(key, known) or '.'}")
    return Settings(**given)


def run_search(sweep: Sweep, settings: Settings, dry_run: bool = False) -> None:
    """Try settings until there are as many trials as asked for.

    Parameters
    ----------
    sweep
        What is asked for; its varied keys are drawn.
    settings
        How.
    dry_run
        Say what would be done, and start nothing.

    Raises
    ------
    HumansegError
        Something must be changed, and nothing was started; or some trials have failed.
    """
    search = Search(sweep, read_space(sweep))
    if dry_run:
        _show(search, settings)
        return
    sweep.begin()
    # Two searches in one study would each take the other's trials for dead ones.
    with run_lock(sweep.folder / ".lock"), interruptible():
        study = open_study(sweep.folder, settings.pruning, create=True)
        again = trials.recover(study, search.standing)
        done = trials.counted(study)
        console.print(
            f"sweep   {sweep.folder}\ntrials  {done} of {settings.n_trials}"
            + (f", {len(again)} interrupted and to be tried again" if again else "")
        )
        failed = _try(search, study, settings)
    jobs = search.jobs(study)
    report(sweep.folder, jobs)
    best = trials.best(study)
    if best is not None:
        console.print(f"Best, with a Dice of {best.value:.4f}: {' '.join(chosen(best.params))}")
    require_none_failed(failed, len(jobs))


@dataclass(frozen=True)
class Search:
    """A sweep whose values are drawn.

    Attributes
    ----------
    sweep
        Where it lies, and what all its trials share.
    space
        What is drawn from, by key.
    """

    sweep: Sweep
    space: trials.Space

    def job(self, params: Mapping[str, Any], number: int | None = None) -> Job:
        """Say where the run of a trial lies; the same for the same parameters."""
        own = [] if number is None else [f"trial={number}"]
        return self.sweep.job([*self.sweep.fixed, *chosen(params), *own])

    def jobs(self, study: Study) -> list[Job]:
        """List the jobs of all trials, each once."""
        found = [self.job(one.params) for one in study.get_trials(deepcopy=False) if one.params]
        return list({job.name: job for job in found}.values())

    def standing(self, params: Mapping[str, Any]) -> Standing:
        """Look how far the run with these parameters is, when nobody is at it any more."""
        job = self.job(params)
        wait_for([job])
        return standing(job.folder)


def read_space(sweep: Sweep) -> trials.Space:
    """Work out what a search draws from.

    Raises
    ------
    HumansegError
        There is nothing to draw from, or something cannot be.
    """
    space = {
        one.get_key_element(): distribution(one)
        for one in sweep.overrides
        if one.is_sweep_override()
    }
    if not space:
        raise HumansegError(
            "This search has nothing to choose from: give a key several values or an interval, "
            "such as 'optimizer.lr=tag(log,interval(1e-4,1e-2))'."
        )
    return space


def _show(search: Search, settings: Settings) -> None:
    # Only here: it loads torch, which the process of a sweep does without.
    from humanseg.sweeps.dry_run import show_search

    folder = search.sweep.folder
    done = trials.counted(open_study(folder)) if (folder / STUDY).exists() else 0
    sample = search.job(lowest(search.space))
    values = {
        one.get_key_element(): one.get_value_string()
        for one in search.sweep.overrides
        if one.is_sweep_override()
    }
    show_search(search.sweep, sample, values, max(0, settings.n_trials - done))


def _try(search: Search, study: Study, settings: Settings) -> dict[str, str]:
    """Try until there are enough trials; return why some failed."""
    launcher = search.sweep.launcher()
    failed: dict[str, str] = {}
    while (left := settings.n_trials - trials.counted(study)) > 0:
        asked = [
            trials.ask(study, search.space, settings.seed, settings.startup_trials, ahead)
            for ahead in range(min(left, settings.n_jobs))
        ]
        jobs = [search.job(trial.params, trial.number) for trial in asked]
        search.sweep.check(jobs)
        failed |= run_jobs(jobs, launcher, asked[0].number)
        for trial, job in zip(asked, jobs, strict=True):
            trials.settle(study, trial.number, standing(job.folder))
    return failed
