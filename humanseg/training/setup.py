"""All that can go wrong before a training is found here, before anything is written."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from omegaconf import DictConfig

from humanseg.config.build import build
from humanseg.config.check import check_config
from humanseg.data.module import PhotoData
from humanseg.errors import HumansegError
from humanseg.evaluation.evaluate import submission_order
from humanseg.models.checkpoint import (
    find_checkpoint,
    load_weights,
    make_segmenter,
    read_checkpoint,
    without_weights,
)
from humanseg.runs import RunFolder, open_run, read_summary, require_free
from humanseg.system.progress import progress_on
from humanseg.system.terminal import console, quieten
from humanseg.training.distillation import ask, find_teachers
from humanseg.training.loggers import check_loggers, wandb_note
from humanseg.training.machine.hardware import Hardware, choose_hardware, settle_process
from humanseg.training.module import SegmentationModule
from humanseg.training.preflight.first_step import require_step
from humanseg.training.preflight.trainer_options import require_batches, require_options
from humanseg.training.provenance import fingerprint_sources
from humanseg.training.request import Request, named_paths
from humanseg.training.resuming import require_same
from humanseg.training.trainer import count_processes

RESUMED = ("epoch", "global_step", "loops", "callbacks", "optimizer_states", "lr_schedulers")
"""What a checkpoint must hold besides weights for a training to go on from it."""


@dataclass(frozen=True)
class Prepared:
    """What a training needs, checked and built.

    Attributes
    ----------
    hardware
        What it runs on.
    photos
        Sound, and decoded.
    data, pixels, sources
        Which photos and weights these are, as `summary.json` has it under `data`, `pixels_sha256`
        and `sources`.
    module
        With the weights that it starts from.
    callbacks
        Those that the config asks for.
    checkpoint
        Where a resumed training goes on; None: at the start.
    teaching
        What `summary.json` has of teachers: their `runs`, and counts of photos without masks;
        None without a teacher.
    done
        Epochs that a resumed training has behind it.
    notes
        What a person should know of a training that goes on.
    """

    hardware: Hardware
    photos: PhotoData
    data: dict[str, Any]
    pixels: str
    sources: dict[str, list[str]]
    module: SegmentationModule
    callbacks: list[pl.Callback]
    checkpoint: Path | None
    teaching: dict[str, Any] | None
    done: int
    notes: list[str]


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
    require_options(config.trainer)
    quieten()
    run = open_run(request.folder) if request.resume else None
    if run is None:
        require_free(request.folder)
    hardware = choose_hardware(
        config.trainer.accelerator, config.trainer.precision, config.channels_last, config.threads
    )
    settle_process(hardware.device, hardware.threads)
    hardware = count_processes(config, hardware)
    photos: PhotoData = build(
        config.data, augmentation=build(config.augmentation), seed=config.seed
    )
    checkpoint = run.last if run is not None and run.last.exists() else None
    done = 0 if run is None or checkpoint is None else _epochs_done(run, config)
    pl.seed_everything(config.seed, workers=True, verbose=False)
    # Before the photos are read, which may take minutes: what is wrong here is said at once.
    module = _module(config, hardware, checkpoint)
    callbacks = [build(each) for each in config.callbacks.values()]
    teachers = find_teachers(config)
    with progress_on(console, "reading photos") as move:
        photos.check(move)
    _require_a_share(photos, hardware)
    train, valid = photos.count_batches(hardware.processes)
    require_batches(config.trainer, train, valid)
    require_step(config, photos, hardware.processes)
    submission_order(photos)
    for concern in photos.concerns():
        console.print(f"note    {concern}", highlight=False, soft_wrap=True)
    data, pixels = photos.record(), photos.pixels_sha256()
    teaching = None
    if teachers:
        runs = [str(teacher.path) for teacher in teachers]
        teaching = {"runs": runs} | photos.use_soft_labels(ask(teachers, photos, hardware))
    sources = fingerprint_sources(config, photos, resumed=checkpoint is not None)
    notes = [note] if (note := wandb_note(config)) else []
    if run is not None and checkpoint is not None:
        notes += require_same(run, data, pixels, teaching, sources)
        sources |= read_summary(run.summary).get("sources") or {}
    return Prepared(
        hardware,
        photos,
        data,
        pixels,
        sources,
        module,
        callbacks,
        checkpoint,
        teaching,
        done,
        notes,
    )


def _module(config: DictConfig, hardware: Hardware, checkpoint: Path | None) -> SegmentationModule:
    # Loaded here first, a checkpoint to resume too: what is wrong with it is said in a sentence.
    if checkpoint is not None:
        sources = [checkpoint]
    else:
        sources = [find_checkpoint(path) for path in named_paths(config.init_from)]
    segmenter = make_segmenter(without_weights(config) if sources else config)
    if sources:
        load_weights(segmenter, *sources)
    return SegmentationModule(
        segmenter,
        loss=build(config.loss),
        optimizer=build(config.optimizer),
        scheduler=build(config.scheduler),
        auxiliary_weight=config.auxiliary_weight,
        channels_last=hardware.channels_last,
        seed=config.seed,
        teacher_weight=config.get("teacher_weight", 0.0),
    )


def _require_a_share(photos: PhotoData, hardware: Hardware) -> None:
    """Refuse more processes than there are valid photos: one would have none to score."""
    count = len(photos.items("valid"))
    if count < hardware.processes:
        raise HumansegError(
            f"There are {count} valid photos for {hardware.processes} devices, and each must score "
            f"one: lower trainer.devices to {count}."
        )


def _epochs_done(run: RunFolder, config: DictConfig) -> int:
    """Count the epochs of a run to resume; refuse if fewer are asked for."""
    checkpoint = read_checkpoint(run.last)
    missing = [key for key in RESUMED if key not in checkpoint]
    if missing:
        raise HumansegError(
            f"{run.last} cannot be resumed from: it has no {', '.join(missing)}. Start a new run "
            f"from its weights with init_from={run.last}."
        )
    done, wanted = int(checkpoint["epoch"]) + 1, config.trainer.get("max_epochs")
    if wanted is not None and 0 <= wanted < done:
        raise HumansegError(
            f"{run.path} has {done} epochs already: trainer.max_epochs={wanted} would take some "
            f"away. Give {done} or more, or start a new run."
        )
    return done
