"""How long an epoch takes: the photos that it has, and a few steps of the model."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from lightning_fabric import Fabric
from omegaconf import DictConfig

from humanseg.config.build import build
from humanseg.config.checking.compatibility import pair_key
from humanseg.config.prediction import prediction_sizes
from humanseg.data.cache.photos import scaled_size
from humanseg.data.module import PhotoData
from humanseg.data.transforms.augmentation import Augmentation
from humanseg.io.images import image_size
from humanseg.models.checkpoint import make_segmenter, without_weights
from humanseg.system.terminal import quieten
from humanseg.training.distillation import unlabelled_options
from humanseg.training.machine.hardware import Hardware, choose_hardware, configure_process
from humanseg.training.trainer import count_processes

STEPS = 2
"""Steps that are timed, after one that is not."""
_DATA = ("batch_size", "crop_size", "train_size", "fold", "folds", "extra", "extra_valid")
"""Settings of the data that decide how long an epoch takes."""
_TRAINER = ("accelerator", "devices", "precision", "limit_train_batches", "limit_val_batches")
"""Those of the trainer."""


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
    draws = len(train) + sum(data.splits.weight(item.id) - 1 for item in data.items("extra"))
    valid = data.items("valid") + data.items("extra_valid")
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
    # The last step of an epoch takes the batches that are left.
    by_steps = steps / -(-batches // trainer.get("accumulate_grad_batches", 1))
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
    # As a training does: memory that is allocated again at each step costs a good part of its time.
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

    devices = count_gpus(config, hardware)
    drawn = _limited(-(-photos.train // devices), batch, trainer.get("limit_train_batches"))
    scored = _limited(-(-photos.valid // devices), batch, trainer.get("limit_val_batches"))
    train = _seconds(train_step) / batch * drawn
    model.eval()
    return train + _seconds(valid_step) / batch * scored


def count_gpus(config: DictConfig, hardware: Hardware) -> int:
    """Count the GPUs among which the photos of an epoch are divided; 1 on a CPU.

    Several processes on a CPU divide its cores too, which comes to about the same time.
    """
    return count_processes(config, hardware).processes if hardware.device == "cuda" else 1


def _limited(photos: int, batch: int, limit: float | None) -> float:
    """Return how many photos an epoch has under a limit of Lightning: batches, or a share."""
    if limit is None or isinstance(limit, float):
        return photos * (1.0 if limit is None else limit)
    return min(photos, limit * batch)


def _seconds(step: Callable[[], None]) -> float:
    """Return the seconds of a step, after one that fills caches."""
    step()
    if torch.cuda.is_initialized():
        torch.cuda.synchronize()
    start = time.perf_counter()
    for _ in range(STEPS):
        step()
    if torch.cuda.is_initialized():
        torch.cuda.synchronize()
    return (time.perf_counter() - start) / STEPS
