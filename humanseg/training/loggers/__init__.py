"""Where the values of a training go."""

from humanseg.training.loggers.opening import check_loggers, open_loggers, sample_logs, wandb_note
from humanseg.training.loggers.wandb import WandbRun

__all__ = ["WandbRun", "check_loggers", "open_loggers", "sample_logs", "wandb_note"]
