"""The dry run of a sweep: its jobs, their sizes and their estimated times.

A training takes as long as one like it took, or as a few steps of it say.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from omegaconf import DictConfig, OmegaConf

from humanseg.config.checking.check import find_mistakes
from humanseg.config.checking.compatibility import count_parameters, pair_key, pair_mistake
from humanseg.config.command_line.error_text import explain
from humanseg.sweeps.epoch_time import (
    PhotoCounts,
    count_photos,
    epochs_of,
    measure_epoch,
    speed_key,
)
from humanseg.sweeps.jobs import Job, JobStatus, job_status
from humanseg.sweeps.messages import clock
from humanseg.sweeps.sweep import Sweep
from humanseg.system.children import call_in_child
from humanseg.system.progress import progress_on
from humanseg.system.terminal import console
from humanseg.training.distillation import unlabelled_options

HOW = (
    "times: as finished jobs of this sweep with the same model took, where there are such; else "
    "from 2 steps\nof each model on random photos, just now and here, without loading photos and "
    "writing files"
)


@dataclass(frozen=True)
class Forecast:
    """The forecast of a job before it starts.

    Attributes
    ----------
    problem
        What would make it fail at once.
    parameters
        Of its model.
    seconds
        For what is left of it.
    """

    problem: str = ""
    parameters: int | None = None
    seconds: float = 0.0


def show_jobs(sweep: Sweep, jobs: Sequence[Job]) -> None:
    """Print a table of the jobs of a grid, and how long all of them take."""
    forecasts = forecast(sweep, jobs)
    width = max(len(job.name) for job in jobs)
    console.print(f"sweep   {sweep.folder}\n\n{'job':<{width}}  parameters       time  state")
    for job, ahead in zip(jobs, forecasts, strict=True):
        remaining = clock(ahead.seconds) if ahead.seconds else ""
        count = "" if ahead.parameters is None else f"{ahead.parameters:,}"
        state = f"would fail: {ahead.problem}" if ahead.problem else _status(sweep, job).state
        console.print(f"{job.name:<{width}}  {count:>10}  {remaining:>9}  {state}")
    total = sum(ahead.seconds for ahead in forecasts)
    console.print(f"\n{len(jobs)} jobs, about {clock(total)} one after another\n{HOW}")


def show_search(sweep: Sweep, sample: Job, space: Mapping[str, object], remaining: int) -> None:
    """Print what a search draws from, and how long it takes; `sample` is a job like its trials."""
    console.print(f"sweep   {sweep.folder}\n")
    for key, values in space.items():
        console.print(f"{key:<24}  {values}")
    (ahead,) = forecast(sweep, [sample])
    if ahead.problem:
        console.print(f"\nA trial such as {sample.name} would fail: {ahead.problem}")
        return
    seconds, total = clock(ahead.seconds), clock(remaining * ahead.seconds)
    console.print(
        f"\n{remaining} trials to come of about {seconds} each, {total} in all and less where some "
        f"are pruned;\na model has {ahead.parameters:,} parameters, as in {sample.name}\n{HOW}"
    )


def forecast(sweep: Sweep, jobs: Sequence[Job]) -> list[Forecast]:
    """Inspect jobs before they start; return a forecast for each."""
    configs = [request.config for request in sweep.requests(jobs)]
    statuses = [_status(sweep, job) for job in jobs]
    forecaster = Forecaster()
    for config, status in zip(configs, statuses, strict=True):
        seconds, epochs = status.summary.get("seconds"), status.summary.get("epochs")
        if status.state == "finished" and seconds and epochs:
            forecaster.epoch_seconds[speed_key(config)] = seconds / epochs
    forecasts = []
    with progress_on(console, "trying models") as move:
        for number, (config, status) in enumerate(zip(configs, statuses, strict=True)):
            move(number, len(jobs))
            forecasts.append(forecaster.forecast(config, status))
    return forecasts


class Forecaster:
    """Inspects what jobs share only once."""

    def __init__(self) -> None:
        self.epoch_seconds: dict[str, float] = {}
        self._failures: dict[str, str] = {}
        self._pairs: dict[str, tuple[str, int | None]] = {}
        self._photos: dict[str, PhotoCounts] = {}

    def forecast(self, config: DictConfig, status: JobStatus) -> Forecast:
        """Inspect a job."""
        mistakes = find_mistakes(config)
        problem, parameters = (mistakes[0], None) if mistakes else self._pair(config)
        if problem:
            return Forecast(problem)
        if status.is_done:
            return Forecast("", parameters)
        data = f"{OmegaConf.to_yaml(config.data, resolve=True)}{unlabelled_options(config)}"
        if data not in self._photos:
            self._photos[data] = count_photos(config)
        photos = self._photos[data]
        epochs_left = max(0.0, epochs_of(config, photos) - status.epochs)
        if not epochs_left:
            return Forecast("", parameters)
        key = speed_key(config)
        if key not in self.epoch_seconds and key not in self._failures:
            self._measure(key, config, photos)
        if key in self._failures:
            return Forecast(self._failures[key])
        return Forecast("", parameters, epochs_left * self.epoch_seconds[key])

    def _pair(self, config: DictConfig) -> tuple[str, int | None]:
        key = pair_key(config)
        if key not in self._pairs:
            problem = pair_mistake(config)
            self._pairs[key] = (problem, None) if problem else ("", count_parameters(config))
        return self._pairs[key]

    def _measure(self, key: str, config: DictConfig, photos: PhotoCounts) -> None:
        try:
            # A net that a library cannot take may end its process.
            self.epoch_seconds[key] = call_in_child(measure_epoch, config, photos)
        except Exception as error:
            if (explained := explain(error)) is None:
                raise
            self._failures[key] = " ".join(str(explained).split())


def _status(sweep: Sweep, job: Job) -> JobStatus:
    """Return how far a job is; what will be put aside counts for nothing."""
    return JobStatus("new", 0, {}) if sweep.config.restart else job_status(job.folder)
