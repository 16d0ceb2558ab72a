"""Killed at any moment and resumed, a run ends as one that was never interrupted."""

import csv
import json
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

if TYPE_CHECKING:
    from tests.end_to_end.conftest import Commands, Train


TIMINGS = ("seconds", "images_per_second", "loader_wait")

# Whatever has a state of its own: dropout, averaged weights, a count of epochs without a better
# Dice, gradients that wait for the next batch, and batches that a worker prepared ahead.
STATEFUL = (
    "callbacks=[ema,early_stopping]",
    "callbacks.early_stopping.patience=2",
    "callbacks.ema.decay=0.9",
    "model.dropout=0.3",
    "backbone.dropout=0.2",
    "augmentation=standard",
    "trainer.accumulate_grad_batches=2",
    "optimizer.lr=0.02",
    "data.workers=1",
    "trainer.max_epochs=5",
)


def outcome(run: Path) -> dict[str, Any]:
    """All of a finished run that must not depend on interruptions."""
    summary = json.loads((run / "summary.json").read_text())
    assert (summary["status"], summary["failure"]) == ("finished", None)
    with (run / "history.csv").open(newline="") as file:
        history = [
            {name: value for name, value in row.items() if name not in TIMINGS}
            for row in csv.DictReader(file)
        ]
    scored = ("dice", "dice_at_half", "iou", "boundary_dice", "best_epoch", "epochs", "data")
    return {
        "submission": (run / "pred_valid.csv").read_bytes(),
        "scores": (run / "scores.csv").read_bytes(),
        "history": history,
        "summary": {name: summary[name] for name in scored},
        "files": sorted(str(path.relative_to(run)) for path in run.glob("*")),
    }


@pytest.fixture(scope="module")
def never_interrupted(
    start_training: "Train", tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., Path]:
    """The folder of a run with these overrides that was left in peace; each is trained once."""
    done: dict[tuple[str, ...], Path] = {}

    def train(*overrides: str) -> Path:
        if overrides not in done:
            run = tmp_path_factory.mktemp("whole") / "run"
            ended = start_training(run, *overrides).wait()
            assert ended.rc == 0, ended.stderr
            done[overrides] = run
        return done[overrides]

    return train


def test_a_killed_run_ends_like_one_that_was_not(
    start_training: "Train",
    commands: "Commands",
    never_interrupted: Callable[..., Path],
    tmp_path: Path,
) -> None:
    run = tmp_path / "run"
    command = start_training(run, *STATEFUL)
    command.wait_for_text("epoch 2/")
    command.send(signal.SIGKILL)
    assert command.wait().rc == -signal.SIGKILL
    command.wait_for_nobody()
    assert json.loads((run / "summary.json").read_text())["status"] == "running"

    resumed = commands.run("train", f"resume={run}")
    assert resumed.rc == 0, resumed.stderr
    assert "epoch 1/" not in resumed.stdout and "epoch 3/" in resumed.stdout
    assert outcome(run) == outcome(never_interrupted(*STATEFUL))
    assert "model.dropout=0.3" in json.loads((run / "summary.json").read_text())["overrides"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "overrides",
    [
        ("scheduler=plateau", "scheduler.patience=0", "trainer.max_epochs=5"),
        ("scheduler=plateau", "trainer.accumulate_grad_batches=2", "trainer.max_epochs=4"),
        ("model=pspnet", "model.decoder_channels=8", "model.dropout=0.5", "trainer.max_epochs=4"),
        ("trainer.precision=bf16-mixed", "scheduler=cosine", "trainer.max_epochs=4"),
        ("optimizer=sgd", "callbacks=[none]", "data.workers=2", "trainer.max_epochs=4"),
        ("data.fold=1", "data.folds=3", "threshold=tune", "trainer.max_epochs=4"),
        ("trainer=ddp", "trainer.devices=2", "trainer.accelerator=cpu", "trainer.max_epochs=4"),
    ],
    ids=lambda overrides: " ".join(overrides[:2]),
)
def test_other_recipes_resume_too(
    start_training: "Train",
    commands: "Commands",
    never_interrupted: Callable[..., Path],
    tmp_path: Path,
    overrides: tuple[str, ...],
) -> None:
    run = tmp_path / "run"
    command = start_training(run, *overrides)
    command.wait_for_text("epoch 2/")
    command.send(signal.SIGKILL)
    command.wait()
    assert commands.run("train", f"resume={run}").rc == 0
    assert outcome(run) == outcome(never_interrupted(*overrides))


