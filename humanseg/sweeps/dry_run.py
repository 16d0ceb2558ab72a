"""The dry run of a sweep: its jobs, their sizes and their estimated times.

A training takes as long as one like it took, or as a few steps of it say.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from lightning_fabric import Fabric
from omegaconf import DictConfig, OmegaConf

from humanseg.config.build import build
from humanseg.config.checking.check import find_mistakes
from humanseg.config.checking.compatibility import count_parameters, pair_key, pair_mistake
from humanseg.config.command_line.error_text import explain
from humanseg.data.cache.photos import scaled_size
from humanseg.data.module import PhotoData
from humanseg.data.transforms.augmentation import Augmentation
from humanseg.io.images import image_size
from humanseg.models.checkpoint import make_segmenter, prediction_sizes, without_weights
from humanseg.sweeps.jobs import Job, JobStatus, job_status
from humanseg.sweeps.messages import clock
from humanseg.sweeps.sweep import Sweep
from humanseg.system.children import call_in_child
from humanseg.system.progress import progress_on
from humanseg.system.terminal import console, quieten
from humanseg.training.distillation import unlabelled_options
from humanseg.training.machine.hardware import choose_hardware, configure_process

STEPS = 2
"""Steps that are timed, after one that is not."""
HOW = (
    "times: as finished jobs of this sweep with the same model took, where there are such; else "
    "from 2 steps\nof each model on random photos, just now and here, without loading photos and "
    "writing files"
)


_DATA = ("batch_size", "crop_size", "train_size", "fold", "folds", "extra", "extra_valid")
"""Settings of the data that decide how long an epoch takes."""
_TRAINER = ("accelerator", "devices", "precision", "limit_train_batches", "limit_val_batches")
"""Those of the trainer."""


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


@dataclass(frozen=True)
class PhotoCounts:
    """The work of an epoch.

    Attributes
    ----------
    train, valid
        Numbers of photos; one that is drawn twice in an epoch counts twice.
    train_size, valid_size
        Height and width of a train sample, and of a valid photo as the model sees it.
    """

    train: int
    valid: int
    train_size: tuple[int, int]
    valid_size: tuple[int, int]


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
    for job, ahead in zip(jobs, forecasts, strict=True):
        remaining = clock(ahead.seconds) if ahead.seconds else ""
        count = "" if ahead.parameters is None else f"{ahead.parameters:,}"
        state = f"would fail: {ahead.problem}" if ahead.problem else _status(sweep, job).state
        console.print(f"{job.name:<{width}}  {count:>10}  {remaining:>9}  {state}")
    total = sum(ahead.seconds for ahead in forecasts)
    console.print(f"\n{len(jobs)} jobs, about {clock(total)} one after another\n{HOW}")


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
    (ahead,) = forecast(sweep, [sample])
    if ahead.problem:
        console.print(f"\nA trial such as {sample.name} would fail: {ahead.problem}")
        return
    each, all_left = clock(ahead.seconds), clock(left * ahead.seconds)
    console.print(
        f"\n{left} trials to come of about {each} each, {all_left} in all and less where some are "
        f"pruned;\na model has {ahead.parameters:,} parameters, as in {sample.name}\n{HOW}"
    )


def forecast(sweep: Sweep, jobs: Sequence[Job]) -> list[Forecast]:
    """Inspect jobs before they start; return a forecast for each.

    Raises
    ------
    HumansegError
        The data are not there.
    """
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
            return Forecast("", parameters, 0.0)
        data = f"{OmegaConf.to_yaml(config.data, resolve=True)}{unlabelled_options(config)}"
        if data not in self._photos:
            self._photos[data] = count_photos(config)
        photos = self._photos[data]
        epochs_left = max(0.0, epochs_of(config, photos) - status.epochs)
        key = speed_key(config)
        if epochs_left and key not in self.epoch_seconds and key not in self._failures:
            self._measure(key, config, photos)
        if epochs_left and key in self._failures:
            return Forecast(self._failures[key])
        return Forecast(
            "", parameters, epochs_left * self.epoch_seconds[key] if epochs_left else 0.0
        )

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


def count_photos(config: DictConfig) -> PhotoCounts:
    """Count the photos of a config's data, and look how large the first of them are.

    Raises
    ------
    HumansegError
        The data folder is not what it should be.
    """
    data: PhotoData = build(
        config.data,
        augmentation=Augmentation([]),
        seed=config.seed,
        **unlabelled_options(config),
    )
    train = [item for name in data.splits.train_names for item in data.items(name)]
    draws = len(train) + sum(data.splits.weight(each.id) - 1 for each in data.items("extra"))
    valid = data.items("valid") + (data.items("extra_valid") if data.has_extra_valid() else [])
    given = config.data.get("crop_size")
    size = given or scaled_size(image_size(train[0].photo), config.data.get("train_size"))
    largest = max(prediction_sizes(config), default=None)
    valid_size = scaled_size(image_size(valid[0].photo), largest)
    return PhotoCounts(round(draws), len(valid), (int(size[0]), int(size[1])), valid_size)


def epochs_of(config: DictConfig, photos: PhotoCounts) -> float:
    """Count the epochs of a training, a part of one too where a number of steps ends it."""
    trainer = config.trainer
    epochs, steps = trainer.get("max_epochs") or -1, trainer.get("max_steps", -1)
    batches = -(-photos.train // config.data.batch_size)
    by_steps = steps * trainer.get("accumulate_grad_batches", 1) / batches
    ends = [float(end) for end in (epochs, by_steps) if end > 0]
    return min(ends, default=0.0)


def speed_key(config: DictConfig) -> str:
    """Return the same text for two configs whose epochs take about the same time."""
    data = {key: config.data.get(key) for key in _DATA} | unlabelled_options(config)
    trainer = {key: config.trainer.get(key) for key in _TRAINER}
    return f"{pair_key(config)} {data} {trainer} {prediction_sizes(config)}"


def measure_epoch(config: DictConfig, photos: PhotoCounts) -> float:
    """Time a few steps on random photos, and return the seconds that an epoch takes.

    Loading and augmenting photos are left out: with a worker they cost little time of their own.
    No weights are loaded.
    """
    quieten()
    trainer = config.trainer
    hardware = choose_hardware(
        trainer.accelerator, trainer.precision, config.channels_last, config.threads
    )
    # As a training does: memory that is taken anew at each step costs a good part of its time.
    configure_process(hardware.device, hardware.threads)
    layout = torch.channels_last if hardware.channels_last else torch.contiguous_format
    fabric = Fabric(accelerator=hardware.device, devices=1, precision=hardware.precision)
    segmenter = make_segmenter(without_weights(config)).to(memory_format=layout)
    loss = build(config.loss)
    model, optimizer = fabric.setup(segmenter, build(config.optimizer)(segmenter))
    batch = min(config.data.batch_size, photos.train)

    def random_photos(height: int, width: int, channels: int, below: int) -> torch.Tensor:
        values = torch.randint(below, (batch, channels, height, width), dtype=torch.uint8)
        return fabric.to_device(values).contiguous(memory_format=layout)

    def train_step() -> None:
        outputs = model(random_photos(*photos.train_size, 3, 256))
        main = outputs[0] if isinstance(outputs, list) else outputs
        fabric.backward(loss(main, random_photos(*photos.train_size, 1, 2)))
        optimizer.step()
        optimizer.zero_grad()

    @torch.no_grad()
    def valid_step() -> None:
        model(random_photos(*photos.valid_size, 3, 256))

    drawn = _limited(photos.train, batch, trainer.get("limit_train_batches"))
    scored = _limited(photos.valid, batch, trainer.get("limit_val_batches"))
    train = _seconds(train_step) / batch * drawn
    model.eval()
    return train + _seconds(valid_step) / batch * scored


def _limited(photos: int, batch: int, limit: float | None) -> float:
    """Return how many photos an epoch has under a limit of Lightning: batches, or a share."""
    if limit is None or isinstance(limit, float):
        return photos * (1.0 if limit is None else limit)
    return min(photos, limit * batch)


def _seconds(step: Callable[[], None]) -> float:
    """Return the seconds of a step, after one that fills caches."""
    step()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    start = time.perf_counter()
    for _ in range(STEPS):
        step()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return (time.perf_counter() - start) / STEPS


def _status(sweep: Sweep, job: Job) -> JobStatus:
    """Return how far a job is; what will be put aside counts for nothing."""
    return JobStatus("new", 0, {}) if sweep.config.restart else job_status(job.folder)
