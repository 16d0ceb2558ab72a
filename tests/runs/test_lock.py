import errno
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from humanseg.errors import HumansegError
from humanseg.runs import Locked, is_locked, lock, run_lock

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
    used = {"pid": parent.pid, "started": parent.create_time() - 60}
    path.write_text(json.dumps(used))
    with run_lock(path):
        assert json.loads(path.read_text())["pid"] == os.getpid()
    path.write_text(json.dumps(used | {"started": parent.create_time()}))
    with pytest.raises(HumansegError, match=str(parent.pid)), run_lock(path):
        pass


@pytest.mark.skipif(not psutil.LINUX, reason="elsewhere the start of a process stays as it was")
def test_a_clock_that_is_set_takes_no_lock_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / ".lock"
    with run_lock(path):
        booted = psutil.boot_time()
        monkeypatch.setattr("psutil._pslinux.boot_time", lambda: booted + 3600)
        assert psutil.Process().create_time() - json.loads(path.read_text())["started"] > 3000
        assert is_locked(path)
        # A process that has the id, and the time, after the machine was started again.
        monkeypatch.setattr(lock, "boot_id", lambda: "another start")
        assert not is_locked(path)


@pytest.mark.skipif(not psutil.LINUX, reason="elsewhere the start of a process stays as it was")
def test_a_clock_that_is_set_takes_no_lock_away_with_older_versions_of_psutil(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    booted = clock = remembered = psutil.boot_time()

    def boot_time() -> float:
        nonlocal remembered
        remembered = clock
        return clock

    class Process(psutil.Process):
        """As in psutil 6: adds the boot time that was last read, and keeps the sum."""

        def __init__(self, pid: int | None = None) -> None:
            super().__init__(pid)
            self._started = super().create_time() - booted + remembered

        def create_time(self) -> float:
            return self._started

    monkeypatch.setattr(psutil, "boot_time", boot_time)
    monkeypatch.setattr(psutil, "Process", Process)
    path = tmp_path / ".lock"
    with run_lock(path):
        clock = booted + 3600
        assert is_locked(path)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"pid": "x", "started": 1}', '{"pid": -4}'])
def test_a_lock_that_says_nothing_holds_nothing(tmp_path: Path, content: str) -> None:
    path = tmp_path / ".lock"
    path.write_text(content)
    with run_lock(path):
        assert is_locked(path)


@pytest.fixture
def foreign(tmp_path: Path) -> Path:
    """The lock of a process on another machine, whose number here is that of a living one."""
    path = tmp_path / ".lock"
    mine = {"pid": os.getpid(), "started": psutil.Process().create_time()}
    path.write_text(json.dumps(mine | {"host": "node7", "system": "node7:1"}))
    return path


def test_the_lock_of_another_machine_holds_while_it_is_touched(foreign: Path) -> None:
    assert is_locked(foreign)
    says = r"Process \d+ on node7 is working in .* is gone, its lock is too after 5 minutes"
    with pytest.raises(Locked, match=says), run_lock(foreign):
        pass
    assert json.loads(foreign.read_text())["host"] == "node7"
    assert [path.name for path in foreign.parent.iterdir()] == [".lock"]


def test_the_lock_of_another_machine_is_taken_over_when_nobody_touches_it(foreign: Path) -> None:
    long_ago = foreign.stat().st_mtime - lock.LEASE - 1
    os.utime(foreign, (long_ago, long_ago))
    assert not is_locked(foreign)
    with run_lock(foreign):
        assert json.loads(foreign.read_text())["host"] == platform.node()


def test_a_lock_is_touched_while_it_is_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock, "BEAT", 0.01)
    path = tmp_path / ".lock"
    with run_lock(path):
        os.utime(path, (1, 1))
        end = time.monotonic() + 30
        while path.stat().st_mtime == 1:
            assert time.monotonic() < end
            time.sleep(0.01)


def test_a_lock_that_was_taken_over_is_not_taken_away(tmp_path: Path) -> None:
    path = tmp_path / ".lock"
    theirs = json.dumps({"pid": 1, "started": 1.0, "host": "node7", "system": "node7:1"})
    with run_lock(path):
        path.write_text(theirs)
    assert path.read_text() == theirs


@pytest.mark.parametrize("number", [errno.EBADF, errno.ENOSYS])
def test_of_two_machines_that_cannot_guard_a_folder_one_wins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    path = tmp_path / ".lock"
    theirs = json.dumps({"pid": 1, "started": 1.0, "host": "node7", "system": "node7:1"})
    link = os.link

    def late(source: Path, target: Path) -> None:
        # The other machine is a little faster.
        path.write_text(theirs)
        link(source, target)

    def no_locks(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("fcntl.flock", no_locks)
    monkeypatch.setattr(os, "link", late)
    with pytest.raises(Locked, match="on node7"), run_lock(path):
        pass
    assert path.read_text() == theirs and len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("number", [errno.EPERM, errno.ENOSYS])
def test_a_disk_without_links_has_locks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def link(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "link", link)
    with run_lock(tmp_path / ".lock"):
        assert is_locked(tmp_path / ".lock")


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
