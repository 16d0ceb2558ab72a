"""The jobs of a sweep, and the status of each on disk."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

from omegaconf import DictConfig, OmegaConf

from humanseg.config.load import load_run_config
from humanseg.config.settings import is_incidental
from humanseg.errors import HumansegError
from humanseg.io.files import write_text
from humanseg.runs import RunFolder, is_locked, read_summary, recorded_status, update_summary
from humanseg.sweeps.naming import is_below, key_of
from humanseg.training.request import TrainRequest, sweep_record
from humanseg.training.resuming import leaves

State = Literal["new", "running", "interrupted", "finished", "pruned", "failed"]


@dataclass(frozen=True)
class Job:
    """One training of a sweep.

    Attributes
    ----------
    name
        Of its folder: what differs.
    folder
        Where its run is, or shall be.
    overrides
        All that makes its config.
    """

    name: str
    folder: Path
    overrides: tuple[str, ...]


class Outcome(NamedTuple):
    """The outcome of a job.

    Attributes
    ----------
    state
        `elsewhere`: another process does it, so nothing was done here.
    reason
        Why it is not finished.
    """

    state: Literal["finished", "pruned", "failed", "elsewhere"]
    reason: str = ""


class JobStatus(NamedTuple):
    """The status of a job on disk.

    Attributes
    ----------
    state
        `running`: a living process does it; `interrupted`: none does, and it can be resumed.
    epochs
        Whole ones.
    summary
        Its `summary.json`; empty when there is none.
    """

    state: State
    epochs: int
    summary: dict[str, Any]

    @property
    def is_done(self) -> bool:
        """Return whether nothing is left to do."""
        return self.state in ("finished", "pruned")


def job_status(folder: Path, locked: bool | None = None) -> JobStatus:
    """Return how far the job in a folder is; `locked` says whether another process does it."""
    run = RunFolder(folder)
    summary = read_summary(run.summary)
    state: State = "new"
    if is_locked(run.lock) if locked is None else locked:
        state = "running"
    elif summary or run.config.exists():
        status = recorded_status(summary)
        state = "interrupted" if status == "running" else status
    return JobStatus(state, _epochs(run), summary)


def require_same_settings(request: TrainRequest) -> None:
    """Raise if what is in a job's folder was made with other settings than are requested now.

    A setting that did not exist yet when the job was begun has its default now, unless it is given.
    """
    if difference := changed_setting(request):
        raise HumansegError(
            f"{request.folder} was made with other settings: {difference}. Give this sweep another "
            "name (sweep=NAME), or put the earlier one aside with restart=true.",
            code="sweeps.other_settings",
        )


def changed_setting(request: TrainRequest) -> str | None:
    """Return a setting that what is in a job's folder was made with otherwise, in words.

    None where there is none, or nothing is there; see `require_same_settings`.
    """
    run = RunFolder(request.folder)
    if not run.config.exists():
        return None
    then, now = _result_settings(load_run_config(run.config)), _result_settings(request.config)
    given = [key_of(word) for word in request.overrides]
    new = {key for key in now.keys() - then.keys() if not is_below(key, given)}
    others = [key for key in {**then, **now} if key not in new and then.get(key) != now.get(key)]
    if not others:
        return None
    key = others[0]
    more = f", and {len(others) - 1} more differ" if len(others) > 1 else ""
    return f"{key} was {then.get(key)} and would now be {now.get(key)}{more}"


def record_failure(request: TrainRequest, reason: str, **more: Any) -> None:
    """Record in a job's folder why it has no result; call it with the job's lock.

    One that has a result keeps it: what failed was its log.
    """
    run = RunFolder(request.folder)
    if recorded_status(read_summary(run.summary)) == "finished":
        return
    if not run.config.exists():
        write_text(run.config, OmegaConf.to_yaml(request.config))
    update_summary(
        run.summary,
        status="failed",
        failure=reason,
        seed=request.config.seed,
        overrides=request.overrides,
        **sweep_record(request.config),
        **more,
    )


def _epochs(run: RunFolder) -> int:
    if not run.history.exists() or not run.last.exists():
        return 0
    return len(run.history.read_text(encoding="utf-8").splitlines()) - 1


def _result_settings(config: DictConfig) -> dict[str, Any]:
    """Return the settings that a result follows from, by their full keys."""
    settings = leaves(OmegaConf.to_container(config, resolve=True))
    if not any(OmegaConf.select(config, key) for key in ("data.extra", "data.extra_valid")):
        settings.pop("data.extra_root", None)  # a recipe gives it to stages without such photos too
    if config.get("stage") and config.get("run_dir"):
        # A recipe's folder may have been moved: its stages still start from one another.
        folder = str(Path(str(config.run_dir)).parent)
        for key in ("init_from", "distillation.teachers"):
            settings[key] = _below(folder, settings.get(key))
    return {key: value for key, value in settings.items() if not is_incidental(key)}


def _below(folder: str, paths: Any) -> Any:
    """Return paths without the folder that they are in, where it is this one."""
    if isinstance(paths, list):
        return [_below(folder, path) for path in paths]
    inside = isinstance(paths, str) and Path(paths).is_relative_to(folder)
    return f"stage:{Path(paths).relative_to(folder).as_posix()}" if inside else paths
