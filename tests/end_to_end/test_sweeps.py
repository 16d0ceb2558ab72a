"""Sweeps that are killed, stopped, doubled and broken, and what the same command makes of them."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from tests.end_to_end.conftest import FORKED, SMALLEST, wait_for

if TYPE_CHECKING:
    from tests.end_to_end.conftest import Command, Commands, Train

StartSweep = Callable[..., "Command"]


@pytest.fixture
def start_sweep(commands: "Commands", sample_root: Path, tmp_path: Path) -> StartSweep:
    """Start a sweep of the cheapest trainings, in `runs` of the test's folder."""

    def start(*words: str, before: str = "") -> "Command":
        given = (*SMALLEST, f"data.root={sample_root}", f"runs_dir={tmp_path}/runs", *words)
        return commands.start("train", *given, before=FORKED + before)

    return start


def summaries(sweep: Path) -> dict[str, dict[str, Any]]:
    """Read what came out of each job, by its name."""
    return {
        path.parent.name: json.loads(path.read_text())
        for path in sorted(sweep.glob("*/summary.json"))
    }


def job_process(command: "Command") -> int:
    """Return the id of the process that does a job at the moment."""
    found: list[int] = []

    def look() -> bool:
        found[:] = [one.pid for one in psutil.Process(command.pid).children()]
        return bool(found)

    wait_for(look, "the process of a job")
    return found[0]


def test_a_killed_sweep_is_finished_by_the_same_command(
    start_sweep: StartSweep, start_training: "Train", commands: "Commands", tmp_path: Path
) -> None:
    words = ("-m", "seed=1,2", "trainer.max_epochs=4", "model.dropout=0.2")
    command = start_sweep(*words)
    command.wait_for_text("epoch 2/")
    job = job_process(command)
    command.send(signal.SIGKILL)
    # Its job does not outlive it.
    wait_for(lambda: not psutil.pid_exists(job) or is_zombie(job), "the end of the job", 20)

    done = start_sweep(*words).wait()
    assert done.rc == 0, done.stderr
    assert "2: 1 to resume, 1 to start" in done.stdout
    assert done.stdout.count("epoch 1/") == 1 and done.stdout.count("epoch 4/") == 2
    (sweep,) = (tmp_path / "runs").iterdir()
    found = summaries(sweep)
    assert list(found) == ["seed=1", "seed=2"]
    for name, summary in found.items():
        assert (summary["status"], summary["sweep"]) == ("finished", sweep.name)
        assert name in summary["overrides"]
    ranked = [line.split()[0] for line in done.stdout.splitlines() if line.endswith("  finished")]
    assert ranked == sorted(found, key=lambda name: -found[name]["dice_at_half"])

    # The job that was killed ended like a run that was not.
    alone = start_training(tmp_path / "alone", "seed=1", *words[2:]).wait()
    assert alone.rc == 0, alone.stderr
    same = (tmp_path / "alone/pred_valid.csv").read_bytes()
    assert (sweep / "seed=1/pred_valid.csv").read_bytes() == same

    again = start_sweep(*words).wait()
    assert again.rc == 0 and "2: 2 finished" in again.stdout and "epoch" not in again.stdout
    # A job's folder is a run like any other, wherever it is moved.
    (sweep / "seed=2").rename(tmp_path / "moved")
    report = commands.run("evaluate", tmp_path / "moved")
    assert f"{found['seed=2']['dice']:.6f}" in report.stdout, report.stderr


