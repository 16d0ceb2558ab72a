"""How the process of a job is started."""

import faulthandler
import multiprocessing
import os
import signal
import tempfile
from pathlib import Path

import pytest

from humanseg.errors import HumansegError
from humanseg.sweeps import subprocess_runner
from humanseg.sweeps.subprocess_runner import call_apart, start_method


def test_a_process_starts_whatever_the_name_of_the_temporary_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = tmp_path / ("x" * 90)
    long.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(long))
    # A server to fork from would be reached by a socket there, and has none by so long a name.
    assert start_method() == "spawn"
    monkeypatch.setattr(tempfile, "tempdir", "/tmp")
    assert start_method() in multiprocessing.get_all_start_methods()


def add(one: int, other: int) -> int:
    return one + other


def fail(error: Exception) -> None:
    raise error


def die(number: int) -> None:
    faulthandler.disable()  # of the test runner, which would print all that it does
    os.kill(os.getpid(), number)


def test_a_call_in_a_process_of_its_own_may_die_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess_runner, "start_method", lambda: "fork")
    assert call_apart(add, 1, 2) == 3
    with pytest.raises(HumansegError, match="^no further$"):
        call_apart(fail, HumansegError("no further"))
    with pytest.raises(HumansegError, match="SIGSEGV.*channels_last=false"):
        call_apart(die, int(signal.SIGSEGV))
    with pytest.raises(HumansegError, match="memory"):
        call_apart(die, int(signal.SIGKILL))
