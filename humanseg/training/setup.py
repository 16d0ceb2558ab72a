"""Sets up a training: all checks and all objects that it needs before its first step."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from omegaconf import DictConfig, OmegaConf

from humanseg.config.build import build
from humanseg.config.checking.check import check_config
from humanseg.config.settings import NO_PATHS
from humanseg.data.module import PhotoData
from humanseg.errors import HumansegError
from humanseg.evaluation.submission_writer import submission_order
from humanseg.inference.named_model import NamedModel
from humanseg.io.files import file_sha256
from humanseg.models.checkpoint import (
    load_weights,
    make_segmenter,
    read_checkpoint,
    without_weights,
)
from humanseg.models.device import unusable_gpu
from humanseg.runs import RunFolder, open_run, read_summary, require_free
from humanseg.runs.new_folder import numbered_folder
from humanseg.system.progress import progress_on
from humanseg.system.terminal import console, quieten
from humanseg.training.distillation import (
    find_teachers,
    predict_soft_labels,
    unlabelled_options,
    weights_file,
)
from humanseg.training.loggers import check_loggers, wandb_note
from humanseg.training.machine.hardware import Hardware, choose_hardware, configure_process
from humanseg.training.machine.ranks import find_rank
from humanseg.training.module import SegmentationModule
from humanseg.training.preflight.first_step import require_step
from humanseg.training.preflight.monitors import require_monitors
from humanseg.training.preflight.paths import find_start
from humanseg.training.preflight.trainer_options import require_batches, require_options
from humanseg.training.preflight.unseen import require_unseen_starts
from humanseg.training.request import TrainRequest, named_paths, without_effect
from humanseg.training.resuming import require_same, resumed_checkpoint
from humanseg.training.starts import is_onnx, load_starts, measure_statistics
from humanseg.training.trainer import build_callbacks, count_processes

RESUMED = ("epoch", "global_step", "loops", "callbacks", "optimizer_states", "lr_schedulers")
"""The keys, besides weights, that a checkpoint must have to resume a training."""


@dataclass(frozen=True)
class TrainingSetup:
    """The objects and facts of a training, checked and built.

    Attributes
    ----------
    hardware
        What it runs on, and in how many processes.
    photos
        The data, checked and decoded.
    module
        The model with the weights that it starts from, loss, optimizer and scheduler.
    callbacks
        Those that the config names.
    checkpoint, epochs_done
        Where a resumed training continues, and the epochs behind it; None and 0 at the start.
    data, pixels_sha256, sources, distillation
        Which photos, weights and teachers these are, as `summary.json` has it; no `distillation`
        without a teacher.
    notes
        What a person should know before it starts.
    """

    hardware: Hardware
    photos: PhotoData
    module: SegmentationModule
    callbacks: list[pl.Callback]
    checkpoint: Path | None
    epochs_done: int
    data: dict[str, Any]
    pixels_sha256: str
    sources: dict[str, list[str]]
    distillation: dict[str, Any] | None
    notes: list[str]


def setup(request: TrainRequest) -> TrainingSetup:
    """Check config, data and weights, and build what is trained; nothing is written."""
    config = request.config
    check_config(config)
    check_loggers(config)
    require_options(config.trainer)
    quieten()
    run = open_run(request.folder) if request.resume else None
    checkpoint = None if run is None else resumed_checkpoint(run)
    if run is None and find_rank(config).first:
        require_free(numbered_folder(request.folder) if request.numbered else request.folder)
    hardware = choose_hardware(
        config.trainer.accelerator, config.trainer.precision, config.channels_last, config.threads
    )
    configure_process(hardware.device, hardware.threads)
    hardware = count_processes(config, hardware)
    photos: PhotoData = build(
        config.data,
        augmentation=build(config.augmentation),
        seed=config.seed,
        **unlabelled_options(config),
    )
    epochs_done = 0 if run is None or checkpoint is None else _epochs_done(run, config)
    pl.seed_everything(config.seed, workers=True, verbose=False)
    if checkpoint is None:
        require_unseen_starts(config)
    # Before the photos are read, which may take minutes: what is wrong here is said at once.
    starts = [] if checkpoint else [find_start(path) for path in named_paths(config.init_from)]
    module = _module(config, hardware, checkpoint, starts)
    callbacks = build_callbacks(config)
    require_monitors(callbacks, bool(config.data.get("extra_valid")))
    teachers = find_teachers(config)
    _check_photos(config, photos, hardware)
    distillation = None
    if teachers:
        extra = OmegaConf.select(config, "distillation.extra", default=True)
        soft_labels = predict_soft_labels(teachers, photos, hardware, extra)
        counts = photos.use_soft_labels(soft_labels)
        distillation = {"runs": list(map(str, named_paths(config.distillation.teachers)))} | counts
    if any(map(is_onnx, starts)):
        measure_statistics(module.segmenter, photos)
    data, pixels = photos.record(), photos.pixels_sha256()
    sources = _hash_sources(config, photos, teachers, starts, resumed=checkpoint is not None)
    notes = [*without_effect(request), *([note] if (note := wandb_note(config)) else [])]
    if config.trainer.accelerator == "auto" and (why := unusable_gpu()):
        notes.append(
            f"the GPU is not used: {why}. Update its driver, or install a torch that was built for "
            "it (https://pytorch.org)"
        )
    if run is not None and checkpoint is not None:
        notes += require_same(run, data, pixels, distillation, sources)
        sources |= read_summary(run.summary).get("sources") or {}
    return TrainingSetup(
        hardware=hardware,
        photos=photos,
        module=module,
        callbacks=list(callbacks.values()),
        checkpoint=checkpoint,
        epochs_done=epochs_done,
        data=data,
        pixels_sha256=pixels,
        sources=sources,
        distillation=distillation,
        notes=notes,
    )


def _check_photos(config: DictConfig, photos: PhotoData, hardware: Hardware) -> None:
    """Read all photos; raise where they, or batches of them, cannot be trained on."""
    with progress_on(console, "reading photos") as move:
        photos.check(move)
    count = len(photos.items("valid"))
    if count < hardware.processes:
        raise HumansegError(
            f"There are {count} valid photos for {hardware.processes} devices, and each must score "
            f"one: lower trainer.devices to {count}.",
            code="training.too_many_devices",
        )
    train, valid = photos.count_batches(hardware.processes)
    require_batches(config.trainer, train, valid)
    require_step(config, photos, hardware.processes)
    submission_order(photos)
    for concern in photos.concerns():
        console.print(f"note    {concern}")


def _module(
    config: DictConfig, hardware: Hardware, checkpoint: Path | None, starts: Sequence[Path]
) -> SegmentationModule:
    """Build the module with the weights of a checkpoint, of other models, or of its backbone."""
    segmenter = make_segmenter(without_weights(config) if checkpoint or starts else config)
    # Lightning loads a checkpoint to resume again later; what is wrong with it is reported here.
    if checkpoint is not None:
        load_weights(segmenter, checkpoint)
    elif starts:
        load_starts(segmenter, starts)
    return SegmentationModule(
        segmenter,
        loss=build(config.loss),
        optimizer=build(config.optimizer),
        scheduler=build(config.scheduler),
        auxiliary_weight=config.auxiliary_weight,
        channels_last=hardware.channels_last,
        seed=config.seed,
        scores_extra=bool(config.data.get("extra_valid")),
        teacher_weight=OmegaConf.select(config, "distillation.weight", default=0.0),
    )


def _epochs_done(run: RunFolder, config: DictConfig) -> int:
    """Return the epochs of a run to resume; raise where fewer are requested."""
    checkpoint = read_checkpoint(run.last)
    missing = [key for key in RESUMED if key not in checkpoint]
    if missing:
        raise HumansegError(
            f"{run.last} cannot be resumed from: it has no {', '.join(missing)}. Start a new run "
            f"from its weights with init_from={run.last}.",
            code="training.not_resumable",
        )
    done, wanted = int(checkpoint["epoch"]) + 1, config.trainer.get("max_epochs")
    if wanted is not None and 0 <= wanted < done:
        raise HumansegError(
            f"{run.path} has {done} epochs already: trainer.max_epochs={wanted} would take some "
            f"away. Give {done} or more, or start a new run.",
            code="training.fewer_epochs",
        )
    return done


def _hash_sources(
    config: DictConfig,
    photos: PhotoData,
    teachers: Sequence[NamedModel],
    starts: list[Path],
    resumed: bool,
) -> dict[str, list[str]]:
    """Return a SHA-256 for each file or folder that a config names: a path alone does not tell."""
    weights = config.backbone.get("weights", "none")
    # A run that starts from another opens no weights for its backbone.
    opened = [] if starts or weights in NO_PATHS else [Path(weights)]
    files = {"distillation.teachers": list(map(weights_file, teachers))}
    if not resumed:
        files |= {"init_from": starts, "backbone.weights": opened}
    sources = {key: [file_sha256(path) for path in paths] for key, paths in files.items() if paths}
    if photos.splits.unlabelled is not None:
        sources["distillation.unlabelled_dir"] = [photos.splits.pixels_sha256("unlabelled")]
    return sources
