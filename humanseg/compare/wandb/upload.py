"""Runs that were logged offline, uploaded by wandb's own tool."""

import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from humanseg.compare.wandb.project import Project, quiet_wandb
from humanseg.runs.record import RunRecord
from humanseg.runs.wandb import offline_logs

_AT_ONCE = 4
"""Uploads wait for the network more than they compute."""
_BROKEN_OFF = "ends with an incomplete record"
"""wandb's message on the log of a killed run, after it has uploaded the rest."""
_STAGED = b"/data/artifacts/staging/"
"""Where the pictures of a table wait, below the run's `wandb` folder."""


@dataclass(frozen=True)
class Uploads:
    """The result of uploading.

    Attributes
    ----------
    done, earlier, running
        Names of the runs that were uploaded, that had been before, and that still run.
    failed
        Names of the others, each with the reason.
    bare
        Names of those in `done` that have been moved since they were logged, and whose tables of
        predictions therefore came without pictures.
    """

    done: tuple[str, ...]
    earlier: tuple[str, ...]
    running: tuple[str, ...]
    failed: Mapping[str, str]
    bare: tuple[str, ...]


def upload_runs(
    runs: Sequence[RunRecord],
    project: Project,
    on_done: Callable[[int, int], None] = lambda done, total: None,
) -> Uploads:
    """Upload what runs have logged offline and not uploaded yet.

    Each log has a process of its own, so that it is known what went wrong with it, and nothing
    else ends by that. wandb itself marks what it has uploaded, by a file beside it. A run that was
    killed and continued has several logs, which become one run there.

    Parameters
    ----------
    runs
        Runs without an offline log are passed over.
    project
        Where they go, whatever project they were logged for.
    on_done
        Called after each run with the number of runs done, and of all.

    Returns
    -------
    Uploads
    """
    offline = {run.name: logs for run in runs if (logs := offline_logs(run.folder))}
    # What a run will still write would be left out for good.
    running = tuple(run.name for run in runs if run.status == "running" and run.name in offline)
    ended = {name: logs for name, logs in offline.items() if name not in running}
    todo = {
        name: remaining
        for name, logs in ended.items()
        if (remaining := [log for log in logs if not _mark(log).exists()])
    }
    previous = tuple(name for name in ended if name not in todo)
    reasons: dict[str, str] = {}
    with quiet_wandb() as env, ThreadPoolExecutor(_AT_ONCE) as pool:
        try:
            going = {pool.submit(_upload, logs, project, env): name for name, logs in todo.items()}
            for number, future in enumerate(as_completed(going), 1):
                reasons[going[future]] = future.result()
                on_done(number, len(todo))
        finally:
            pool.shutdown(cancel_futures=True)
    failed = {name: reasons[name] for name in todo if reasons[name]}
    done = tuple(name for name in todo if name not in failed)
    bare = tuple(name for name in done if any(map(lost_pictures, todo[name])))
    return Uploads(done, previous, running, failed, bare)


def lost_pictures(log: Path) -> bool:
    """Return whether the pictures of a log are not where it says; wandb skips such without a word.

    They lie in the run's folder, but a log knows them by their absolute path.
    """
    content, folder = log.read_bytes(), log.parents[1]
    here = {os.fsencode(path) for path in (os.path.abspath(folder), os.path.realpath(folder))}
    return content.count(_STAGED) > sum(content.count(path + _STAGED) for path in here)


def _mark(log: Path) -> Path:
    return log.with_suffix(".wandb.synced")


def _upload(logs: Sequence[Path], project: Project, env: Mapping[str, str]) -> str:
    """Upload the logs of a run, in their order; return why that failed, or nothing."""
    for log in logs:
        reason = _sync(log, project, env)
        if reason and _BROKEN_OFF in reason:
            # Nobody writes the rest any more, and all before it has arrived.
            _mark(log).touch()
        elif reason:
            return reason
    return ""


def _sync(log: Path, project: Project, env: Mapping[str, str]) -> str:
    words = [sys.executable, "-m", "wandb", "sync", "-e", project.entity, "-p", project.name]
    done = subprocess.run(
        [*words, str(log)],
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    # The tool ends with 0 whatever happened.
    if _mark(log).exists():
        return ""
    lines = [line.removeprefix("wandb: ").strip() for line in done.stderr.splitlines()]
    errors = [line.removeprefix("ERROR").strip() for line in lines if line.startswith("ERROR")]
    messages = [line for line in [*errors, *lines[-1:]] if line]
    return messages[0] if messages else f"wandb sync ended with exit code {done.returncode}"
