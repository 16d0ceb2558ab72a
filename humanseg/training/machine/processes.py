"""One function in several processes, one for each device of a training.

Nothing heavy is imported here: a new process settles its environment before torch is loaded.
"""

import os
import pickle
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, TypeVar

from humanseg.errors import FarTraceback, portable
from humanseg.system.children import end_with_the_parent
from humanseg.system.interrupts import interruptible
from humanseg.system.streams import protect_streams

T = TypeVar("T")

PATIENCE = 10.0
"""Seconds that processes have to end by themselves before they are killed."""


def run_in_processes(function: Callable[..., T], count: int, threads: int, *arguments: Any) -> T:
    """Call a function in several fresh processes of this machine at once.

    They find each other as torch and Lightning expect it, by `LOCAL_RANK`, `MASTER_ADDR` and
    `MASTER_PORT`. None outlives this call, nor this process.

    Parameters
    ----------
    function
        Of a module's top level. It may use the devices that belong to its `LOCAL_RANK`.
    count
        The number of processes.
    threads
        Of each process.
    *arguments
        Each process gets a copy.

    Returns
    -------
    T
        What the first process returned.

    Raises
    ------
    BaseException
        What the first process to fail raised. The others are ended.
    """
    payload = pickle.dumps((function, arguments))
    port, context = _free_port(), get_context("spawn")
    processes: list[BaseProcess] = []
    reports: list[Connection] = []
    try:
        for rank in range(count):
            environment = {
                "LOCAL_RANK": str(rank),
                # Of another launcher, these would put all processes into its order.
                "RANK": str(rank),
                "WORLD_SIZE": str(count),
                "NODE_RANK": "0",
                "GROUP_RANK": "0",
                "MASTER_ADDR": "127.0.0.1",
                "MASTER_PORT": str(port),
                "OMP_NUM_THREADS": str(threads),
                # Of its sockets, say of a machine whose name cannot be looked up.
                "TORCH_CPP_LOG_LEVEL": "ERROR",
            }
            receiver, sender = context.Pipe(duplex=False)
            processes.append(context.Process(target=_work, args=(environment, payload, sender)))
            # Ctrl-C on a terminal reaches every process. This one takes it, and ends the others.
            before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
            processes[-1].start()
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            sender.close()
            reports.append(receiver)
        results: list[T] = _gather(processes, reports)
        for process in processes:
            process.join(PATIENCE)
        return results[0]
    finally:
        _end(processes)


def _gather(processes: Sequence[BaseProcess], reports: Sequence[Connection]) -> list[Any]:
    """Wait for what the processes return; raise what the first of them raises."""
    results: dict[int, Any] = {}
    while len(results) < len(reports):
        waiting = [report for rank, report in enumerate(reports) if rank not in results]
        for report in wait(waiting):
            assert isinstance(report, Connection)
            rank = reports.index(report)
            try:
                returned, value, text = report.recv()
            except EOFError:
                raise _died(processes[rank]) from None
            if not returned:
                raise value from FarTraceback(text)
            results[rank] = value
    return [results[rank] for rank in range(len(reports))]


def _died(process: BaseProcess) -> RuntimeError:
    """Say how a process ended that said nothing."""
    process.join(PATIENCE)
    how = f"ended with {process.exitcode}"
    if process.exitcode is not None and process.exitcode < 0:
        how = f"was killed by signal: {signal.strsignal(-process.exitcode)}"
    return RuntimeError(f"A process of the training (pid {process.pid}) {how}.")


def _end(processes: Sequence[BaseProcess]) -> None:
    """End what still runs: by a request first."""
    for process in processes:
        process.terminate()
    last = time.monotonic() + PATIENCE
    for process in processes:
        process.join(max(0.0, last - time.monotonic()))
        process.kill()
        process.join()


def _work(environment: dict[str, str], payload: bytes, report: Connection) -> None:
    """Be one of the processes."""
    end_with_the_parent()
    protect_streams()
    os.environ.update(environment)
    try:
        with interruptible():
            function, arguments = pickle.loads(payload)
            result = function(*arguments)
    except BaseException as error:
        report.send((False, portable(error), traceback.format_exc()))
        sys.exit(1)
    report.send((True, result, ""))


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
