"""`humanseg train`: from a config to a run's folder with all its files."""

import faulthandler
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from shlex import quote
from typing import Any

import pytorch_lightning as pl
from omegaconf import DictConfig, OmegaConf
from pytorch_lightning.loggers import Logger

from humanseg.config.error_text import explain
from humanseg.errors import HumansegError
from humanseg.evaluation.evaluate import write_files
from humanseg.io.files import write_text
from humanseg.models.checkpoint import read_checkpoint
from humanseg.pages.render import duration
from humanseg.runs import (
    RunEnded,
    RunFolder,
    new_run_folder,
    open_run,
    read_summary,
    remove_partial,
    run_lock,
    update_summary,
)
from humanseg.runs.record import read_history
from humanseg.system.interrupts import Interrupted, interruptible
from humanseg.system.terminal import console
from humanseg.training.callbacks.curves import write_curves
from humanseg.training.fitting import fit
from humanseg.training.loggers import open_loggers, sample_logs
from humanseg.training.machine.environment import device_name, git_commit, peak_memory_mb, versions
from humanseg.training.preflight.ranks import copies_note
from humanseg.training.request import Request, read_request, sweep_record
from humanseg.training.setup import Prepared, prepare


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
    if request.resume:
        run = open_run(request.folder)
        # Before its checkpoint is read: another process may be writing it.
        with run_lock(run.lock):
            return train_locked(request, run)
    prepared = prepare(request)
    run = new_run_folder(request.folder)
    with run_lock(run.lock):
        return _train_locked(request, run, prepared)


def train_locked(request: Request, run: RunFolder, callbacks: Sequence[pl.Callback] = ()) -> float:
    """Train one run in a folder whose lock this process holds.

    Parameters
    ----------
    request
        What is asked for.
    run
        Where; nothing but the lock lies there when the request is for a new run.
    callbacks
        Called after those of the config. One may end the training by raising `RunEnded`.

    Returns
    -------
    float
        As `train`, and with the same errors.
    """
    prepared = prepare(request)
    prepared.callbacks.extend(callbacks)
    return _train_locked(request, run, prepared)


def _train_locked(request: Request, run: RunFolder, prepared: Prepared) -> float:
    """Train, and leave in the summary how it ended."""
    # A library that kills this process leaves a word at least, and where that was.
    if not faulthandler.is_enabled():
        with suppress(OSError, ValueError, RuntimeError, AttributeError):  # no real stderr here
            faulthandler.enable()
    try:
        with interruptible():
            _begin(request, run, prepared)
            with open_loggers(request.config, run) as loggers:
                return _train(request, run, prepared, loggers)
    except Interrupted as error:
        _fail(run, str(error))
        console.print(
            f"Stopped. Go on with: humanseg train {quote(f'resume={run.path}')}", soft_wrap=True
        )
        raise
    except BaseException as error:
        said = str(explain(error) or error) or type(error).__name__
        _fail(run, said.splitlines()[0], pruned=isinstance(error, RunEnded))
        raise


def _begin(request: Request, run: RunFolder, prepared: Prepared) -> None:
    """Write what is known before the first step, and say it."""
    remove_partial(run)
    write_text(run.config, OmegaConf.to_yaml(request.config))
    hardware = prepared.hardware
    device = device_name(hardware.device)
    if hardware.processes > 1:
        device = f"{hardware.processes} × {device}"
    data, segmenter = prepared.data, prepared.module.segmenter
    resumed = read_summary(run.summary).get("resumed") or []
    if prepared.done and request.changed:
        resumed.append({"after_epoch": prepared.done, "changed": request.changed})
    update_summary(
        run.summary,
        status="running",
        failure=None,
        seed=request.config.seed,
        overrides=request.overrides,
        choices=request.choices,
        **sweep_record(request.config),
        git=git_commit(),
        versions=versions(),
        data=data,
        pixels_sha256=prepared.pixels,
        sources=prepared.sources,
        resumed=resumed,
        teacher=prepared.teaching,
        device=device,
        parameters=sum(parameter.numel() for parameter in segmenter.parameters()),
    )
    console.print(f"run     {run.path}")
    console.print(
        f"data    {prepared.photos.root}: {data['train']} train, {data['valid']} valid, "
        f"{data['test']} test photos",
    )
    for note in prepared.notes:
        console.print(f"note    {note}")
    if prepared.done and request.changed:
        changes = ", ".join(f"{key} {old} → {new}" for key, (old, new) in request.changed.items())
        console.print(
            f"changed after epoch {prepared.done}: {changes}. The result is not that of a run that "
            "had this from the start"
        )
    if prepared.teaching is not None:
        console.print(f"teacher {_teaching(prepared.teaching)}")
    console.print(f"device  {device}: {hardware}")
    if request.config.get("sweep") is None and (note := copies_note()):
        console.print(f"note    {note}")
    if note := prepared.photos.loading(hardware.device == "cuda", hardware.processes).note:
        console.print(f"loader  {note}")


def _teaching(facts: dict[str, Any]) -> str:
    """Say who teaches, and about which photos without masks."""
    said = ", ".join(facts["runs"])
    if "unlabelled" in facts:
        said += (
            f"; and {facts['unlabelled']} photos without masks (left out: {facts['copies']} that "
            f"are copies of valid or test photos, {facts['unsure']} of which it is unsure)"
        )
    return said


def _fail(run: RunFolder, failure: str, pruned: bool = False) -> None:
    # What went wrong is told anyway: a disk that is full must not put itself in its place.
    with suppress(HumansegError):
        update_summary(run.summary, status="failed", failure=failure, pruned=pruned)


def _train(request: Request, run: RunFolder, prepared: Prepared, loggers: list[Logger]) -> float:
    peak = fit(request.config, run, prepared, loggers)
    if not run.best.exists():
        raise HumansegError("The training ended before its first epoch was whole.")
    if request.changed and len(read_history(run.history)) == prepared.done:
        assert request.idle is not None
        write_text(run.config, OmegaConf.to_yaml(request.idle))
        update_summary(run.summary, resumed=read_summary(run.summary)["resumed"][:-1])
        console.print("Nothing was left to train, so that its settings stay as they were.")

    console.print("Writing the files of the best checkpoint …")
    write_curves(run.history, run.curves)
    threshold, scores = write_files(run, prepared.photos, sample_logs(loggers))
    # From the files, not from the callbacks: those may have lived in another process.
    history = read_history(run.history)
    summary = update_summary(
        run.summary,
        status="finished",
        dice=scores["dice"],
        threshold=threshold,
        dice_at_half=scores["dice_at_half"],
        iou=scores["iou"],
        boundary_dice=scores["boundary_dice"],
        best_epoch=read_checkpoint(run.best)["epoch"] + 1,
        epochs=len(history),
        seconds=round(float(history["seconds"].sum()), 1),
        images_per_second=round(float(history["images_per_second"].mean()), 2),
        loader_wait=round(float(history["loader_wait"].mean()), 4),
        peak_memory_mb=round(max(peak, peak_memory_mb(prepared.hardware.device)), 1),
    )
    _report(run, summary)
    return scores["dice_at_half"]


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
    )
    here = Path.cwd()
    for name, path in rows:
        if not path.exists():  # the page, where there are no test photos
            continue
        shown = path.relative_to(here) if path.is_relative_to(here) else path
        console.print(f"{name:<14}{shown}")
