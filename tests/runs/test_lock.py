import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from humanseg.errors import HumansegError
from humanseg.runs import run_lock
from humanseg.runs.lock import is_locked

HOLD = """
import sys
from pathlib import Path
from humanseg.errors import HumansegError
from humanseg.runs import run_lock
sys.stdin.readline()  # every process starts at one word
try:
    with run_lock(Path(sys.argv[1])):
        print("have", flush=True)
        sys.stdin.readline()
except HumansegError as error:
    print(error, flush=True)
"""

Holder = subprocess.Popen[str]


@pytest.fixture
def holder() -> Iterator[Callable[[Path], Holder]]:
    """Start a process that takes the lock when it is told to, and holds it until told again."""
    started: list[Holder] = []

    def start(path: Path) -> Holder:
        process = subprocess.Popen(
            [sys.executable, "-c", HOLD, str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def tell(process: Holder) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def answer(process: Holder) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_the_lock_is_there_while_it_is_held(tmp_path: Path) -> None:
    path = tmp_path / "run" / ".lock"
    with run_lock(path):
        assert is_locked(path)
        assert json.loads(path.read_text())["pid"] == os.getpid()
    assert not path.exists() and not is_locked(path)


def test_the_lock_is_given_back_after_an_error(tmp_path: Path) -> None:
    path = tmp_path / ".lock"
    with pytest.raises(KeyError), run_lock(path):
        raise KeyError
    assert not path.exists()


def test_a_second_process_is_refused_with_the_first_one_named(
    tmp_path: Path, holder: Callable[[Path], Holder]
) -> None:
    path = tmp_path / ".lock"
    first = holder(path)
    tell(first)
    assert answer(first) == "have"
    with pytest.raises(HumansegError, match=rf"Process {first.pid} is working in"), run_lock(path):
        pass
    assert is_locked(path), "the refused one took the lock away"
    tell(first)
    first.wait(30)
    with run_lock(path):
        pass


def test_the_lock_of_a_killed_process_is_taken_over(
    tmp_path: Path, holder: Callable[[Path], Holder]
) -> None:
    path = tmp_path / ".lock"
    first = holder(path)
    tell(first)
    assert answer(first) == "have"
    first.kill()
    # Not waited for: it is still listed, as a zombie.
    os.waitid(os.P_PID, first.pid, os.WEXITED | os.WNOWAIT)
    assert path.exists() and not is_locked(path)
    with run_lock(path):
        assert json.loads(path.read_text())["pid"] == os.getpid()


def test_a_process_that_was_given_a_used_id_is_no_holder(tmp_path: Path) -> None:
    path = tmp_path / ".lock"
    parent = psutil.Process(os.getppid())
    lock = {"pid": parent.pid, "started": parent.create_time() - 60}
    path.write_text(json.dumps(lock))
    with run_lock(path):
        assert json.loads(path.read_text())["pid"] == os.getpid()
    path.write_text(json.dumps(lock | {"started": parent.create_time()}))
    with pytest.raises(HumansegError, match=str(parent.pid)), run_lock(path):
        pass


@pytest.mark.parametrize("content", ["", "{", "[]", '{"pid": "x", "started": 1}', '{"pid": -4}'])
def test_a_lock_that_says_nothing_holds_nothing(tmp_path: Path, content: str) -> None:
    path = tmp_path / ".lock"
    path.write_text(content)
    with run_lock(path):
        assert is_locked(path)


def test_exactly_one_of_several_wins_a_lock_left_behind(
    tmp_path: Path, holder: Callable[[Path], Holder]
) -> None:
    path = tmp_path / ".lock"
    path.write_text(json.dumps({"pid": os.getpid(), "started": 1.0}))
    racers = [holder(path) for _ in range(4)]
    for racer in racers:
        tell(racer)
    answers = [answer(racer) for racer in racers]
    assert answers.count("have") == 1, answers
    winner = racers[answers.index("have")]
    assert all(f"Process {winner.pid} " in each for each in answers if each != "have"), answers
