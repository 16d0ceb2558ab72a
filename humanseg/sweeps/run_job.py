"""What the process of a job does: look how far it is, train, and leave how it ended on disk."""

import os
import traceback
from dataclasses import replace

from humanseg.config.error_text import explain
from humanseg.errors import HumansegError
from humanseg.runs import Locked, RunFolder, run_lock
from humanseg.sweeps.jobs import Outcome, record_failure, require_same, standing
from humanseg.system.interrupts import Interrupted
from humanseg.training.callbacks.pruning import Pruned
from humanseg.training.request import Request
from humanseg.training.train import train_locked


def work(request: Request) -> Outcome:
    """Do a job of a sweep, wherever it was left.

    Everything is decided with the job's lock in hand, so that of two sweeps in one folder only
    one does it.

    Parameters
    ----------
    request
        A new run, as far as is known.

    Returns
    -------
    Outcome
        A failure is recorded in the job's folder, and raised no further.

    Raises
    ------
    Interrupted
        Somebody stops this process.
    """
    run = RunFolder(request.folder)
    try:
        with run_lock(run.lock):
            return _work_locked(request, run)
    except Locked as error:
        return Outcome("elsewhere", str(error))
    except HumansegError as error:
        # Not even that can be written down: a disk that is full, say.
        return Outcome("failed", one_line(error))


def _work_locked(request: Request, run: RunFolder) -> Outcome:
    before = standing(run.path, locked=False)
    if before.state in ("finished", "pruned"):
        return Outcome(before.state)
    try:
        require_same(request)
    except Exception as error:
        # Nothing is recorded in a folder that is another job's.
        return Outcome("failed", one_line(error))
    try:
        train_locked(replace(request, resume=run.config.exists()), run)
    except Interrupted:
        raise
    except Pruned as error:
        return Outcome("pruned", str(error))
    except Exception as error:
        if explain(error) is None or os.environ.get("HUMANSEG_DEBUG") == "1":
            traceback.print_exc()
        reason = one_line(error)
        record_failure(request, reason)
        return Outcome("failed", reason)
    return Outcome("finished")


def one_line(error: Exception) -> str:
    """Say what went wrong in a line, however long."""
    explained = explain(error)
    if explained is None:
        return f"{type(error).__name__}: {' '.join(str(error).split())}"
    return " ".join(str(explained).split())
