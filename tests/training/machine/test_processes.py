"""One function in several processes: what comes back, and that nobody is left behind."""

import multiprocessing
import os
import signal
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from humanseg.config.error_text import explain
from humanseg.errors import FarTraceback, Refused
from humanseg.system.interrupts import Interrupted
from humanseg.training.machine.processes import run_in_processes


def rank() -> int:
    return int(os.environ["LOCAL_RANK"])


def introduce(folder: Path, name: str) -> str:
    port, threads = os.environ["MASTER_PORT"], os.environ["OMP_NUM_THREADS"]
    (folder / str(rank())).write_text(port)
    return f"{name} {rank()} has {threads} threads"


def fail_second(folder: Path, error: type[BaseException], *arguments: Any) -> None:
    (folder / str(rank())).write_text(str(os.getpid()))
    if rank() == 0:
        time.sleep(600)
    while not (folder / "0").exists():
        time.sleep(0.01)
    raise error(*arguments)


def kill_second(folder: Path) -> None:
    if rank() == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(600)


def wait_for_ever(folder: Path) -> None:
    (folder / str(rank())).write_text(str(os.getpid()))
    time.sleep(600)


def start_and_wait(folder: Path) -> None:
    run_in_processes(wait_for_ever, 2, 1, folder)


class OddError(Exception):
    """Cannot be taken apart and put together again."""

    def __init__(self, one: int, other: int) -> None:
        super().__init__(f"{one} and {other}")


def gone(folder: Path, rank: int) -> bool:
    """Whether a process that wrote down its id has ended."""
    try:
        process = psutil.Process(int((folder / str(rank)).read_text()))
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_each_process_knows_its_place_and_the_first_is_heard(tmp_path: Path) -> None:
    assert run_in_processes(introduce, 3, 2, tmp_path, "process") == "process 0 has 2 threads"
    ports = [(tmp_path / str(each)).read_text() for each in range(3)]
    assert len(set(ports)) == 1
    assert "LOCAL_RANK" not in os.environ


@pytest.mark.parametrize(
    ("error", "arguments", "raised", "says"),
    [
        (Refused, ("no further",), Refused, "^no further$"),
        (Interrupted, (signal.SIGTERM,), Interrupted, "SIGTERM"),
        (OddError, (1, 2), RuntimeError, "OddError: 1 and 2"),
    ],
    ids=["refused", "interrupted", "odd"],
)
def test_an_error_of_one_ends_all_and_is_told(
    tmp_path: Path,
    error: type[BaseException],
    arguments: tuple[Any, ...],
    raised: type[BaseException],
    says: str,
) -> None:
    began = time.monotonic()
    with pytest.raises(raised, match=says) as caught:
        run_in_processes(fail_second, 2, 1, tmp_path, error, *arguments)
    assert isinstance(caught.value.__cause__, FarTraceback)
    assert "in fail_second" in str(caught.value.__cause__)
    assert gone(tmp_path, 0) and gone(tmp_path, 1)
    assert time.monotonic() - began < 60


def test_a_process_that_is_killed_is_told_as_memory_that_ran_out(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="was killed by signal: Killed") as caught:
        run_in_processes(kill_second, 2, 1, tmp_path)
    assert "memory does not suffice" in str(explain(caught.value))


def test_processes_end_with_a_command_that_is_killed(tmp_path: Path) -> None:
    command = multiprocessing.get_context("spawn").Process(target=start_and_wait, args=(tmp_path,))
    command.start()
    end = time.monotonic() + 120
    while not all((tmp_path / str(each)).exists() for each in range(2)):
        assert time.monotonic() < end
        time.sleep(0.01)
    command.kill()
    command.join()
    while not (gone(tmp_path, 0) and gone(tmp_path, 1)):
        assert time.monotonic() < end
        time.sleep(0.01)
