"""`summary.json`: the status and the results of a run."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, get_args

from humanseg.config.renames import current_summary
from humanseg.errors import HumansegError
from humanseg.io.files import write_json
from humanseg.runs.folder import RunFolder
from humanseg.runs.lock import is_locked

Status = Literal["running", "finished", "failed", "interrupted", "pruned"]
"""The status of a run."""


class RunEnded(HumansegError):  # noqa: N818 - not every end is an error
    """Ends a training early that has not failed; `status` is what its summary says."""

    status: Status = "interrupted"


def recorded_status(summary: Mapping[str, Any]) -> Status:
    """Return the status that a summary records; `running` where there is none yet."""
    status = summary.get("status", "running")
    # Version 0.1 had no words of their own for these two.
    if status == "failed" and summary.get("pruned"):
        return "pruned"
    if status == "failed" and str(summary.get("failure")).startswith("stopped by SIG"):
        return "interrupted"
    return status if status in get_args(Status) else "running"


def run_status(run: RunFolder, summary: Mapping[str, Any]) -> Status:
    """Return the status of a run: one that was killed says `running`, and no process holds it."""
    status = recorded_status(summary)
    return "interrupted" if status == "running" and not is_locked(run.lock) else status


def read_summary(path: Path) -> dict[str, Any]:
    """Read a summary.

    Parameters
    ----------
    path
        A run's `summary.json`.

    Returns
    -------
    dict
        Empty when there is no such file yet.

    Raises
    ------
    HumansegError
        The file is not a JSON object.
    """
    if not path.exists():
        return {}
    try:
        summary = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:
        raise HumansegError(
            f"{path} cannot be read ({error}): remove it, and resume the run: that writes it."
        ) from error
    if not isinstance(summary, dict):
        raise HumansegError(f"{path} is not a run's summary: remove it.")
    return current_summary(summary)


def update_summary(path: Path, **values: Any) -> dict[str, Any]:
    """Set some values of a summary, and keep the others.

    Parameters
    ----------
    path
        A run's `summary.json`; made when missing.
    **values
        What to set. NaN and infinities become null, which JSON can say, at any depth.

    Returns
    -------
    dict
        The whole summary, as written.
    """
    summary = read_summary(path) | {key: _finite(value) for key, value in values.items()}
    write_json(path, summary)
    return summary


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
