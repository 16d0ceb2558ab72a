"""The trainer of a run, and how many processes it takes."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytorch_lightning as pl
from lightning_fabric.plugins.environments.lightning import LightningEnvironment
from omegaconf import DictConfig, OmegaConf
from pytorch_lightning.loggers import Logger

from humanseg.config.build import build
from humanseg.errors import HumansegError
from humanseg.training.callbacks.checkpoints import WholeCheckpointIO
from humanseg.training.machine.hardware import Hardware

STRATEGIES = ("auto", "ddp")
"""Lightning has more, which start processes in ways of their own or split the model."""


def build_trainer(
    config: DictConfig,
    hardware: Hardware,
    callbacks: Sequence[pl.Callback],
    loggers: Sequence[Logger] = (),
) -> pl.Trainer:
    """Build the trainer that a config describes.

    Parameters
    ----------
    config
        A run's.
    hardware
        What it runs on.
    callbacks, loggers
        What it calls.

    Returns
    -------
    pytorch_lightning.Trainer
        It starts no processes: where it has several devices, it expects to be one of several
        trainers, as `run_in_processes` starts them.

    Raises
    ------
    HumansegError
        Lightning does not take the settings.
    """
    settled: dict[str, Any] = {"precision": hardware.precision}
    if config.trainer.get("sync_batchnorm") == "auto":
        settled["sync_batchnorm"] = hardware.device == "cuda"
    trainer: pl.Trainer = build(
        OmegaConf.merge(config.trainer, settled),
        callbacks=list(callbacks),
        logger=list(loggers) or False,
        # Slurm's variables say nothing about a run: the launcher of a sweep has used them up.
        plugins=[WholeCheckpointIO(), LightningEnvironment()],
        num_sanity_val_steps=0,
        enable_model_summary=False,
        # Our own samplers share photos between processes, in an order that follows from the seed.
        use_distributed_sampler=False,
        log_every_n_steps=10,
    )
    return trainer


def count_processes(config: DictConfig, hardware: Hardware) -> Hardware:
    """Find out how many processes a run takes, by building its trainer and callbacks in vain.

    Parameters
    ----------
    config
        A run's.
    hardware
        What it runs on.

    Returns
    -------
    Hardware
        With the number of processes.

    Raises
    ------
    HumansegError
        The devices are not there, or the settings are not possible together.
    """
    node = config.trainer
    strategy, nodes = node.get("strategy", "auto"), node.get("num_nodes", 1)
    if strategy not in STRATEGIES:
        raise HumansegError(
            f"trainer.strategy={strategy} is not one that humanseg trains with: take trainer=ddp, "
            "a process for each device, or strategy=auto."
        )
    if nodes != 1:
        raise HumansegError(
            f"trainer.num_nodes={nodes}: a run trains on one machine. Leave it at 1; a sweep uses "
            "many machines."
        )
    if node.get("sync_batchnorm") is True and hardware.device != "cuda":
        raise HumansegError(
            "trainer.sync_batchnorm=true works on CUDA GPUs, and this run is on "
            f"{hardware.device}: set it to auto."
        )
    trainer = build_trainer(config, hardware, [build(each) for each in config.callbacks.values()])
    return replace(hardware, processes=trainer.num_devices)
