"""`humanseg train`: one run, from its config to a folder with all its files."""

import faulthandler
from collections.abc import Sequence
from contextlib import suppress
from math import nan
from pathlib import Path
from shlex import quote

import pytorch_lightning as pl
from lightning_fabric.utilities.exceptions import MisconfigurationException
from omegaconf import DictConfig
from pytorch_lightning.loggers import Logger

from humanseg.config.command_line.error_text import explain
from humanseg.errors import HumansegError, first_line
from humanseg.evaluation.data import common_size
from humanseg.evaluation.evaluate import evaluate_best
from humanseg.runs import (
    RunEnded,
    RunFolder,
    Status,
    new_run_folder,
    open_run,
    read_summary,
    recorded_status,
    run_lock,
    update_summary,
)
from humanseg.system.interrupts import Interrupted, interruptible
from humanseg.system.terminal import console
from humanseg.training.callbacks.checkpoints import Checkpoints
from humanseg.training.callbacks.curves import write_curves
from humanseg.training.callbacks.history import History
from humanseg.training.callbacks.progress import EpochProgress
from humanseg.training.callbacks.resume_early_stopping import ResumeEarlyStopping
from humanseg.training.callbacks.resumed_schedule import ResumedSchedule
from humanseg.training.callbacks.stopping import Stopping
from humanseg.training.loggers import open_loggers, sample_logs
from humanseg.training.machine.launch import launch, leave
from humanseg.training.machine.ranks import find_rank
from humanseg.training.request import TrainRequest, read_request, sweep_record
from humanseg.training.run_summary import (
    print_next_steps,
    undo_changes,
    write_result,
    write_start,
)
from humanseg.training.setup import TrainingSetup, setup
from humanseg.training.trainer import build_trainer


def train(config: DictConfig, callbacks: Sequence[pl.Callback] = ()) -> float:
    """Train one run and write its files.

    Parameters
    ----------
    config
        As composed from `conf/train.yaml`.
    callbacks
        Called after those of the config, and before the checkpoint of an epoch is written. One may
        end the training by raising `humanseg.runs.RunEnded`.

    Returns
    -------
    float
        Mean per-photo Dice of the best checkpoint on valid, at threshold 0.5; NaN in all processes
        of a training but its first.

    Raises
    ------
    HumansegError
        A person must change something; nothing was written then, or what was written is whole.
    Interrupted
        Ctrl-C or SIGTERM; the run can be resumed from its last whole epoch.
    """
    return train_request(read_request(config), callbacks)[1]


def train_request(
    request: TrainRequest, callbacks: Sequence[pl.Callback] = ()
) -> tuple[Path, float]:
    """Train what is requested, as `train` does; return the run's folder too."""
    if not find_rank(request.config).first:
        # The first process has the run's folder and its lock: this one shares the work.
        console.quiet = True
        return request.folder, _run(request, None, setup(request), callbacks)
    if request.resume:
        run = open_run(request.folder)
        # Before its checkpoint is read: another process may be writing it.
        with run_lock(run.lock):
            return run.path, train_locked(request, run, callbacks)
    # Before there is a folder: what goes wrong here leaves nothing behind.
    prepared = setup(request)
    run = new_run_folder(request.folder, numbered=request.numbered)
    with run_lock(run.lock):
        return run.path, _train(request, run, prepared, callbacks)


def train_locked(
    request: TrainRequest, run: RunFolder, callbacks: Sequence[pl.Callback] = ()
) -> float:
    """Train one run, as `train` does, in a folder whose lock this process holds."""
    return _train(request, run, setup(request), callbacks)


def _train(
    request: TrainRequest,
    run: RunFolder,
    prepared: TrainingSetup,
    callbacks: Sequence[pl.Callback],
) -> float:
    """Train, and record the status in the summary."""
    # A library that kills this process leaves a word at least, and where that was.
    if not faulthandler.is_enabled():
        with suppress(OSError, ValueError, RuntimeError, AttributeError):  # no real stderr here
            faulthandler.enable()
    try:
        return _run(request, run, prepared, callbacks)
    except Interrupted as error:
        if _record_end(run, "interrupted", str(error)):
            console.print(f"Stopped. Go on with: humanseg train {quote(f'resume={run.path}')}")
        raise
    except BaseException as error:
        status = error.status if isinstance(error, RunEnded) else "failed"
        _record_end(run, status, first_line(explain(error) or error))
        raise


