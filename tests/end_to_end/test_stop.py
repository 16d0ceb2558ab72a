"""Ctrl-C and SIGTERM: a training stops at once, says how to continue, and leaves nobody behind."""

import json
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.end_to_end.conftest import Train

TWO_DEVICES = ["trainer=ddp", "trainer.accelerator=cpu", "trainer.devices=2", "data.workers=1"]


@pytest.mark.parametrize(
    ("number", "rc", "group", "overrides"),
    [
        (signal.SIGINT, 130, True, ["data.workers=1"]),
        (signal.SIGTERM, 143, False, ["data.workers=1"]),
        pytest.param(signal.SIGINT, 130, False, ["data.workers=0"], marks=pytest.mark.slow),
        pytest.param(signal.SIGTERM, 143, True, ["data.workers=2"], marks=pytest.mark.slow),
        pytest.param(signal.SIGINT, 130, True, TWO_DEVICES, marks=pytest.mark.slow),
        pytest.param(signal.SIGTERM, 143, False, TWO_DEVICES, marks=pytest.mark.slow),
    ],
    ids=[
        "Ctrl-C",
        "SIGTERM",
        "SIGINT to one process",
        "SIGTERM to the group",
        "Ctrl-C on two devices",
        "SIGTERM on two devices",
    ],
)
def test_a_stopped_training_says_how_to_go_on(
    start_training: "Train",
    tmp_path: Path,
    number: signal.Signals,
    rc: int,
    group: bool,
    overrides: list[str],
) -> None:
    run = tmp_path / "run"
    command = start_training(run, *overrides, "trainer.max_epochs=1000")
    command.wait_for_text("epoch 2/1000")
    began = time.monotonic()
    command.send(number, group)
    done = command.wait()
    assert done.rc == rc
    assert f"humanseg train resume={run}" in done.stdout
    assert done.stderr == f"Stopped by {number.name}.\n"
    summary = json.loads((run / "summary.json").read_text())
    assert summary["status"] == "interrupted"
    assert number.name in summary["failure"]
    assert (run / "checkpoints/last.ckpt").exists()
    assert not (run / ".lock").exists() and not list(run.rglob("*.partial"))
    command.wait_for_nobody()
    assert time.monotonic() - began < 60


def test_ctrl_c_before_the_first_step_leaves_nothing(
    start_training: "Train", tmp_path: Path
) -> None:
    # Where photos are decoded, which takes a while.
    wait = "import time\nfrom humanseg.data.module import PhotoData\n"
    wait += "PhotoData.check = lambda self, move=None: (print('here', flush=True), time.sleep(300))"
    command = start_training(tmp_path / "run", before=wait)
    command.wait_for_text("here")
    command.send(signal.SIGINT)
    done = command.wait()
    assert (done.rc, done.stderr) == (130, "Stopped by SIGINT.\n")
    assert not list(tmp_path.iterdir())
