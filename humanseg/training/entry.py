"""`humanseg train`: from a config to a run's folder with all its files."""

import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from omegaconf import DictConfig, OmegaConf
from rich.console import Console

from humanseg.config import build, check_config
from humanseg.data.module import PhotoData
from humanseg.errors import HumansegError
from humanseg.files import write_text
from humanseg.runs import RunFolder, new_run_folder, open_run, run_lock, update_summary
from humanseg.training.callbacks.checkpoints import Checkpoints, WholeCheckpointIO
from humanseg.training.callbacks.curves import write_curves
from humanseg.training.callbacks.history import History, read_history
from humanseg.training.callbacks.progress import EpochProgress, duration
from humanseg.training.evaluation import submission_order, write_files
from humanseg.training.facts import device_name, git_commit, peak_memory_mb, versions
from humanseg.training.hardware import Hardware, choose_hardware
from humanseg.training.interrupts import Interrupted, interruptible
from humanseg.training.module import SegmentationModule
from humanseg.training.rebuild import (
    find_checkpoint,
    load_weights,
    make_segmenter,
    read_checkpoint,
)
from humanseg.training.request import Request, read_request

console = Console()


def train(config: DictConfig) -> float:
    """Train one run and write its files.

    Parameters
    ----------
    config
        As composed from `conf/train.yaml`.

    Returns
    -------
    float
        Mean per-photo Dice of the best checkpoint on valid, at threshold 0.5.

    Raises
    ------
    HumansegError
        A person must change something; nothing was written then, or what was written is whole.
    Interrupted
        Ctrl-C or SIGTERM; the run can be resumed from its last whole epoch.
    """
    request = read_request(config)
    check_config(request.config)
    _quiet()
    hardware = choose_hardware(
        request.config.trainer.accelerator,
        request.config.trainer.precision,
        request.config.channels_last,
        request.config.threads,
    )
    torch.set_num_threads(hardware.threads)
    photos = _photos(request.config)
    photos.check()
    run = open_run(request.folder) if request.resume else new_run_folder(request.folder)
    with run_lock(run.lock), interruptible():
        write_text(run.config, OmegaConf.to_yaml(request.config))
        update_summary(
            run.summary,
            status="running",
            failure=None,
            seed=request.config.seed,
            overrides=request.overrides,
            git=git_commit(),
            versions=versions(),
        )
        try:
            return _train(request, run, photos, hardware)
        except Interrupted as error:
            update_summary(run.summary, status="failed", failure=str(error))
            console.print(f"Stopped. Go on with: humanseg train resume={run.path}", soft_wrap=True)
            raise
        except BaseException as error:
            first_line = (str(error) or type(error).__name__).splitlines()[0]
            update_summary(run.summary, status="failed", failure=first_line)
            raise


