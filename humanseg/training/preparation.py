"""All that can go wrong before a training is found here, before anything is written."""

import logging
import os
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from omegaconf import DictConfig

from humanseg.config import build, check_config
from humanseg.data.module import PhotoData
from humanseg.errors import HumansegError, Refused
from humanseg.runs import RunFolder, open_run, read_summary, require_free
from humanseg.training.evaluation import submission_order
from humanseg.training.hardware import Hardware, choose_hardware
from humanseg.training.loggers import check_loggers
from humanseg.training.module import SegmentationModule
from humanseg.training.rebuild import (
    find_checkpoint,
    load_weights,
    make_segmenter,
    read_checkpoint,
)
from humanseg.training.request import Request


@dataclass(frozen=True)
class Prepared:
    """What a training needs, checked and built.

    Attributes
    ----------
    hardware
        What it runs on.
    photos
        Sound, and decoded.
    data
        Which photos these are, as `summary.json` has it.
    module
        With the weights that it starts from.
    checkpoint
        Where a resumed training goes on; None: at the start.
    """

    hardware: Hardware
    photos: PhotoData
    data: dict[str, Any]
    module: SegmentationModule
    checkpoint: Path | None


def prepare(request: Request) -> Prepared:
    """Check config, data and weights, and build what is trained; nothing is written.

    Parameters
    ----------
    request
        What is asked for.

    Returns
    -------
    Prepared
        Ready to be trained.

    Raises
    ------
    HumansegError
        A person must change something.
    Refused
        The photos are not those that a resumed run began with.
    """
    config = request.config
    check_config(config)
    check_loggers(config)
    if not 0 <= config.seed < 2**32:
        raise HumansegError(f"seed={config.seed} is no seed: give 0 to {2**32 - 1}.")
    quieten()
    run = open_run(request.folder) if request.resume else None
    if run is None:
        require_free(request.folder)
    hardware = choose_hardware(
        config.trainer.accelerator, config.trainer.precision, config.channels_last, config.threads
    )
    torch.set_num_threads(hardware.threads)
    photos: PhotoData = build(
        config.data, augmentation=build(config.augmentation), seed=config.seed
    )
    photos.check()
    pl.seed_everything(config.seed, workers=True, verbose=False)
    data = photos.record()
    submission_order(photos)
    checkpoint = run.last if run is not None and run.last.exists() else None
    if run is not None and checkpoint is not None:
        _require_same_data(run, data)
        _require_epochs(run, config)
    module = _module(config, hardware, checkpoint)
    return Prepared(hardware, photos, data, module, checkpoint)


def quieten() -> None:
    """Silence what a person cannot act on."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    for name in ("pytorch_lightning", "lightning_fabric"):
        warnings.filterwarnings("ignore", module=name)
        logging.getLogger(name).setLevel(logging.ERROR)


def _module(config: DictConfig, hardware: Hardware, checkpoint: Path | None) -> SegmentationModule:
    segmenter = make_segmenter(config)
    if checkpoint is not None:
        # Loaded here first: what is wrong with it is said in a sentence.
        load_weights(segmenter, checkpoint)
    elif config.init_from:
        load_weights(segmenter, find_checkpoint(Path(config.init_from)))
    return SegmentationModule(
        segmenter,
        loss=build(config.loss),
        optimizer=build(config.optimizer),
        scheduler=build(config.scheduler),
        auxiliary_weight=config.auxiliary_weight,
        channels_last=hardware.channels_last,
        seed=config.seed,
    )


def _require_same_data(run: RunFolder, data: dict[str, Any]) -> None:
    """Refuse to go on with other photos than those that a run began with."""
    before = read_summary(run.summary).get("data")
    if before is not None and before != data:
        raise Refused(
            f"The photos that {run.path} was trained on have changed: it had {before}, now there "
            f"are {data}. Put them back, or start a new run with init_from={run.path}."
        )


def _require_epochs(run: RunFolder, config: DictConfig) -> None:
    """Refuse to resume a run that is already past the epochs that are asked for."""
    done, wanted = read_checkpoint(run.last)["epoch"] + 1, config.trainer.get("max_epochs")
    if wanted is not None and 0 <= wanted < done:
        raise HumansegError(
            f"{run.path} has {done} epochs already: trainer.max_epochs={wanted} would take some "
            f"away. Give {done} or more, or start a new run."
        )
