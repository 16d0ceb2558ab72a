"""What a sweep would do, without doing it: its jobs, how large they are, how long they take."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from omegaconf import DictConfig, OmegaConf

from humanseg.config.check import find_mistakes
from humanseg.config.compatibility import count_parameters, pair_key, pair_mistake
from humanseg.config.error_text import explain
from humanseg.sweeps.estimate import Photos, count_photos, epochs_of, measure_epoch, speed_key
from humanseg.sweeps.jobs import Job, Standing, standing
from humanseg.sweeps.messages import clock
from humanseg.sweeps.subprocess_runner import call_apart
from humanseg.sweeps.sweep import Sweep
from humanseg.system.progress import progress_on
from humanseg.system.terminal import console

_HOW = (
    "times: as finished jobs of this sweep with the same model took, where there are such; else "
    "from 2 steps\nof each model on random photos, just now and here, without loading photos and "
    "writing files"
)


@dataclass(frozen=True)
class Forecast:
    """What is known of a job before it starts.

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
    """Print a table of the jobs of a grid, and how long all of them take.

    Raises
    ------
    HumansegError
        The data are not there.
    """
    forecasts = forecast(sweep, jobs)
    width = max(len(job.name) for job in jobs)
    console.print(f"sweep   {sweep.folder}\n\n{'job':<{width}}  parameters       time  state")
    for job, one in zip(jobs, forecasts, strict=True):
        state = _standing(sweep, job).state
        left = clock(one.seconds) if one.seconds else ""
        count = "" if one.parameters is None else f"{one.parameters:,}"
        told = f"would fail: {one.problem}" if one.problem else state
        console.print(f"{job.name:<{width}}  {count:>10}  {left:>9}  {told}")
    total = sum(one.seconds for one in forecasts)
    console.print(f"\n{len(jobs)} jobs, about {clock(total)} one after another\n{_HOW}")


def forecast(sweep: Sweep, jobs: Sequence[Job]) -> list[Forecast]:
    """Look at jobs before they start.

    Parameters
    ----------
    sweep, jobs
        Of a sweep, whatever is done of it.

    Returns
    -------
    list of Forecast
        One for each job.

    Raises
    ------
    HumansegError
        The data are not there.
    """
    with progress_on(console, "looking at jobs") as move:
        configs = []
        for number, job in enumerate(jobs):
            move(number, len(jobs))
            configs.append(sweep.request(job).config)
    found = [_standing(sweep, job) for job in jobs]
    view = _View()
    for config, one in zip(configs, found, strict=True):
        if (seconds := _epoch_of(one)) is not None:
            view.epochs[speed_key(config)] = seconds
    forecasts = []
    with progress_on(console, "trying models") as move:
        for number, (config, one) in enumerate(zip(configs, found, strict=True)):
            move(number, len(jobs))
            forecasts.append(view.forecast(config, one))
    return forecasts


class _View:
    """What jobs have in common is looked at once."""

    def __init__(self) -> None:
        self.epochs: dict[str, float] = {}
        self._failures: dict[str, str] = {}
        self._pairs: dict[str, tuple[str, int | None]] = {}
        self._photos: dict[str, Photos] = {}

    def forecast(self, config: DictConfig, one: Standing) -> Forecast:
        """Look at a job."""
        mistakes = find_mistakes(config)
        problem, parameters = (mistakes[0], None) if mistakes else self._pair(config)
        if problem:
            return Forecast(problem)
        if one.settled:
            return Forecast("", parameters, 0.0)
        photos = self._count(config)
        left = max(0.0, epochs_of(config, photos) - one.epochs)
        key = speed_key(config)
        if left and key not in self.epochs and key not in self._failures:
            self._measure(key, config, photos)
        if left and key in self._failures:
            return Forecast(self._failures[key])
        return Forecast("", parameters, left * self.epochs[key] if left else 0.0)

    def _pair(self, config: DictConfig) -> tuple[str, int | None]:
        key = pair_key(config)
        if key not in self._pairs:
            problem = pair_mistake(config)
            self._pairs[key] = (problem, None) if problem else ("", count_parameters(config))
        return self._pairs[key]

    def _count(self, config: DictConfig) -> Photos:
        key = OmegaConf.to_yaml(config.data, resolve=True)
        if key not in self._photos:
            self._photos[key] = count_photos(config)
        return self._photos[key]

    def _measure(self, key: str, config: DictConfig, photos: Photos) -> None:
        try:
            # A net that a library cannot take may end its process.
            self.epochs[key] = call_apart(measure_epoch, config, photos)
        except Exception as error:
            if (explained := explain(error)) is None:
                raise
            self._failures[key] = " ".join(str(explained).split())


def show_search(sweep: Sweep, sample: Job, space: Mapping[str, object], left: int) -> None:
    """Print what a search draws from, and how long it takes.

    Parameters
    ----------
    sweep
        The search.
    sample
        A job like its trials.
    space
        What is drawn from, by key.
    left
        How many trials are to come.
    """
    console.print(f"sweep   {sweep.folder}\n")
    for key, values in space.items():
        console.print(f"{key:<24}  {values}")
    (one,) = forecast(sweep, [sample])
    if one.problem:
        console.print(f"\nA trial such as {sample.name} would fail: {one.problem}")
        return
    each, all_left = clock(one.seconds), clock(left * one.seconds)
    console.print(
        f"\n{left} trials to come of about {each} each, {all_left} in all and less where some are "
        f"pruned;\na model has {one.parameters:,} parameters, as in {sample.name}\n{_HOW}"
    )


def _standing(sweep: Sweep, job: Job) -> Standing:
    """Look how far a job is; what will be put aside counts for nothing."""
    return Standing("new", 0, {}) if sweep.config.fresh else standing(job.folder)


def _epoch_of(one: Standing) -> float | None:
    """Seconds of an epoch of a finished job."""
    seconds, epochs = one.summary.get("seconds"), one.summary.get("epochs")
    return seconds / epochs if one.state == "finished" and seconds and epochs else None
