"""The loggers of a training."""

from humanseg.training.loggers.opening import check_loggers, open_loggers, sample_logs, wandb_note
from humanseg.training.loggers.wandb import WandbRun

__all__ = ["WandbRun", "check_loggers", "open_loggers", "sample_logs", "wandb_note"]
