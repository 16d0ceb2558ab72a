"""A function in a process of its own: how it is started, and how its errors come out of it."""

import faulthandler
import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from humanseg.config.command_line.error_text import explain
from humanseg.errors import FarTraceback, HumansegError
from humanseg.system import children
from humanseg.system.children import call_in_child, start_method, without_main


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


@pytest.fixture
def forked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(children, "start_method", lambda: "fork")


def add(one: int, other: int) -> int:
    return one + other


def fail(error: Exception) -> None:
    raise error


def die(number: int) -> None:
    faulthandler.disable()  # of the test runner, which would print all that it does
    os.kill(os.getpid(), number)


@pytest.mark.usefixtures("forked")
def test_what_a_function_returns_or_raises_comes_out_of_its_process() -> None:
    assert call_in_child(add, 1, 2) == 3
    with pytest.raises(HumansegError, match="^no further$") as caught:
        call_in_child(fail, HumansegError("no further", code="data.missing_mask"))
    assert caught.value.code == "data.missing_mask"
    assert isinstance(caught.value.__cause__, FarTraceback)
    assert "in fail" in str(caught.value.__cause__)


def test_each_process_has_the_environment_of_its_call(monkeypatch: pytest.MonkeyPatch) -> None:
    # As Hydra sets it for a job, by hydra.job.env_set.
    for number in ("0", "1"):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", number)
        assert call_in_child(os.getenv, "CUDA_VISIBLE_DEVICES") == number


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_a_script_of_a_persons_own_is_not_run_again(tmp_path: Path, method: str) -> None:
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip("not on this system")
    script = tmp_path / "script.py"
    script.write_text(
        "from operator import add\n"
        "from humanseg.system import children\n"
        f"children.start_method = lambda: {method!r}\n"
        "print('here', flush=True)\n"
        "print(children.call_in_child(add, 1, 2))\n"
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("here\n3\n", "")


def test_the_script_is_there_again_whichever_thread_ends_first() -> None:
    main = sys.modules["__main__"]
    blocks = without_main(), without_main()
    for block in blocks:
        block.__enter__()
        assert sys.modules["__main__"] is not main
    for block in blocks:
        block.__exit__(None, None, None)
    assert sys.modules["__main__"] is main
    with without_main(b"c__main__\nMine\n."):
        assert sys.modules["__main__"] is main


@pytest.mark.parametrize(
    ("number", "code", "says"),
    [
        (signal.SIGSEGV, "system.segmentation_fault", "channels_last=false"),
        (signal.SIGKILL, "system.out_of_memory", "memory does not suffice"),
    ],
)
@pytest.mark.usefixtures("forked")
def test_a_call_may_die_of_it_and_a_person_is_told_why(number: int, code: str, says: str) -> None:
    with pytest.raises(RuntimeError, match="was killed by signal") as caught:
        call_in_child(die, int(number))
    explained = explain(caught.value)
    assert explained is not None and explained.code == code and says in str(explained)
