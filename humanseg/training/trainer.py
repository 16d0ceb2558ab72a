"""The trainer of a run, and its number of processes."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytorch_lightning as pl
import torch
from omegaconf import DictConfig, OmegaConf
from pytorch_lightning.loggers import Logger
from pytorch_lightning.plugins.layer_sync import TorchSyncBatchNorm
from torch import nn

from humanseg.config.build import build
from humanseg.errors import HumansegError
from humanseg.models.backbones import import_timm  # noqa: F401 - the first import of timm
from humanseg.training.callbacks.checkpoints import WholeCheckpointIO
from humanseg.training.machine.hardware import Hardware, choose_hardware
from humanseg.training.machine.launch import cluster_environment
from humanseg.training.machine.ranks import find_rank, require_count

STRATEGIES = ("auto", "ddp")
"""Lightning has more, which start processes in ways of their own or split the model."""


class SyncedBatchNorms(TorchSyncBatchNorm):
    """Synchronise all batch norms of a model between devices, those of timm too.

    timm's hold an activation, which torch's own conversion silently drops
    (https://github.com/huggingface/pytorch-image-models/issues/1254).
    """

    def apply(self, model: nn.Module) -> nn.Module:
        """Convert the batch norms of a model."""
        from timm.layers.norm_act import convert_sync_batchnorm

        converted: nn.Module = convert_sync_batchnorm(model)
        return converted

    def revert(self, model: nn.Module) -> nn.Module:
        """Return the model as it is: what follows loads its best checkpoint into another one."""
        return model


def build_trainer(
    config: DictConfig,
    hardware: Hardware,
    callbacks: Sequence[pl.Callback],
    loggers: Sequence[Logger] = (),
) -> pl.Trainer:
    """Build the trainer that a config describes; `launch` starts its processes, not the trainer."""
    # Of a GPU that torch cannot use, Lightning's auto knows nothing.
    chosen: dict[str, Any] = {"precision": hardware.precision, "accelerator": hardware.device}
    if config.trainer.get("sync_batchnorm") == "auto":
        chosen["sync_batchnorm"] = hardware.device == "cuda"
    synced = chosen.get("sync_batchnorm", config.trainer.get("sync_batchnorm"))
    trainer: pl.Trainer = build(
        OmegaConf.merge(config.trainer, chosen),
        callbacks=list(callbacks),
        logger=list(loggers) or False,
        plugins=[
            WholeCheckpointIO(),
            cluster_environment(hardware.rank.launcher),
            *([SyncedBatchNorms()] if synced else []),
        ],
        num_sanity_val_steps=0,
        enable_model_summary=False,
        # `EpochProgress` is among the callbacks where progress is shown.
        enable_progress_bar=False,
        # Our own samplers share photos between processes, in an order that follows from the seed.
        use_distributed_sampler=False,
        log_every_n_steps=10,
    )
    # Private. Where max_steps limits a training, Lightning resumes inside the last epoch of a
    # checkpoint and ends it again, without a validation (pytorch-lightning#19617). Our checkpoints
    # are all from the end of an epoch.
    trainer.fit_loop._iteration_based_training = lambda: False  # type: ignore[method-assign]
    return trainer


def build_callbacks(config: DictConfig) -> dict[str, pl.Callback]:
    """Build the callbacks of a config, by their names; one that is null is switched off."""
    nodes = (config.get("callbacks") or {}).items()
    return {str(name): build(node) for name, node in nodes if node is not None}


def count_processes(config: DictConfig, hardware: Hardware) -> Hardware:
    """Add the number of processes, by building trainer and callbacks in vain; raise if impossible.

    Lightning knows what `devices=auto` means here, and which settings do not go together.
    """
    strategy = config.trainer.get("strategy", "auto")
    if strategy not in STRATEGIES:
        raise HumansegError(
            f"trainer.strategy={strategy} is not one that humanseg trains with: take trainer=ddp, "
            "a process for each device, or strategy=auto.",
            code="training.strategy",
        )
    if config.trainer.get("sync_batchnorm") is True and hardware.device != "cuda":
        raise HumansegError(
            "trainer.sync_batchnorm=true works on CUDA GPUs, and this run is on "
            f"{hardware.device}: set it to auto.",
            code="training.sync_batchnorm",
        )
    trainer = build_trainer(config, hardware, list(build_callbacks(config).values()))
    device = trainer.strategy.root_device
    if device.type == "cuda" and device.index:
        # As with trainer.devices=[1]. Teachers predict before Lightning selects the GPU, and would
        # do so on the first one, which somebody else may use.
        torch.cuda.set_device(device)
        if config.trainer.precision == "auto":
            # So far it is that of the first GPU.
            hardware = choose_hardware("cuda", "auto", hardware.channels_last, hardware.threads)
    devices, nodes = trainer.num_devices, trainer.num_nodes
    rank = find_rank(config)
    require_count(rank, devices, nodes)
    return replace(hardware, processes=devices * nodes, nodes=nodes, rank=rank)