@pytest.mark.slow
def test_stopped_early_and_killed_while_its_files_are_written(
    start_training: "Train", commands: "Commands", tmp_path: Path
) -> None:
    overrides = (
        "callbacks=[early_stopping]",
        "callbacks.early_stopping.patience=1",
        # No epoch is better than the one before by as much as that.
        "callbacks.early_stopping.min_delta=1.0",
        "trainer.max_epochs=6",
    )
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert start_training(whole, *overrides).wait().rc == 0
    assert len(outcome(whole)["history"]) == 2
    die = "import os, humanseg.training.train as entry\n"
    die += "entry.evaluate_best = lambda *_: os.kill(os.getpid(), 9)"
    assert start_training(killed, *overrides, before=die).wait().rc == -signal.SIGKILL
    assert commands.run("train", f"resume={killed}").rc == 0
    assert outcome(killed) == outcome(whole)
    # More epochs were requested: it trains on, until early stopping stops it again.
    assert commands.run("train", f"resume={killed}", "trainer.max_epochs=8").rc == 0
    assert len(outcome(killed)["history"]) > 2


@pytest.fixture(scope="module")
def processor_seconds(
    start_training: "Train", tmp_path_factory: pytest.TempPathFactory
) -> tuple[float, float]:
    """Processor time that a training has used when it is about to begin, and at its end."""
    run = tmp_path_factory.mktemp("measured") / "run"
    command = start_training(run, *STATEFUL)
    command.wait_for_text("run  ")
    begin = end = command.seconds() or 0.0
    while not command.done:
        end = command.seconds() or end
        time.sleep(0.001)
    assert command.wait().rc == 0
    return begin, end


@pytest.mark.slow
@pytest.mark.parametrize("moment", range(9))
def test_killed_at_a_random_moment(
    start_training: "Train",
    commands: "Commands",
    never_interrupted: Callable[..., Path],
    processor_seconds: tuple[float, float],
    tmp_path: Path,
    moment: int,
) -> None:
    """Moments are spread over the run, and counted in processor time, whatever else continues."""
    run = tmp_path / "run"
    begin, end = processor_seconds
    share = (moment + random.Random(moment).random()) / 9
    command = start_training(run, *STATEFUL)
    command.kill_after(begin + share * (end - begin))
    command.wait()
    if not (run / "config.yaml").exists():
        # Killed before there was a run: the same command starts it.
        assert start_training(run, *STATEFUL).wait().rc == 0
    else:
        resumed = commands.run("train", f"resume={run}")
        assert resumed.rc == 0, resumed.stderr
    assert outcome(run) == outcome(never_interrupted(*STATEFUL))
    assert not list(run.rglob("*.partial"))


