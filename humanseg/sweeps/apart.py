"""A process for each job: nothing leaks into the next, and a job that is killed kills no sweep.

Threads, peak memory, environment variables and what a library keeps for itself begin afresh with
each job. A system that runs out of memory kills the process that takes it, and that is the job's.
"""

import multiprocessing
import os
import signal
import tempfile
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any

from humanseg.explain import out_of_memory
from humanseg.runs import Locked, RunFolder, run_lock
from humanseg.streams import protect_streams
from humanseg.sweeps.jobs import Outcome, record_failure
from humanseg.training.interrupts import Interrupted
from humanseg.training.processes import end_with_the_parent
from humanseg.training.request import Request

_LONGEST_FOLDER = 60
"""Characters of a temporary folder in which a socket still has a name that the system takes."""


def work_apart(request: Request) -> Outcome:
    """Do a job in a process of its own.

    Parameters
    ----------
    request
        What it trains.

    Returns
    -------
    Outcome
        That a process was killed is recorded in the job's folder, as any failure is.

    Raises
    ------
    KeyboardInterrupt
        The sweep is stopped; the job has been stopped too.
    """
    if multiprocessing.get_start_method() not in multiprocessing.get_all_start_methods():
        # Joblib's workers have a method of their own, which no other process would know.
        multiprocessing.set_start_method(None, force=True)
    method = start_method()
    context: Any = multiprocessing.get_context(method)
    if method == "forkserver":
        context.set_forkserver_preload(["humanseg.sweeps.work"])
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_serve, args=(sender, request), daemon=False)
    # Slurm warns every process of a job before its time is up, by a signal that ends those which do
    # not wait for it. This process does, where it is Slurm's, and has the job queued again.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1, signal.SIGUSR2})
    process.start()
    signal.pthread_sigmask(signal.SIG_SETMASK, before)
    sender.close()
    try:
        outcome: Outcome = receiver.recv()
        process.join()
        return outcome
    except EOFError:
        process.join()
    except BaseException:
        _stop(process)
        raise
    reason = _death(process.exitcode)
    # Whoever holds the lock now knows better.
    with suppress(Locked), run_lock(RunFolder(request.folder).lock):
        record_failure(request, reason)
    return Outcome("failed", reason)


def start_method() -> str:
    """Choose how processes are started.

    Returns
    -------
    str
        `forkserver`, from a process that has imported torch and done nothing else: where the system
        can fork, and has room for the name of that process's socket. Else `spawn`.
    """
    roomy = len(os.fsencode(tempfile.gettempdir())) <= _LONGEST_FOLDER
    can_fork = "forkserver" in multiprocessing.get_all_start_methods()
    return "forkserver" if can_fork and roomy else "spawn"


def _death(code: int) -> str:
    """Say why a process ended that could not say it itself."""
    if code == -signal.SIGKILL:
        return str(out_of_memory("the system killed the job's process"))
    if code < 0:
        return f"The job's process was ended by {signal.Signals(-code).name}."
    return f"The job's process ended with exit code {code}."


def _stop(process: Any) -> None:
    """Let a job write down that it was stopped; at a second Ctrl-C, do not wait for that."""
    try:
        process.terminate()
        process.join()
    except KeyboardInterrupt:
        process.kill()
        raise


def _serve(sender: Connection, request: Request) -> None:
    """Be the process of a job."""
    # Ctrl-C on a terminal reaches this process too, and the sweep sends SIGTERM besides.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    end_with_the_parent()
    protect_streams()
    from humanseg.sweeps.work import work

    try:
        sender.send(work(request))
    except Interrupted as error:
        sender.send(Outcome("failed", str(error)))
