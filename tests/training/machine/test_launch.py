"""One function in several processes: what comes back, and that nobody is left behind."""

import atexit
import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch
from omegaconf import OmegaConf

from humanseg.config.command_line.error_text import explain
from humanseg.errors import FarTraceback, Refused
from humanseg.training.machine.hardware import choose_hardware
from humanseg.training.machine.launch import launch


def launch_on_cpus(count: int, function: Callable[..., Any], *arguments: Any) -> Any:
    from dataclasses import replace

    hardware = replace(choose_hardware("cpu", "32-true", threads=2 * count), processes=count)
    return launch(function, OmegaConf.create({"devices": count}), hardware, *arguments)


def rank() -> int:
    return int(os.environ["LOCAL_RANK"])


def introduce(name: str, folder: Path) -> str:
    (folder / str(rank())).write_text(os.environ["MASTER_PORT"])
    assert torch.distributed.get_world_size() == 2
    return f"{name} {torch.distributed.get_rank()} has {torch.get_num_threads()} threads"


def fail_second(folder: Path) -> None:
    (folder / str(rank())).write_text(str(os.getpid()))
    if rank() == 0:
        time.sleep(600)
    while not (folder / "0").exists():
        time.sleep(0.01)
    atexit.register(os.abort)  # threads of gloo do so at times
    raise Refused("no further")


def kill_second(folder: Path) -> None:
    if rank() == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(600)


def wait_for_ever(folder: Path) -> None:
    (folder / str(rank())).write_text(str(os.getpid()))
    time.sleep(600)


def start_and_wait(folder: Path) -> None:
    launch_on_cpus(2, wait_for_ever, folder)


def gone(folder: Path, rank: int) -> bool:
    """Whether a process that wrote down its id has ended."""
    try:
        process = psutil.Process(int((folder / str(rank)).read_text()))
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_each_process_knows_its_rank_and_the_first_returns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As another launcher may have left them: they are not about this training.
    stray = {"LOCAL_RANK": "1", "RANK": "5", "WORLD_SIZE": "6", "GROUP_RANK": "1"}
    for name, value in stray.items():
        monkeypatch.setenv(name, value)
    before = dict(os.environ)
    assert launch_on_cpus(2, introduce, "process", tmp_path) == "process 0 has 2 threads"
    ports = [(tmp_path / str(index)).read_text() for index in range(2)]
    assert len(set(ports)) == 1
    assert dict(os.environ) == before


def test_an_error_of_one_process_ends_all_and_comes_out(tmp_path: Path) -> None:
    began = time.monotonic()
    with pytest.raises(Refused, match="^no further$") as caught:
        launch_on_cpus(2, fail_second, tmp_path)
    assert isinstance(caught.value.__cause__, FarTraceback)
    assert "in fail_second" in str(caught.value.__cause__)
    assert gone(tmp_path, 0) and gone(tmp_path, 1)
    assert time.monotonic() - began < 500


def test_a_process_that_is_killed_counts_as_memory_that_ran_out(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="was killed by signal: Killed") as caught:
        launch_on_cpus(2, kill_second, tmp_path)
    assert "memory does not suffice" in str(explain(caught.value))


def test_processes_end_with_a_command_that_is_killed(tmp_path: Path) -> None:
    command = multiprocessing.get_context("spawn").Process(target=start_and_wait, args=(tmp_path,))
    command.start()
    end = time.monotonic() + 500
    while not all((tmp_path / str(each)).exists() for each in range(2)):
        assert time.monotonic() < end
        time.sleep(0.01)
    command.kill()
    command.join()
    while not (gone(tmp_path, 0) and gone(tmp_path, 1)):
        assert time.monotonic() < end
        time.sleep(0.01)
