"""Runs a function in its own process, and returns its result or its error.

Nothing heavy is imported here: a new process prepares its environment before torch is loaded.
"""

import multiprocessing
import os
import pickle
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from types import ModuleType
from typing import Any, TypeVar

from humanseg.errors import Failure
from humanseg.system.streams import protect_streams

T = TypeVar("T")

_hidden: list[ModuleType] = []
_hiding = threading.Lock()

_LONGEST_FOLDER = 60
"""Characters of a temporary folder in which a socket still has a name that the system takes."""


def call_in_child(
    function: Callable[..., T], *arguments: Any, preload: Sequence[str] = (), spawn: bool = False
) -> T:
    """Call a function of a module's top level in a process of its own, which may die of it.

    Threads, peak memory and what a library keeps for itself begin afresh there; the environment is
    that of the caller. A system that runs out of memory kills the process that takes it: a
    RuntimeError says how it died. `preload` are modules that all such processes need: imported
    once, where the system can fork. With `spawn` nothing is imported that the call does not need.
    """
    if multiprocessing.get_start_method() not in multiprocessing.get_all_start_methods():
        # Joblib's workers have a method of their own, which no other process would know.
        multiprocessing.set_start_method(None, force=True)
    method = "spawn" if spawn else start_method()
    context: Any = multiprocessing.get_context(method)
    if method == "forkserver":
        context.set_forkserver_preload(list(preload))
    receiver, sender = context.Pipe(duplex=False)
    # A server to fork from keeps the environment that it was started with.
    given = (sender, function, arguments, dict(os.environ))
    process = context.Process(target=_serve, args=given)
    # Slurm warns every process of a job before its time is up, by a signal that ends those which do
    # not wait for it. This process does, where it is Slurm's, and has the job queued again.
    saved = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1, signal.SIGUSR2})
    with without_main(pickle.dumps((function, arguments))):
        process.start()
    signal.pthread_sigmask(signal.SIG_SETMASK, saved)
    sender.close()
    try:
        answer = receiver.recv()
    except EOFError:
        raise death(process) from None
    except BaseException:
        _stop(process)
        raise
    process.join()
    result: T = open_answer(answer)
    return result


@contextmanager
def without_main(pickled: bytes = b"") -> Iterator[None]:
    """Let the processes that are started in this block not run the script of the person again.

    Python runs it in each of them, from its top, where it does not say ``if __name__ ==
    "__main__"``, and then refuses to. Where what they get, `pickled`, needs it, they still do.
    """
    if b"__main__" in pickled:
        yield
        return
    with _hiding:
        _hidden.append(sys.modules["__main__"])
        sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        with _hiding:
            # Other threads may be in such a block too: the first one has hidden the script.
            first = _hidden[0]
            _hidden.pop()
            if not _hidden:
                sys.modules["__main__"] = first


def start_method() -> str:
    """Choose how processes are started: by a process that has imported torch and done nothing else.

    Where the system cannot fork, or has no room for the name of that process's socket, afresh.
    """
    roomy = len(os.fsencode(tempfile.gettempdir())) <= _LONGEST_FOLDER
    can_fork = "forkserver" in multiprocessing.get_all_start_methods()
    return "forkserver" if can_fork and roomy else "spawn"


def open_answer(answer: Any) -> Any:
    """Return what a function in another process returned, or raise what it raised there."""
    if isinstance(answer, Failure):
        answer.reraise()
    return answer


def death(process: BaseProcess) -> RuntimeError:
    """Return an error that says how a process ended that said nothing."""
    process.join()
    how = f"ended with exit code {process.exitcode}"
    if process.exitcode is not None and process.exitcode < 0:
        how = f"was killed by signal: {signal.strsignal(-process.exitcode)}"
    return RuntimeError(f"A process of humanseg (pid {process.pid}) {how}.")


def end_with_the_parent() -> None:
    """End this process at once when its parent is gone, for example killed.

    Its command may be given again, and two processes must not write into one folder.
    """
    parent = multiprocessing.parent_process()
    assert parent is not None

    def wait_and_end() -> None:
        parent.join()
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=wait_and_end, daemon=True).start()


def _stop(process: BaseProcess) -> None:
    """Let a process record that it was stopped; at a second Ctrl-C, do not wait for it."""
    try:
        process.terminate()
        process.join()
    except KeyboardInterrupt:
        process.kill()
        raise


def _serve(
    sender: Connection,
    function: Callable[..., Any],
    arguments: tuple[Any, ...],
    environment: Mapping[str, str] | None = None,
) -> None:
    """Run a call in this process."""
    os.environ.update(environment or {})
    # Ctrl-C on a terminal reaches this process too, and the parent sends SIGTERM besides.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    end_with_the_parent()
    protect_streams()
    try:
        sender.send(function(*arguments))
    except BaseException as error:
        sender.send(Failure.of(error))