def is_zombie(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.Error:
        return True


def test_failed_jobs_are_recorded_and_the_others_run(
    start_sweep: StartSweep, tmp_path: Path
) -> None:
    # The second value is impossible; the third one makes the loss no number.
    words = ("-m", "optimizer.lr=0.01,-1,1e30", "trainer.max_epochs=1", "sweep=mine")
    done = start_sweep(*words, "trainer.gradient_clip_val=null").wait()
    assert done.rc == 1
    assert "2 of 3 jobs failed" in done.stderr and "Traceback" not in done.stderr
    found = summaries(tmp_path / "runs/mine")
    states = {name.split("=")[1]: summary["status"] for name, summary in found.items()}
    assert states == {"0.01": "finished", "-1": "failed", "1e+30": "failed"}
    reasons = [summary["failure"] for summary in found.values() if summary["failure"]]
    assert any("optimizer.lr: -1 is not a number above 0" in reason for reason in reasons)
    assert any("The training loss became nan" in reason for reason in reasons)
    for reason in reasons:
        assert reason in done.stderr
    assert len(list((tmp_path / "runs/mine").glob("*/config.yaml"))) == 3


@pytest.mark.slow
def test_a_job_that_the_system_kills_kills_no_sweep(
    start_sweep: StartSweep, tmp_path: Path
) -> None:
    die = (
        "import os, humanseg.training.train as entry\n"
        "write = entry.evaluate_best\n"
        "def dying(run, *rest):\n"
        "    if run.path.name == 'seed=1':\n"
        "        os.kill(os.getpid(), 9)\n"
        "    return write(run, *rest)\n"
        "entry.evaluate_best = dying\n"
    )
    words = ("-m", "seed=1,2", "trainer.max_epochs=2", "sweep=mine")
    done = start_sweep(*words, before=die).wait()
    assert done.rc == 1
    found = summaries(tmp_path / "runs/mine")
    assert [one["status"] for one in found.values()] == ["failed", "finished"]
    assert "The memory does not suffice" in found["seed=1"]["failure"]
    assert found["seed=1"]["failure"] in done.stderr
    # It is tried again, and has its epochs already.
    again = start_sweep(*words).wait()
    assert again.rc == 0 and "epoch" not in again.stdout.split("Writing the files")[0]


@pytest.mark.slow
def test_a_batch_too_large_for_the_memory_fails_its_job_alone(
    start_sweep: StartSweep, tmp_path: Path
) -> None:
    limit = (
        "import os, resource\n"
        "used = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()\n"
        "resource.setrlimit(resource.RLIMIT_AS, (used + 2**29, used + 2**29))\n"
    )
    words = (
        "-m",
        "data.crop_size=[64,48],[4096,3072]",
        "data.batch_size=6",
        "trainer.max_epochs=1",
    )
    done = start_sweep(*words, "sweep=mine", before=limit).wait()
    assert done.rc == 1
    states = {name: one["status"] for name, one in summaries(tmp_path / "runs/mine").items()}
    assert states == {"data.crop_size=[4096,3072]": "failed", "data.crop_size=[64,48]": "finished"}
    assert "Lower data.batch_size" in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_sweep_says_so_and_goes_on(
    start_sweep: StartSweep, tmp_path: Path, number: signal.Signals
) -> None:
    words = ("-m", "seed=1,2", "trainer.max_epochs=30", "sweep=mine")
    command = start_sweep(*words)
    command.wait_for_text("epoch 3/")
    # As a terminal does it; a service manager sends SIGTERM to the one process that it knows.
    command.send(number, group=number == signal.SIGINT)
    done = command.wait()
    assert done.rc == 128 + number and "Traceback" not in done.stderr, done.stderr
    found = summaries(tmp_path / "runs/mine")
    assert [one["failure"] for one in found.values()] == ["stopped by SIGTERM"]
    assert not list((tmp_path / "runs").rglob(".lock"))
    again = start_sweep(*words).wait()
    assert again.rc == 0 and again.stdout.count("epoch 1/") == 1


@pytest.mark.slow
def test_two_sweeps_in_one_folder_share_the_jobs(
    start_sweep: StartSweep, start_training: "Train", tmp_path: Path
) -> None:
    words = ("-m", "seed=1,2,3", "trainer.max_epochs=6", "sweep=mine")
    both = [start_sweep(*words), start_sweep(*words)]
    done = [command.wait() for command in both]
    assert [one.rc for one in done] == [0, 0], [one.stderr for one in done]
    # Each job began once.
    assert sum(one.stdout.count("epoch 1/") for one in done) == 3
    found = summaries(tmp_path / "runs/mine")
    assert [one["status"] for one in found.values()] == ["finished"] * 3
    alone = start_training(tmp_path / "alone", "seed=2", "trainer.max_epochs=6").wait()
    assert alone.rc == 0
    same = (tmp_path / "alone/pred_valid.csv").read_bytes()
    assert (tmp_path / "runs/mine/seed=2/pred_valid.csv").read_bytes() == same


@pytest.mark.slow
def test_a_search_is_killed_and_finished_by_the_same_command(
    start_sweep: StartSweep, tmp_path: Path
) -> None:
    from optuna.trial import TrialState

    from humanseg.sweeps.search.study import open_study

    words = [f"hydra.sweeper.{each}" for each in ("n_trials=5", "startup_trials=2")]
    words += ["search=optuna", "hydra.sweeper.warmup_epochs=1", "sweep=mine"]
    words += ["augmentation=light", "trainer.max_epochs=4"]
    command = start_sweep(*words)
    wait_for(lambda: command.stdout().count("epoch 2/") == 2, "the second trial")
    command.send(signal.SIGKILL)
    command.wait()
    done = start_sweep(*words).wait()
    assert done.rc == 0, done.stderr
    assert "1 of 5, 1 interrupted and to be tried again" in done.stdout
    sweep = tmp_path / "runs/mine"
    trials = open_study(sweep).trials
    assert [trial.state for trial in trials[:3]] == [
        *(TrialState.COMPLETE, TrialState.FAIL, TrialState.COMPLETE)
    ]
    assert len(trials) == 6 and trials[2].params == trials[1].params
    # The trial that died has told of all its epochs, those before its death too.
    assert list(trials[2].intermediate_values) == [1, 2, 3, 4]
    states = [one["status"] for one in summaries(sweep).values()]
    pruned = [trial for trial in trials if trial.state == TrialState.PRUNED]
    assert len(states) == 5 and states.count("finished") == 5 - len(pruned)
    assert start_sweep(*words).wait().stdout.count("epoch") == 0


@pytest.mark.slow
def test_each_job_is_a_wandb_run_of_its_own_and_in_its_true_state(
    start_sweep: StartSweep, tmp_path: Path
) -> None:
    words = ("-m", "optimizer.lr=0.01,1e30", "seed=1,2", "trainer.max_epochs=1", "sweep=mine")
    done = start_sweep(*words, "trainer.gradient_clip_val=null", "logger=[wandb]").wait()
    assert done.rc == 1
    logs = sorted((tmp_path / "runs/mine").glob("*/wandb/offline-run-*/run-*.wandb"))
    assert len({path.stem for path in logs}) == len(logs) == 4
    for path in logs:
        shown = json.loads(inspect(path, "--summary"))
        job = path.parents[2].name
        assert shown["name"] == job and sorted(shown["tags"]) == job.split(",")
        ended = ("failed", 1) if "1e+30" in job else ("finished", 0)
        assert (shown["state"], shown["exit_code"]) == ended
        records = map(json.loads, inspect(path).splitlines())
        (group,) = [one["run"]["run_group"] for one in records if one["type"] == "run"]
        assert group == "mine"


def inspect(path: Path, *flags: str) -> str:
    """Read a run's offline log back with wandb's own tool."""
    command = [sys.executable, "-m", "wandb", "leet", "inspect", *flags, "--json", str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.mark.slow
def test_jobs_have_clean_processes_when_started_as_a_person_does(
    sample_root: Path, tmp_path: Path
) -> None:
    """The one sweep here whose jobs are forked from a process that has only imported."""
    words = [*SMALLEST, f"data.root={sample_root}", "trainer.max_epochs=1", "-m", "threads=1,2"]
    start = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "humanseg", "train", *words, "sweep=mine"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=600,
        env={key: value for key, value in os.environ.items() if key != "OMP_NUM_THREADS"},
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == "" and time.monotonic() - start < 600
    assert [path.name for path in tmp_path.iterdir()] == ["runs"]
    devices = [one["device"] for one in summaries(tmp_path / "runs/mine").values()]
    assert [device.endswith(f"{count} threads") for count, device in enumerate(devices, 1)]