# Half a checkpoint is written, and then the process is gone.
DIE_IN_CHECKPOINT = """
import os, signal
from pathlib import Path
import humanseg.training.callbacks.checkpoints as checkpoints
whole_file, count = checkpoints.whole_file, 0

class Half:
    def __init__(self, file):
        self.file = file
    def __enter__(self):
        return self
    def __exit__(self, *_):
        self.file.close()
    def write(self, content):
        self.file.write(content[: len(content) // 2])
        self.file.flush()
        os.kill(os.getpid(), signal.SIGKILL)

class Dying:
    def __init__(self, path):
        self.path = path
    def open(self, mode):
        return Half(self.path.open(mode))

import contextlib

@contextlib.contextmanager
def dying(path):
    global count
    with whole_file(path) as partial:
        count += path.name == "{name}"
        yield Dying(partial) if count == {number} and path.name == "{name}" else partial

checkpoints.whole_file = dying
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "number"), [("best.ckpt", 1), ("last.ckpt", 1), ("last.ckpt", 3)], ids=str
)
def test_killed_while_a_checkpoint_is_written(
    start_training: "Train",
    commands: "Commands",
    never_interrupted: Callable[..., Path],
    tmp_path: Path,
    name: str,
    number: int,
) -> None:
    run = tmp_path / "run"
    die = DIE_IN_CHECKPOINT.replace("{name}", name).replace("{number}", str(number))
    assert start_training(run, *STATEFUL, before=die).wait().rc == -signal.SIGKILL
    (half,) = (run / "checkpoints").glob(".*.partial")
    assert half.stat().st_size > 0
    resumed = commands.run("train", f"resume={run}")
    assert resumed.rc == 0, resumed.stderr
    assert not half.exists()
    assert outcome(run) == outcome(never_interrupted(*STATEFUL))


@pytest.mark.slow
def test_one_seed_gives_the_same_bytes(
    start_training: "Train", never_interrupted: Callable[..., Path], tmp_path: Path
) -> None:
    again, other = tmp_path / "again", tmp_path / "other"
    # Batches do not depend on how many processes prepare them.
    assert start_training(again, *STATEFUL, "data.workers=2").wait().rc == 0
    assert start_training(other, *STATEFUL, "seed=1").wait().rc == 0
    assert outcome(again) == outcome(never_interrupted(*STATEFUL))
    assert outcome(other)["submission"] != outcome(again)["submission"]


def test_a_finished_run_goes_on_when_more_epochs_are_asked_for(
    commands: "Commands", own_run: Path
) -> None:
    before = outcome(own_run)
    same = commands.run("train", f"resume={own_run}")
    assert same.rc == 0, same.stderr
    assert outcome(own_run) == before
    longer = commands.run("train", f"resume={own_run}", "trainer.max_epochs=4")
    assert longer.rc == 0, longer.stderr
    assert "epoch 4/4" in longer.stdout and "epoch 3/" not in longer.stdout
    after = outcome(own_run)
    assert after["history"][:3] == before["history"] and len(after["history"]) == 4
    assert yaml.safe_load((own_run / "config.yaml").read_text())["trainer"]["max_epochs"] == 4
    fewer = commands.run("train", f"resume={own_run}", "trainer.max_epochs=2")
    assert fewer.rc == 2
    assert "has 4 epochs already" in fewer.stderr and fewer.stderr.count("\n") == 1
    assert outcome(own_run) == after


def test_a_run_in_use_is_not_resumed(
    start_training: "Train", commands: "Commands", tmp_path: Path
) -> None:
    run = tmp_path / "run"
    command = start_training(run, "trainer.max_epochs=1000")
    command.wait_for_text("epoch 1/")
    second = commands.run("train", f"resume={run}")
    again = start_training(run).wait()
    assert not command.done
    command.send(signal.SIGKILL)
    assert second.rc == again.rc == 2
    assert f"Process {command.pid} is working in {run}" in second.stderr
    assert f"already holds a run: continue with it by resume={run}" in again.stderr
    assert second.stderr.count("\n") == again.stderr.count("\n") == 1


def test_a_resumed_run_keeps_its_photos_and_its_config(
    start_training: "Train", commands: "Commands", own_data: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    assert start_training(run, f"data.root={own_data}", "trainer.max_epochs=1").wait().rc == 0
    other = commands.run("train", f"resume={run}", "optimizer.lr=1", "trainer.max_epochs=2")
    assert other.rc == 2 and "optimizer.lr=1" in other.stderr and "init_from=" in other.stderr
    summary = (run / "summary.json").read_text()
    (own_data / "pred_valid_template.csv").unlink()
    (own_data / "valid/8.jpg").unlink()
    (own_data / "valid_mask/8.png").unlink()
    changed = commands.run("train", f"resume={run}", "trainer.max_epochs=2")
    assert changed.rc == 3 and "have changed" in changed.stderr
    own_data.rename(own_data.with_name("moved"))
    gone = commands.run("train", f"resume={run}")
    assert gone.rc == 2 and "data.root=ROOT" in gone.stderr
    assert (run / "summary.json").read_text() == summary
