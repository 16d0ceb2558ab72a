"""The training itself, in as many processes as it has devices."""

import os
from collections.abc import Sequence

from lightning_fabric.utilities.exceptions import MisconfigurationException
from omegaconf import DictConfig
from pytorch_lightning.loggers import Logger

from humanseg.errors import HumansegError
from humanseg.runs import RunFolder
from humanseg.system.terminal import quieten
from humanseg.training.callbacks.checkpoints import Checkpoints
from humanseg.training.callbacks.history import History
from humanseg.training.callbacks.progress import EpochProgress
from humanseg.training.callbacks.resume_early_stopping import StayStopped
from humanseg.training.callbacks.resumed_schedule import ResumedSchedule
from humanseg.training.callbacks.stopping import Stopping
from humanseg.training.machine.environment import peak_memory_mb
from humanseg.training.machine.hardware import settle_process
from humanseg.training.machine.processes import run_in_processes
from humanseg.training.setup import Prepared
from humanseg.training.trainer import build_trainer


def fit(config: DictConfig, run: RunFolder, prepared: Prepared, loggers: Sequence[Logger]) -> float:
    """Train; checkpoints and history are in the run's folder then.

    Parameters
    ----------
    config
        The run's.
    run
        Where it lies.
    prepared
        What is trained on what.
    loggers
        What the first process logs to.

    Returns
    -------
    float
        Most memory in use, in MB; of several processes, by the first.

    Raises
    ------
    HumansegError
        The training cannot go on.
    Interrupted
        Ctrl-C or SIGTERM.
    """
    hardware = prepared.hardware
    if hardware.processes == 1:
        return _fit(config, run, prepared, loggers)
    return run_in_processes(
        _fit_share, hardware.processes, hardware.threads_each, config, run, prepared, loggers
    )


def _fit_share(
    config: DictConfig, run: RunFolder, prepared: Prepared, loggers: Sequence[Logger]
) -> float:
    """Train in one of several processes, which knows nothing yet."""
    quieten()
    hardware, rank = prepared.hardware, int(os.environ["LOCAL_RANK"])
    settle_process(hardware.device, hardware.threads_each, rank)
    return _fit(config, run, prepared, loggers)


def _fit(
    config: DictConfig, run: RunFolder, prepared: Prepared, loggers: Sequence[Logger]
) -> float:
    checkpoints, history = Checkpoints(run), History(run)
    bar = EpochProgress(history, checkpoints)
    callbacks = [
        *prepared.callbacks,
        StayStopped(),
        ResumedSchedule(),
        Stopping(run),
        history,
        *([] if config.trainer.get("enable_progress_bar") is False else [bar]),
        checkpoints,
    ]
    trainer = build_trainer(config, prepared.hardware, callbacks, loggers)
    try:
        trainer.fit(
            prepared.module,
            datamodule=prepared.photos,
            ckpt_path=prepared.checkpoint,
            weights_only=True,
        )
    except MisconfigurationException as error:
        raise HumansegError(
            f"Lightning does not take these settings of trainer and callbacks: {error}"
        ) from error
    return peak_memory_mb(prepared.hardware.device)
