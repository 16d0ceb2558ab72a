"""A search by Optuna's TPE, each trial a job like any other."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hydra.core.override_parser.types import IntervalSweep, Override, RangeSweep
from optuna import Study, distributions
from optuna.trial import TrialState

from humanseg.config.checking.signatures import parameters, value_mistakes
from humanseg.config.ranges import Count, Whole
from humanseg.errors import HumansegError, nearest
from humanseg.runs import run_lock
from humanseg.sweeps.jobs import Job, JobStatus, job_status
from humanseg.sweeps.launch import run_jobs, wait_for
from humanseg.sweeps.messages import print_ranking, refresh_pages, require_none_failed
from humanseg.sweeps.search import study as trials
from humanseg.sweeps.sweep import Sweep
from humanseg.system.interrupts import interruptible
from humanseg.system.terminal import console


@dataclass(frozen=True)
class SearchSettings:
    """The settings of a search; see `conf/hydra/sweeper/humanseg.yaml`."""

    n_trials: Count = 20
    n_jobs: Count = 1
    seed: Whole = 0
    startup_trials: Whole = 5
    prune: bool = True
    warmup_epochs: Whole = 2

    @property
    def pruning(self) -> dict[str, int] | None:
        """Return what a study keeps of it."""
        settings = {"startup_trials": self.startup_trials, "warmup_epochs": self.warmup_epochs}
        return settings if self.prune else None


def read_search_settings(given: Mapping[str, Any]) -> SearchSettings:
    """Read the settings of a search.

    Raises
    ------
    HumansegError
        There is no such setting, or its value is impossible.
    """
    settings = parameters(SearchSettings)
    for key, value in given.items():
        full = f"hydra.sweeper.{key}"
        if key not in settings:
            raise HumansegError(
                f"{full}: unknown{nearest(key, settings) or '.'}", code="config.unknown_key"
            )
        if mistakes := value_mistakes(value, settings[key].annotation, full):
            raise HumansegError(f"{mistakes[0]}.", code="sweeps.bad_setting")
    return SearchSettings(**given)


def run_search(sweep: Sweep, settings: SearchSettings, dry_run: bool = False) -> None:
    """Try settings until there are as many trials as requested.

    Parameters
    ----------
    sweep
        What is requested; its varied keys are drawn.
    settings
        How.
    dry_run
        Print what would be done, and start nothing.

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
        study = trials.open_study(sweep.folder, settings.pruning, create=True)
        _require_same_space(search, study)
        again = trials.recover(study, search.status)
        done = trials.count_done(study)
        console.print(
            f"sweep   {sweep.folder}\ntrials  {done} of {settings.n_trials}"
            + (f", {len(again)} interrupted and to be tried again" if again else "")
        )
        failed = _try(search, study, settings)
    jobs = search.jobs(study)
    refresh_pages(jobs)
    print_ranking(sweep.folder, jobs)
    if study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)):
        best = study.best_trial
        summary = job_status(search.job(best.params).folder).summary
        what = "mean Dice over sources" if "selection" in summary else "Dice"
        console.print(f"Best, with a {what} of {best.value:.4f}: {' '.join(chosen(best.params))}")
    require_none_failed(failed, len(jobs))


@dataclass(frozen=True)
class Search:
    """A sweep whose values are drawn.

    Attributes
    ----------
    sweep
        Where it is, and what all its trials share.
    space
        What is drawn from, by key.
    """

    sweep: Sweep
    space: trials.Space

    def job(self, params: Mapping[str, Any], number: int | None = None) -> Job:
        """Return the job of a trial; in the same folder for the same parameters."""
        trial = [] if number is None else [f"trial={number}"]
        return self.sweep.job([*self.sweep.fixed, *chosen(params), *trial])

    def jobs(self, study: Study) -> list[Job]:
        """List the jobs of all trials, each once."""
        jobs = [
            self.job(trial.params) for trial in study.get_trials(deepcopy=False) if trial.params
        ]
        return list({job.name: job for job in jobs}.values())

    def status(self, params: Mapping[str, Any]) -> JobStatus:
        """Return how far the run with these parameters is, when no process does it any more."""
        job = self.job(params)
        wait_for([job])
        return job_status(job.folder)


