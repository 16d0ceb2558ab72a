"""Several devices in one run, here processes on the CPU: all of it happens once."""

import csv
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from omegaconf import OmegaConf

from tests.end_to_end.conftest import SMALLEST

if TYPE_CHECKING:
    from tests.end_to_end.conftest import Commands, Train

pytestmark = pytest.mark.slow

TWO = ("trainer=ddp", "trainer.accelerator=cpu", "trainer.devices=2", "threads=2")


def files_of(run: Path) -> list[str]:
    return sorted(str(path.relative_to(run)) for path in run.rglob("*") if path.is_file())


def test_a_run_on_two_devices_leaves_what_one_leaves(
    start_training: "Train", commands: "Commands", finished_run: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    done = start_training(run, *TWO, "trainer.max_epochs=3").wait()
    assert (done.rc, done.stderr) == (0, ""), done.stderr
    assert files_of(run) == files_of(finished_run)
    said = [done.stdout.count(text) for text in ("epoch 1/3", "epoch 3/3", "Writing the files")]
    assert said == [1, 1, 1]
    assert "2 processes, each cpu" in done.stdout

    summary = json.loads((run / "summary.json").read_text())
    with (run / "history.csv").open(newline="") as file:
        history = list(csv.DictReader(file))
    assert [row["epoch"] for row in history] == ["1", "2", "3"]
    # What both found together while they trained, and one alone afterwards.
    best = history[summary["best_epoch"] - 1]
    assert float(best["val_dice"]) == pytest.approx(summary["dice_at_half"], abs=1e-6)
    assert float(best["val_dice"]) == max(float(row["val_dice"]) for row in history)
    with (run / "scores.csv").open(newline="") as file:
        assert [row["id"] for row in csv.DictReader(file)] == ["6", "7", "8"]
    again = commands.run("evaluate", run)
    found = re.search(r"^dice\s+([\d.]+)", again.stdout, re.MULTILINE)
    assert found and float(found[1]) == pytest.approx(summary["dice"], abs=1e-6)


def torchrun(node: int, port: int) -> tuple[list[str], dict[str, str]]:
    agent = [f"--node-rank={node}", "--master-addr=127.0.0.1", f"--master-port={port}"]
    return ["-m", "torch.distributed.run", "--nnodes=2", "--nproc-per-node=1", *agent], {}


def srun(node: int, port: int) -> tuple[list[str], dict[str, str]]:
    counts = dict.fromkeys(("NTASKS", "STEP_NUM_TASKS", "NNODES"), "2") | {"NTASKS_PER_NODE": "1"}
    place = {"PROCID": str(node), "NODEID": str(node), "LOCALID": "0", "JOB_ID": "7"}
    job = {f"SLURM_{name}": value for name, value in (counts | place).items()}
    return [], job | {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}


Launcher = Callable[[int, int], tuple[list[str], dict[str, str]]]


def start_two_machines(
    launcher: Launcher, folder: Path, data: Path, epochs: int
) -> list[subprocess.Popen[str]]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = [*SMALLEST, "trainer=ddp", "trainer.accelerator=cpu", "trainer.devices=1"]
    words += ["trainer.num_nodes=2", f"trainer.max_epochs={epochs}", f"data.root={data}"]
    nodes = []
    for node in range(2):
        before, environment = launcher(node, port)
        # The name of the run is made of the time: the first process tells the other.
        nodes.append(
            subprocess.Popen(
                [sys.executable, *before, "-m", "humanseg", "train", *words],
                cwd=folder,
                env=os.environ | environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
    return nodes


@pytest.mark.parametrize("launcher", [torchrun, srun])
def test_two_machines_leave_what_one_leaves(
    launcher: Launcher, finished_run: Path, sample_root: Path, tmp_path: Path
) -> None:
    nodes = start_two_machines(launcher, tmp_path, sample_root, epochs=3)
    (said, error), (silent, other_error) = (node.communicate(timeout=600) for node in nodes)
    assert [node.returncode for node in nodes] == [0, 0], error + other_error
    assert "2 processes on 2 machines, each cpu" in said and silent == ""
    (run,) = (tmp_path / "runs").iterdir()
    assert files_of(run) == files_of(finished_run)
    summary, alone = (json.loads((one / "summary.json").read_text()) for one in (run, finished_run))
    assert (summary["status"], summary.keys()) == ("finished", alone.keys())
    with (run / "history.csv").open(newline="") as file:
        history = list(csv.DictReader(file))
    assert [row["epoch"] for row in history] == ["1", "2", "3"]
    best = float(history[summary["best_epoch"] - 1]["val_dice"])
    assert best == pytest.approx(summary["dice_at_half"], abs=1e-6)


def test_a_machine_that_is_stopped_leaves_a_run_to_go_on_with(
    sample_root: Path, tmp_path: Path
) -> None:
    first, second = start_two_machines(srun, tmp_path, sample_root, epochs=1000)
    assert first.stdout is not None
    # In the middle of an epoch the other one waits for its gradients.
    while "epoch 2/" not in (line := first.stdout.readline()):
        assert line, first.communicate()
    first.send_signal(signal.SIGTERM)
    said, error = first.communicate(timeout=600)
    assert (first.returncode, error) == (143, "Stopped by SIGTERM.\n")
    (run,) = (tmp_path / "runs").iterdir()
    assert f"humanseg train resume={run}" in said
    assert json.loads((run / "summary.json").read_text())["status"] == "interrupted"
    _, error = second.communicate(timeout=600)
    assert second.returncode == 2 and error == (
        "Another process of this training has ended: what it printed says why.\n"
    )


def validate(run: Path, devices: int, folder: Path) -> dict[str, float]:
    """Score a run's best checkpoint as a training does, and note who has scored what."""
    from torchmetrics.utilities.data import dim_zero_cat

    from humanseg.evaluation.data import data_of
    from humanseg.metrics.per_photo import _unpack
    from humanseg.models.checkpoint import load_segmenter
    from humanseg.runs import open_run
    from humanseg.system.terminal import quieten
    from humanseg.training.machine.hardware import choose_hardware
    from humanseg.training.module import SegmentationModule
    from humanseg.training.trainer import build_trainer

    quieten()
    segmenter, config = load_segmenter(open_run(run))
    module = SegmentationModule(segmenter)
    config.trainer.devices, config.trainer.strategy = devices, "auto" if devices == 1 else "ddp"
    trainer = build_trainer(config, choose_hardware("cpu", "32-true"), [])
    trainer.validate(module, datamodule=data_of(config), verbose=False)
    flat = dim_zero_cat(module.valid_scores.photos).numpy()
    ids = list(_unpack(flat, len(module.valid_scores.thresholds)))
    (folder / os.environ.get("LOCAL_RANK", "alone")).write_text(json.dumps(ids))
    return {name: float(value) for name, value in trainer.callback_metrics.items()}


def test_one_checkpoint_has_one_dice_on_any_number_of_devices(
    finished_run: Path, tmp_path: Path
) -> None:
    from humanseg.training.machine.hardware import choose_hardware
    from humanseg.training.machine.launch import launch

    alone = validate(finished_run, 1, tmp_path)
    two = replace(choose_hardware("cpu", "32-true", threads=2), processes=2)
    devices = OmegaConf.create({"devices": 2})
    together = launch(validate, devices, two, finished_run, 2, tmp_path)
    assert alone["val/dice"] > 0
    assert together == alone
    assert {path.name: json.loads(path.read_text()) for path in tmp_path.iterdir()} == {
        "alone": ["6", "7", "8"],
        "0": ["6", "8"],
        "1": ["7"],
    }


def test_what_goes_wrong_on_a_device_is_said_in_a_sentence(
    start_training: "Train", tmp_path: Path
) -> None:
    run = tmp_path / "run"
    wild = ("optimizer=sgd", "optimizer.lr=1e30", "trainer.gradient_clip_val=null")
    command = start_training(run, *TWO, *wild, "trainer.max_epochs=5")
    done = command.wait()
    assert done.rc == 2
    assert "The training loss became" in done.stderr and done.stderr.count("\n") == 1
    summary = json.loads((run / "summary.json").read_text())
    assert summary["status"] == "failed" and "loss became" in summary["failure"]
    command.wait_for_nobody()
