"""A process for each job: nothing leaks into the next, and a job that is killed kills no sweep.

Threads, peak memory, environment variables and what a library keeps for itself begin afresh with
each job. A system that runs out of memory kills the process that takes it, and that is the job's.
"""

import multiprocessing
import os
import signal
import tempfile
import traceback
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any, TypeVar

from humanseg.config.error_text import out_of_memory
from humanseg.errors import FarTraceback, HumansegError, portable
from humanseg.runs import Locked, RunFolder, run_lock
from humanseg.sweeps.jobs import Outcome, record_failure
from humanseg.system.interrupts import Interrupted
from humanseg.system.streams import protect_streams
from humanseg.training.machine.processes import end_with_the_parent
from humanseg.training.request import Request

T = TypeVar("T")

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
    process, receiver = _started(_serve, request)
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


def call_apart(function: Callable[..., T], *arguments: Any) -> T:
    """Call a function in a process of its own, which may die of it.

    Parameters
    ----------
    function
        Of a module's top level.
    *arguments
        Copied.

    Returns
    -------
    T
        What it returns.

    Raises
    ------
    HumansegError
        The process died.
    Exception
        What the function raised.
    """
    process, receiver = _started(_answer, function, arguments)
    try:
        returned, value, text = receiver.recv()
    except EOFError:
        process.join()
        raise HumansegError(_death(process.exitcode)) from None
    except BaseException:
        process.kill()
        process.join()
        raise
    process.join()
    if not returned:
        raise value from FarTraceback(text)
    result: T = value
    return result


def _started(target: Callable[..., None], *arguments: Any) -> tuple[Any, Connection]:
    """Start a process; return it, and where it answers."""
    if multiprocessing.get_start_method() not in multiprocessing.get_all_start_methods():
        # Joblib's workers have a method of their own, which no other process would know.
        multiprocessing.set_start_method(None, force=True)
    method = start_method()
    context: Any = multiprocessing.get_context(method)
    if method == "forkserver":
        context.set_forkserver_preload(["humanseg.sweeps.run_job"])
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=target, args=(sender, *arguments), daemon=False)
    # Slurm warns every process of a job before its time is up, by a signal that ends those which do
    # not wait for it. This process does, where it is Slurm's, and has the job queued again.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1, signal.SIGUSR2})
    process.start()
    signal.pthread_sigmask(signal.SIG_SETMASK, before)
    sender.close()
    return process, receiver


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
    if code == -signal.SIGSEGV:
        return (
            "The job's process was ended by SIGSEGV, a fault in torch or another library: try "
            "channels_last=false, another trainer.precision or another backbone."
        )
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


def _answer(sender: Connection, function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    """Be the process of a call."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    end_with_the_parent()
    try:
        sender.send((True, function(*arguments), ""))
    except Exception as error:
        sender.send((False, portable(error), traceback.format_exc()))


def _serve(sender: Connection, request: Request) -> None:
    """Be the process of a job."""
    # Ctrl-C on a terminal reaches this process too, and the sweep sends SIGTERM besides.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    end_with_the_parent()
    protect_streams()
    from humanseg.sweeps.run_job import work

    try:
        sender.send(work(request))
    except Interrupted as error:
        sender.send(Outcome("failed", str(error)))