def read_space(sweep: Sweep) -> trials.Space:
    """Return what a search draws from.

    Raises
    ------
    HumansegError
        There is nothing to draw from, or something cannot be.
    """
    space = {
        override.get_key_element(): distribution(override)
        for override in sweep.overrides
        if override.is_sweep_override()
    }
    if not space:
        raise HumansegError(
            "This search has nothing to choose from: give a key several values or an interval, "
            "such as 'optimizer.lr=tag(log,interval(1e-4,1e-2))'.",
            code="sweeps.nothing_to_choose",
        )
    return space


def distribution(override: Override) -> distributions.BaseDistribution:
    """Turn the values of an override into what Optuna draws from.

    Returns
    -------
    BaseDistribution
        Numbers for ``range(…)`` and ``interval(…)``, whole ones with ``tag(int,…)``, by their
        magnitude with ``tag(log,…)``; else one of the texts that are listed.

    Raises
    ------
    HumansegError
        The bounds are no bounds.
    """
    value = override.value()
    try:
        log = "log" in getattr(value, "tags", ())
        if isinstance(value, IntervalSweep):
            if "int" in value.tags:
                low, high = int(value.start or 0), int(value.end or 0)
                return distributions.IntDistribution(low, high, log=log)
            return distributions.FloatDistribution(
                float(value.start or 0), float(value.end or 0), log=log
            )
        if isinstance(value, RangeSweep):
            steps = sorted(value.range())
            if all(isinstance(step, int) for step in steps):
                step = abs(int(value.step))
                return distributions.IntDistribution(steps[0], steps[-1], log=log, step=step)
            # Sums of steps are not exact: Optuna would cut the range with a warning.
            ends = [float(f"{end:.12g}") for end in (steps[0], steps[-1])]
            return distributions.FloatDistribution(ends[0], ends[1], log=log, step=abs(value.step))
        return distributions.CategoricalDistribution(list(override.sweep_string_iterator()))
    except (ValueError, IndexError) as error:
        raise HumansegError(
            f"{override.input_line}: nothing can be drawn from it: {error}.",
            code="sweeps.empty_range",
        ) from error


def chosen(params: Mapping[str, Any]) -> list[str]:
    """Return what a trial has drawn as overrides.

    Numbers are cut to four digits: no setting needs more, and folders are named by them.
    """
    return [
        f"{key}={value:.4g}" if isinstance(value, float) else f"{key}={value}"
        for key, value in params.items()
    ]


def lowest(space: Mapping[str, Any]) -> dict[str, Any]:
    """Return the first choice, or the least number, of each key."""
    return {
        key: drawn.choices[0] if hasattr(drawn, "choices") else drawn.low
        for key, drawn in space.items()
    }


def _require_same_space(search: Search, study: Study) -> None:
    """Raise if earlier trials of a search chose from other values: Optuna cannot mix them."""
    if key := trials.changed_key(study, search.space):
        raise HumansegError(
            f"The search in {search.sweep.folder} has drawn {key} from other values than this "
            "command gives, and its trials cannot be compared. Give this search another name "
            "(sweep=NAME), or put the earlier one aside with restart=true.",
            code="sweeps.other_values",
        )


def _show(search: Search, settings: SearchSettings) -> None:
    # Only here: it loads torch, which the process of a sweep does without.
    from humanseg.sweeps.dry_run import show_search

    folder = search.sweep.folder
    done = trials.count_done(trials.open_study(folder)) if (folder / trials.STUDY).exists() else 0
    sample = search.job(lowest(search.space))
    values = {
        override.get_key_element(): override.get_value_string()
        for override in search.sweep.overrides
        if override.is_sweep_override()
    }
    show_search(search.sweep, sample, values, max(0, settings.n_trials - done))


def _try(search: Search, study: Study, settings: SearchSettings) -> dict[str, str]:
    """Try until there are enough trials; return why some failed."""
    launcher = search.sweep.launcher()
    failed: dict[str, str] = {}
    while (remaining := settings.n_trials - trials.count_done(study)) > 0:
        asked = [
            trials.ask_trial(study, search.space, settings.seed, settings.startup_trials, ahead)
            for ahead in range(min(remaining, settings.n_jobs))
        ]
        jobs = [search.job(trial.params, trial.number) for trial in asked]
        search.sweep.check(jobs)
        failed |= run_jobs(jobs, launcher, asked[0].number)
        for trial, job in zip(asked, jobs, strict=True):
            trials.tell_result(study, trial.number, job_status(job.folder))
    return failed
