"""One job of a sweep: the function that a launcher calls, and the process that it starts.

Each job has a process of its own: nothing leaks into the next, and a job that is killed kills no
sweep.
"""

import os
import traceback
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf, open_dict

from humanseg.config.command_line.error_text import explain
from humanseg.config.settings import kind_of
from humanseg.errors import HumansegError
from humanseg.runs import Locked, RunEnded, RunFolder, run_lock
from humanseg.sweeps.jobs import Outcome, job_status, record_failure, require_same_settings
from humanseg.sweeps.naming import job_folder, key_of, varied_overrides
from humanseg.system.children import call_in_child
from humanseg.system.interrupts import Interrupted
from humanseg.system.terminal import console
from humanseg.training.request import TrainRequest, hydra_choices, resolve_config

if TYPE_CHECKING:
    from pytorch_lightning import Callback


@dataclass(frozen=True)
class Task:
    """The task that a launcher calls with a job's composed config, in any process or machine.

    Whether there is something to do is found out here and not where the sweep was started: that
    may be long ago, and elsewhere.

    Attributes
    ----------
    sweep
        The sweep's folder, absolute.
    varied
        The keys whose values differ between jobs.
    """

    sweep: Path
    varied: frozenset[str]

    def __call__(self, config: DictConfig) -> Outcome:
        """Run the job, or resume it."""
        hydra = HydraConfig.get()
        choices = hydra_choices(hydra)
        request = job_request(self.sweep, self.varied, config, hydra.overrides.task, choices)
        return do_job(request, "job")


def do_job(request: TrainRequest, what: str) -> Outcome:
    """Run a job in its own process, unless it is done, and print that; `what` is its kind."""
    name = request.folder.name
    state = job_status(request.folder).state
    if state in ("finished", "pruned"):
        return Outcome(state)
    console.print(f"\n{what:<8}{name}")
    outcome = run_in_subprocess(request)
    if outcome.state != "finished":
        console.print(f"{outcome.state}  {name}: {outcome.reason}")
    return outcome


def job_request(
    sweep: Path,
    varied: frozenset[str],
    config: DictConfig,
    overrides: list[str],
    choices: dict[str, str],
) -> TrainRequest:
    """Return what a job trains, and where; a new run, as far as is known here."""
    resolved = resolve_config(config)
    with open_dict(resolved):
        resolved.sweep, resolved.restart = sweep.name, False
        mark_logs(resolved, sweep.name, varied_overrides(overrides, varied))
    words = [word for word in overrides if kind_of(key_of(word)) != "place"]
    folder = job_folder(sweep, overrides, varied)
    return TrainRequest(resolved, folder, resume=False, overrides=words, choices=choices)


def run_in_subprocess(request: TrainRequest) -> Outcome:
    """Run a job in its own process; that it was killed is recorded in the job's folder, too."""
    try:
        return call_in_child(run_job, request, preload=["humanseg.training.train"])
    except Exception as error:
        if explain(error) is None:
            traceback.print_exc()
        reason = one_line(error)
        # Whoever holds the lock now knows better; and a full disk must not end the other jobs.
        with suppress(HumansegError), run_lock(RunFolder(request.folder).lock):
            record_failure(request, reason)
        return Outcome("failed", reason)


def run_job(request: TrainRequest) -> Outcome:
    """Run a job in this process, or resume it.

    Everything is decided with the job's lock in hand, so that of two sweeps in one folder only one
    does it. A failure is recorded in the job's folder, and raised no further.
    """
    run = RunFolder(request.folder)
    try:
        with run_lock(run.lock):
            return _run_locked(request, run)
    except Locked as error:
        return Outcome("elsewhere", str(error))
    except (HumansegError, Interrupted) as error:
        # Not even that can be written down: a disk that is full, say.
        return Outcome("failed", one_line(error))


def _run_locked(request: TrainRequest, run: RunFolder) -> Outcome:
    state = job_status(run.path, locked=False).state
    if state in ("finished", "pruned"):
        return Outcome(state)
    try:
        require_same_settings(request)
    except Exception as error:
        # Nothing is recorded in a folder that is another job's.
        return Outcome("failed", one_line(error))
    # Only here: the process of a sweep does without torch.
    from humanseg.training.train import train_locked

    try:
        train_locked(replace(request, resume=run.config.exists()), run, _callbacks(request, run))
    except RunEnded as error:
        return Outcome("pruned", str(error))
    except Exception as error:
        if explain(error) is None or os.environ.get("HUMANSEG_DEBUG") == "1":
            traceback.print_exc()
        reason = one_line(error)
        record_failure(request, reason)
        return Outcome("failed", reason)
    return Outcome("finished")


def _callbacks(request: TrainRequest, run: RunFolder) -> "list[Callback]":
    if (trial := request.config.get("trial")) is None:
        return []
    from humanseg.sweeps.search.pruning import Pruning

    return [Pruning(run, trial)]


def one_line(error: BaseException) -> str:
    """Return what went wrong as one line, however long."""
    if isinstance(error, Interrupted):
        return str(error)
    explained = explain(error)
    if explained is None:
        return f"{type(error).__name__}: {' '.join(str(error).split())}"
    return " ".join(str(explained).split())


def mark_logs(config: DictConfig, sweep: str, differs: list[str]) -> None:
    """Show a job in wandb as one of its sweep or recipe, with what makes it different."""
    for node in (config.get("logger") or {}).values():
        if isinstance(node, DictConfig) and {"group", "tags"} <= node.keys():
            node.group = node.group or sweep
            # wandb takes tags of up to 64 characters.
            tags = [*(node.tags or []), *(word[:64] for word in differs)]
            node.tags = OmegaConf.create(tags)
            # WANDB_NAME would be that of all jobs.
            node.run_name = None
