"""Commands as a person runs them: processes that can be stopped and killed."""

import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import psutil
import pytest

SERVER = Path(__file__).with_name("fork_server.py")

SMALLEST = (
    "backbone=plain",
    "backbone.widths=[4,8]",
    "model.decoder_channels=[4]",
    "augmentation=light",
    "data.batch_size=2",
    "data.workers=0",
    "trainer=cpu",
    "trainer.precision=32-true",
    "threads=1",
    "logger=[csv]",
    "save_onnx=false",
)
"""The cheapest training there is."""

FORKED = "import humanseg.system.children as child\nchild.start_method = lambda: 'fork'\n"
"""Lets jobs be forked from a process that has torch already, not from one that imports it first."""


class Finished(NamedTuple):
    """How a command ended: its exit code (minus the signal that killed it), and what it said."""

    rc: int
    stdout: str
    stderr: str


@dataclass(frozen=True)
class Command:
    """A command under way, or done.

    Attributes
    ----------
    folder
        Where its process id, its exit code and its output are written.
    """

    folder: Path

    @property
    def pid(self) -> int:
        """Its process id, which is that of its process group too."""
        wait_for(lambda: (self.folder / "pid").exists(), "a process id")
        return int((self.folder / "pid").read_text())

    @property
    def done(self) -> bool:
        """Whether it has ended."""
        return (self.folder / "rc").exists()

    def stdout(self) -> str:
        """What it has said so far."""
        path = self.folder / "stdout"
        return path.read_text() if path.exists() else ""

    def seconds(self) -> float | None:
        """Processor time that it has used; None when it is gone."""
        with suppress(psutil.Error):
            times = psutil.Process(self.pid).cpu_times()
            return float(times.user + times.system)
        return None

    def kill_after(self, seconds: float) -> None:
        """Kill it at once when it has used so much processor time, unless it ends before."""
        while not self.done and (self.seconds() or 0.0) < seconds:
            time.sleep(0.001)
        self.send(signal.SIGKILL)

    def send(self, number: int, group: bool = False) -> None:
        """Send a signal to it; to its workers too with `group`, as Ctrl-C on a terminal does."""
        with suppress(ProcessLookupError):
            (os.killpg if group else os.kill)(self.pid, number)

    def family(self) -> list[int]:
        """Process ids of what is left of it and its workers."""
        left = []
        for pid in psutil.pids():
            with suppress(ProcessLookupError, psutil.Error):
                if os.getpgid(pid) != self.pid:
                    continue
                if psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
                    left.append(pid)
        return left

    def wait_for_text(self, text: str) -> None:
        """Wait until it has said something."""
        wait_for(lambda: text in self.stdout() or self.done, repr(text))
        assert text in self.stdout(), (self.folder / "stderr").read_text()

    def wait_for_nobody(self) -> None:
        """Wait until neither it nor a worker of it is left: workers look for it now and then."""
        wait_for(lambda: not self.family(), "the end of its workers", 60)

    def wait(self, timeout: float = 300) -> Finished:
        """Wait for its end."""
        try:
            wait_for(lambda: self.done, "the end of the command", timeout)
        except AssertionError:
            self.send(signal.SIGKILL, group=True)
            raise
        said = [(self.folder / name).read_text() for name in ("stdout", "stderr")]
        return Finished(int((self.folder / "rc").read_text()), *said)


def wait_for(condition: Callable[[], bool], what: str, timeout: float = 300) -> None:
    """Wait until a condition holds."""
    end = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < end, f"waited {timeout:g} s for {what}"
        time.sleep(0.002)


class Commands:
    """Starts commands.

    Parameters
    ----------
    folder
        Where their output goes.
    server
        The process that forks them.
    """

    def __init__(self, folder: Path, server: subprocess.Popen[str]) -> None:
        self._folder = folder
        self._server = server
        self._numbers = itertools.count()

    def start(
        self,
        *arguments: str | Path,
        cwd: Path | None = None,
        before: str = "",
        **environment: str,
    ) -> Command:
        """Start `humanseg` with arguments.

        Parameters
        ----------
        *arguments
            The words after `humanseg`.
        cwd
            Where it runs.
        before
            Python that its process runs first.
        **environment
            Variables of its environment.
        """
        folder = self._folder / str(next(self._numbers))
        (folder / "here").mkdir(parents=True)
        order = {name: str(folder / name) for name in ("pid", "rc", "stdout", "stderr")} | {
            "arguments": list(map(str, arguments)),
            "cwd": str(cwd or folder / "here"),
            "before": before,
            "environment": environment,
        }
        assert self._server.stdin is not None
        self._server.stdin.write(json.dumps(order) + "\n")
        self._server.stdin.flush()
        return Command(folder)

    def run(
        self,
        *arguments: str | Path,
        cwd: Path | None = None,
        before: str = "",
        timeout: float = 300,
        **environment: str,
    ) -> Finished:
        """Run `humanseg` with arguments, to its end; see `start`."""
        return self.start(*arguments, cwd=cwd, before=before, **environment).wait(timeout)


@pytest.fixture(scope="session")
def commands(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Commands]:
    """Start `humanseg` in processes of their own that share one import of torch."""
    with subprocess.Popen(
        [sys.executable, str(SERVER)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1", "HUMANSEG_DEBUG": "0"},
    ) as server:
        assert server.stdout is not None
        assert server.stdout.readline() == "ready\n"
        yield Commands(tmp_path_factory.mktemp("commands"), server)
        assert server.stdin is not None
        server.stdin.close()


Train = Callable[..., Command]


@pytest.fixture(scope="session")
def start_training(commands: Commands, sample_root: Path) -> Train:
    """Start the cheapest training of the sample in a run folder."""

    def start(run: Path, *overrides: str, before: str = "") -> Command:
        words = (*SMALLEST, f"data.root={sample_root}", f"run_dir={run}", *overrides)
        return commands.start("train", *words, before=before)

    return start


@pytest.fixture(scope="session")
def finished_run(start_training: Train, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished run of three epochs, shared: read only."""
    run = tmp_path_factory.mktemp("finished") / "run"
    done = start_training(run, "trainer.max_epochs=3").wait()
    assert done.rc == 0, done.stderr
    return run


@pytest.fixture
def own_run(finished_run: Path, tmp_path: Path) -> Path:
    """A copy of the finished run, to be changed."""
    return Path(shutil.copytree(finished_run, tmp_path / "moved" / "run"))


@pytest.fixture
def own_data(sample_root: Path, tmp_path: Path) -> Path:
    """A copy of the sample, to be spoilt."""
    return Path(shutil.copytree(sample_root, tmp_path / "spoilt"))
