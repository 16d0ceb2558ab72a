"""How long a training will take: as long as one like it took, or as a few steps of it say."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from lightning_fabric import Fabric
from omegaconf import DictConfig

from humanseg.config.build import build
from humanseg.config.compatibility import pair_key
from humanseg.data.cache.photos import scaled_size
from humanseg.data.module import PhotoData
from humanseg.data.transforms.augmentation import Augmentation
from humanseg.io.images import image_size
from humanseg.models.checkpoint import make_segmenter, prediction_side, without_weights
from humanseg.system.terminal import quieten
from humanseg.training.machine.hardware import choose_hardware

STEPS = 2
"""Steps that are timed, after one that is not."""


@dataclass(frozen=True)
class Photos:
    """How much an epoch has to do.

    Attributes
    ----------
    train, valid
        Photos.
    size
        Height and width of a train sample.
    whole
        Height and width of a valid photo, as the model sees it.
    """

    train: int
    valid: int
    size: tuple[int, int]
    whole: tuple[int, int]


def count_photos(config: DictConfig) -> Photos:
    """Count the photos of a config's data, and look how large the first of them are.

    Raises
    ------
    HumansegError
        The data folder is not what it should be.
    """
    data: PhotoData = build(config.data, augmentation=Augmentation([]), seed=config.seed)
    train, valid = data.items("train"), data.items("valid")
    long_side = config.data.get("long_side")
    given = config.data.get("size")
    size = scaled_size(image_size(train[0].photo), long_side) if given is None else given
    whole = scaled_size(image_size(valid[0].photo), prediction_side(config))
    return Photos(len(train), len(valid), (int(size[0]), int(size[1])), whole)


def epochs_of(config: DictConfig, photos: Photos) -> float:
    """Count the epochs of a training, a part of one too where a number of steps ends it."""
    trainer = config.trainer
    epochs, steps = trainer.get("max_epochs") or -1, trainer.get("max_steps", -1)
    batches = -(-photos.train // config.data.batch_size)
    by_steps = steps * trainer.get("accumulate_grad_batches", 1) / batches
    ends = [float(end) for end in (epochs, by_steps) if end > 0]
    return min(ends, default=0.0)


def speed_key(config: DictConfig) -> str:
    """Give the same text for two configs whose epochs take about the same time."""
    data = {key: config.data.get(key) for key in ("batch_size", "size", "long_side", "fold")}
    trainer = {key: config.trainer.get(key) for key in ("accelerator", "devices", "precision")}
    return f"{pair_key(config)} {data} {trainer}"


def measure_epoch(config: DictConfig, photos: Photos) -> float:
    """Time a few steps on random photos, and count up what an epoch takes.

    Loading and augmenting photos are left out: with a worker they cost little time of their own.

    Parameters
    ----------
    config
        Of a job. No weights are loaded.
    photos
        What its epochs go through.

    Returns
    -------
    float
        Seconds.
    """
    quieten()
    trainer = config.trainer
    hardware = choose_hardware(
        trainer.accelerator, trainer.precision, config.channels_last, config.threads
    )
    torch.set_num_threads(hardware.threads)
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
        outputs = model(random_photos(*photos.size, 3, 256))
        main = outputs[0] if isinstance(outputs, list) else outputs
        fabric.backward(loss(main, random_photos(*photos.size, 1, 2)))
        optimizer.step()
        optimizer.zero_grad()

    @torch.no_grad()
    def valid_step() -> None:
        model(random_photos(*photos.whole, 3, 256))

    train = _seconds(train_step) / batch * photos.train
    model.eval()
    return train + _seconds(valid_step) / batch * photos.valid


def _seconds(step: Callable[[], None]) -> float:
    """Seconds of a step, after one that fills caches."""
    step()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    start = time.perf_counter()
    for _ in range(STEPS):
        step()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return (time.perf_counter() - start) / STEPS