def _train(request: Request, run: RunFolder, photos: PhotoData, hardware: Hardware) -> float:
    config = request.config
    pl.seed_everything(config.seed, workers=True, verbose=False)
    data = photos.record()
    submission_order(photos)
    device = device_name(hardware.device)
    console.print(f"run     {run.path}", highlight=False, soft_wrap=True)
    console.print(
        f"data    {photos.root}: {data['train']} train, {data['valid']} valid, "
        f"{data['test']} test photos",
        highlight=False,
        soft_wrap=True,
    )
    console.print(f"device  {device}: {hardware}", highlight=False, soft_wrap=True)
    module = _module(config, run, hardware, request.resume)
    parameters = sum(parameter.numel() for parameter in module.segmenter.parameters())
    update_summary(run.summary, data=data, device=device, parameters=parameters)

    checkpoints, history = Checkpoints(run), History(run)
    loggers = [build(node, save_dir=str(run.path / "logs")) for node in config.logger.values()]
    trainer = _trainer(config, hardware, [checkpoints, history], loggers)
    trainer.fit(
        module,
        datamodule=photos,
        ckpt_path=run.last if request.resume and run.last.exists() else None,
        weights_only=True,
    )
    if not run.best.exists():
        raise HumansegError("The training ended before its first epoch was whole.")

    console.print("Writing the files of the best checkpoint …")
    write_curves(run.history, run.curves)
    threshold, scores = write_files(run, photos)
    # From the files, not from the callbacks: those may have lived in another process.
    rows = read_history(run.history)
    speed = [float(row["images_per_second"]) for row in rows]
    wait = [float(row["loader_wait"]) for row in rows]
    summary = update_summary(
        run.summary,
        status="finished",
        dice=scores["dice"],
        threshold=threshold,
        dice_at_half=scores["dice_at_half"],
        iou=scores["iou"],
        boundary_dice=scores["boundary_dice"],
        best_epoch=read_checkpoint(run.best)["epoch"] + 1,
        epochs=len(rows),
        seconds=round(sum(float(row["seconds"]) for row in rows), 1),
        images_per_second=round(sum(speed) / len(speed), 2),
        loader_wait=round(sum(wait) / len(wait), 4),
        peak_memory_mb=round(peak_memory_mb(hardware.device), 1),
    )
    _report(run, summary)
    return scores["dice_at_half"]


def _photos(config: DictConfig) -> PhotoData:
    photos: PhotoData = build(
        config.data, augmentation=build(config.augmentation), seed=config.seed
    )
    return photos


def _module(
    config: DictConfig, run: RunFolder, hardware: Hardware, resume: bool
) -> SegmentationModule:
    segmenter = make_segmenter(config)
    if resume and run.last.exists():
        # Read here first: what is wrong with it is said in a sentence.
        read_checkpoint(run.last)
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


def _trainer(
    config: DictConfig,
    hardware: Hardware,
    callbacks: Sequence[pl.Callback],
    loggers: list[Any],
) -> pl.Trainer:
    checkpoints, history = callbacks
    assert isinstance(checkpoints, Checkpoints) and isinstance(history, History)
    node = OmegaConf.merge(config.trainer, {"precision": hardware.precision})
    chosen = [build(each) for each in config.callbacks.values()]
    trainer: pl.Trainer = build(
        node,
        callbacks=[*chosen, history, EpochProgress(history, checkpoints, console), checkpoints],
        logger=loggers or False,
        plugins=[WholeCheckpointIO()],
        num_sanity_val_steps=0,
        enable_model_summary=False,
        # Our own sampler shares photos between processes, in an order that follows from the seed.
        use_distributed_sampler=False,
        log_every_n_steps=10,
    )
    return trainer


def _report(run: RunFolder, summary: dict[str, Any]) -> None:
    """Say what came out, and where it lies: the page and the submission first."""
    rows = [
        ("page", run.test_page),
        ("submission", run.submission),
        ("error gallery", run.valid_page),
        ("scores", run.scores),
        ("curves", run.curves),
        ("checkpoint", run.best),
        ("summary", run.summary),
    ]
    console.print(
        f"\nDice {summary['dice']:.4f} at threshold {summary['threshold']:g}, IoU "
        f"{summary['iou']:.4f}, boundary Dice {summary['boundary_dice'] or 0:.4f}; best epoch "
        f"{summary['best_epoch']} of {summary['epochs']}, {duration(summary['seconds'])}, "
        f"{summary['images_per_second']:.1f} photos/s\n",
        highlight=False,
        soft_wrap=True,
    )
    here = Path.cwd()
    for name, path in rows:
        shown = path.relative_to(here) if path.is_relative_to(here) else path
        console.print(f"{name:<14}{shown}", highlight=False, soft_wrap=True)


def _quiet() -> None:
    """Silence what a person cannot act on."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    warnings.filterwarnings("ignore", module="pytorch_lightning")
    warnings.filterwarnings("ignore", module="lightning_fabric")
    for name in ("pytorch_lightning", "lightning_fabric"):
        import logging

        logging.getLogger(name).setLevel(logging.ERROR)