def _record_end(run: RunFolder, status: Status, failure: str) -> bool:
    """Record how a training ended; return False where it had finished, and only its log had not."""
    # What went wrong is told anyway: a disk that is full must not put itself in its place.
    with suppress(HumansegError):
        if recorded_status(read_summary(run.summary)) == "finished":
            return False
        update_summary(run.summary, status=status, failure=failure)
    return True


def _run(
    request: TrainRequest,
    run: RunFolder | None,
    prepared: TrainingSetup,
    callbacks: Sequence[pl.Callback],
) -> float:
    """Write what is known, then fit and evaluate, in as many processes as there are devices."""
    with interruptible():
        if run is not None:
            write_start(request, run, prepared)
        return launch(
            _fit_and_evaluate,
            request.config.trainer,
            prepared.hardware,
            *(run, request, prepared, callbacks),
        )


def _fit_and_evaluate(
    run: RunFolder,
    request: TrainRequest,
    prepared: TrainingSetup,
    callbacks: Sequence[pl.Callback],
) -> float:
    """Do the work of one process: all of them fit, and the first one evaluates."""
    with open_loggers(request.config, run) as loggers:
        trainer, best_epoch = _fit(request.config, run, prepared, callbacks, loggers)
        if not leave(trainer.is_global_zero):
            return nan
        if not run.best.exists():
            raise HumansegError("The training ended before its first epoch was whole.")
        undo_changes(request, run, prepared.epochs_done)
        console.print("Writing the files of the best checkpoint …")
        write_curves(run.history, run.curves, best_epoch)
        best = evaluate_best(run, prepared.photos, sample_logs(loggers))
        if request.config.get("save_onnx", True):
            _write_onnx(run, prepared, best.threshold)
        write_result(run, best, prepared.hardware.device)
    # Only now is the log of wandb whole. Of a job or a stage, what started it says what is next.
    if not sweep_record(request.config):
        print_next_steps(run)
    return best.means["dice_at_half"]


def _write_onnx(run: RunFolder, prepared: TrainingSetup, threshold: float) -> None:
    """Write the best checkpoint as an ONNX file; the run is whole without it too."""
    # Only here: the exporter takes seconds to load.
    from humanseg.models.onnx.run_file import load_network, write_onnx

    try:
        write_onnx(load_network(run, threshold=threshold), common_size(prepared.photos), run.onnx)
    except Exception as error:  # whatever the exporter raises for a net that it does not know
        console.print(
            f"note    {run.onnx.name} could not be written ({first_line(error)}); all else of the "
            "run is there. save_onnx=false leaves it out."
        )


def _fit(
    config: DictConfig,
    run: RunFolder,
    prepared: TrainingSetup,
    callbacks: Sequence[pl.Callback],
    loggers: Sequence[Logger],
) -> tuple[pl.Trainer, int]:
    """Train, and write checkpoints and history to the run's folder; return the best epoch too."""
    checkpoints, history = Checkpoints(run), History(run)
    bar = EpochProgress(history, checkpoints)
    trainer = build_trainer(
        config,
        prepared.hardware,
        [
            *prepared.callbacks,
            ResumeEarlyStopping(),
            ResumedSchedule(),
            Stopping(run),
            history,
            *([] if config.trainer.get("enable_progress_bar") is False else [bar]),
            checkpoints,
            *callbacks,
        ],
        loggers,
    )
    try:
        trainer.fit(
            prepared.module,
            datamodule=prepared.photos,
            ckpt_path=prepared.checkpoint,
            weights_only=True,
        )
    except MisconfigurationException as error:
        raise HumansegError(
            f"Lightning does not take these settings of trainer and callbacks: {error}",
            code="training.lightning",
        ) from error
    return trainer, checkpoints.best_epoch + 1
