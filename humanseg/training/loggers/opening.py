"""The loggers of a run: opened before its first step, closed with its status."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

from omegaconf import DictConfig, OmegaConf
from pytorch_lightning.loggers.logger import Logger

from humanseg.config.build import build
from humanseg.config.find import conf_folder
from humanseg.config.targets import find_target
from humanseg.errors import HumansegError
from humanseg.evaluation.prediction_table import ExamplePrediction
from humanseg.runs import RunEnded, RunFolder, read_summary
from humanseg.runs.settings import read_shipped
from humanseg.runs.wandb import has_wandb_key, wandb_config, wandb_host
from humanseg.system.network import unreachable
from humanseg.training.loggers.wandb import WandbRun, cannot_start

_IGNORED = ("WANDB_DIR", "WANDB_RUN_ID", "WANDB_RESUME", "WANDB_DATA_DIR", "WANDB_CACHE_DIR")


def check_loggers(config: DictConfig) -> None:
    """Raise where a logger could not start, before anything is written."""
    for node in _nodes(config):
        if not _is_wandb(node):
            continue
        if find_spec("wandb") is None:
            raise cannot_start("it is not installed")
        if node.get("mode") not in ("online", "run"):
            continue
        if not _has_key():
            raise HumansegError(
                "logger.wandb.mode=online needs an API key of wandb, and none was found: run "
                "`wandb login`, or set WANDB_API_KEY. Or stay offline, and upload the run later "
                "with `wandb sync RUN/wandb/offline-run-*`.",
                code="loggers.no_wandb_key",
            )
        if reason := unreachable(wandb_host()):
            raise HumansegError(
                f"wandb cannot be reached at {wandb_host()}: {reason}. Train without a network by "
                "logger.wandb.mode=offline, and upload the run later with `wandb sync "
                "RUN/wandb/offline-run-*`.",
                code="loggers.wandb_unreachable",
            )


@contextmanager
def open_loggers(config: DictConfig, run: RunFolder) -> Iterator[list[Logger]]:
    """Open the loggers of a run, and close them in the state that the block ends in."""
    loggers: list[Logger] = []
    failed = True
    try:
        for node in _nodes(config):
            folder = run.path if _is_wandb(node) else run.path / "logs"
            loggers.append(build(node, save_dir=str(folder)))
        for name in _IGNORED:
            # wandb reads and checks them even where it is told otherwise, and refuses to start.
            os.environ.pop(name, None)
        for logger in _wandb_runs(loggers):
            logger.log_hyperparams(_shown(config, run))
        yield loggers
        failed = False
    except RunEnded:
        # Others are better, but nothing went wrong.
        failed = False
        raise
    finally:
        for logger in _wandb_runs(loggers):
            logger.close(run, failed)


def sample_logs(loggers: Sequence[Logger]) -> list[Callable[[Sequence[ExamplePrediction]], None]]:
    """Return functions that log sample predictions, of the loggers that can show them."""
    return [logger.log_samples for logger in _wandb_runs(loggers)]


def _shown(config: DictConfig, run: RunFolder) -> dict[str, Any]:
    """Return a run's config as wandb shows it."""
    plain: Any = OmegaConf.to_container(config, resolve=True)
    return wandb_config(
        plain, read_shipped(conf_folder()), read_summary(run.summary).get("choices")
    )


def _wandb_runs(loggers: Sequence[Logger]) -> list[WandbRun]:
    return [logger for logger in loggers if isinstance(logger, WandbRun)]


def wandb_note(config: DictConfig) -> str:
    """Return a note on variables of wandb that a run does not follow; empty without any."""
    ignored = [name for name in _IGNORED if os.environ.get(name)]
    if os.environ.get("WANDB_SWEEP_ID") and "WANDB_RUN_ID" in ignored:
        ignored.remove("WANDB_RUN_ID")
    if not ignored or not any(map(_is_wandb, _nodes(config))):
        return ""
    return (
        f"{', '.join(ignored)} not followed: what a run logs to wandb is in the run's folder, "
        "under an id of its own, which is kept when it is resumed"
    )


def _nodes(config: DictConfig) -> list[DictConfig]:
    nodes = [node for node in (config.get("logger") or {}).values() if node is not None]
    return [node for node in nodes if not (_is_wandb(node) and _is_off(node))]


def _is_off(node: DictConfig) -> bool:
    given = os.environ.get("WANDB_DISABLED", "").strip().lower()
    return node.get("mode") == "disabled" or given not in ("", "0", "false", "no", "off")


def _is_wandb(node: DictConfig) -> bool:
    target = find_target(node["_target_"])
    return isinstance(target, type) and issubclass(target, WandbRun)


def _has_key() -> bool:
    try:
        return has_wandb_key()
    except Exception as error:
        raise cannot_start(error) from error
