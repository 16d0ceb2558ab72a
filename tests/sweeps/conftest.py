"""Sweeps whose jobs are done by a function of the test's, in this process and at once."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from omegaconf import OmegaConf

from humanseg.cli.main import main
from humanseg.runs import RunFolder, run_lock, update_summary
from humanseg.sweeps import run_job
from humanseg.sweeps.jobs import Outcome
from humanseg.training.request import TrainRequest

Work = Callable[..., Outcome]
Sweep = Callable[..., int]


def leave_finished_run(request: TrainRequest, dice: float = 0.5, epochs: int = 3) -> Outcome:
    """Leave a finished run in a job's folder."""
    run = RunFolder(request.folder)
    with run_lock(run.lock):
        OmegaConf.save(request.config, run.config)
        update_summary(
            run.summary,
            status="finished",
            dice_at_half=dice,
            seconds=60.0,
            epochs=epochs,
            overrides=request.overrides,
        )
    return Outcome("finished")


@pytest.fixture
def finish() -> Work:
    """Do a job by leaving a finished run in its folder."""
    return leave_finished_run


@pytest.fixture
def sweep(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Sweep:
    """Give `humanseg train -m` in an empty folder, with what does a job; the exit code."""
    monkeypatch.chdir(tmp_path)

    def run(work: Work, *words: str) -> int:
        monkeypatch.setattr(run_job, "run_in_subprocess", work)
        return main(["train", "-m", *words])

    return run


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[int]:
    """A process that works in the sweep `mine`: its id."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        lock = {"pid": process.pid, "started": psutil.Process(process.pid).create_time()}
        (tmp_path / "runs/mine").mkdir(parents=True)
        (tmp_path / "runs/mine/.lock").write_text(json.dumps(lock))
        yield process.pid
        process.kill()
