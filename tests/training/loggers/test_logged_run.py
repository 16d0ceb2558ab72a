"""What a run logs, read back from wandb's own file by wandb's own tool."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from humanseg.compare.wandb.workspace import COLUMNS, CURVES
from humanseg.data.synthetic import write_sample
from humanseg.runs import RunFolder
from humanseg.runs.wandb import EPOCH, PREDICTIONS, wandb_id, wandb_logs
from tests.training.loggers.conftest import inspect, summary_of

TINY = [
    "trainer=debug",
    "trainer.accelerator=cpu",
    "threads=1",
    "model=light_unet",
    "backbone=plain",
    "backbone.widths=[4,4,4,4,4]",
    "model.decoder_channels=[4,4,4,4,4,4]",
    "augmentation=none",
    "scheduler=constant",
    "callbacks=none",
    "data.root=data",
    "data.batch_size=2",
    "data.workers=0",
    "save_onnx=false",
]


TRAINING = """
import json, os, sys
from humanseg.cli.main import main

tiny = json.loads(sys.argv[1])
before = dict(os.environ)
codes = [main(["train", *tiny, *more]) for more in json.loads(sys.argv[2])]
changed = {key for key, value in os.environ.items() if before.get(key) != value}
print(json.dumps({
    "codes": codes,
    "changed": sorted(changed),
}))
"""


def train_all(folder: Path, trainings: list[list[str]]) -> dict[str, Any]:
    """Run trainings in one fresh process, with an empty home and no key."""
    (folder / "home").mkdir(exist_ok=True)
    env = {key: value for key, value in os.environ.items() if not key.startswith("WANDB")}
    env |= {"HOME": str(folder / "home"), "MPLCONFIGDIR": str(folder / "matplotlib")}
    for name in ("NETRC", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"):
        env.pop(name, None)
    done = subprocess.run(
        [sys.executable, "-c", TRAINING, json.dumps(TINY), json.dumps(trainings)],
        cwd=folder,
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    said: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return said | {"stderr": done.stderr}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A run that ends well, one that fails, and more of the first: all in one process."""
    folder = tmp_path_factory.mktemp("loggers")
    write_sample(folder / "data", train=4, valid=3, test=1, size=(64, 48))
    said = train_all(
        folder,
        [
            ["run_dir=good", "logger=[csv,wandb,tensorboard]", "logger.wandb.tags=[first]"],
            ["run_dir=bad", "optimizer.lr=1e25", "trainer.gradient_clip_val=null"],
            ["run_dir=unkeyed", "logger=wandb", "logger.wandb.mode=online"],
        ],
    )
    return folder, said


def test_a_run_is_read_back(trained: tuple[Path, dict[str, Any]]) -> None:
    run = trained[0] / "good"
    (file,) = wandb_logs(RunFolder(run))
    back = summary_of(file)
    assert back["state"] == "finished" and back["exit_code"] == 0
    assert back["name"] == "good" and back["project"] == "humanseg" and back["tags"] == ["first"]
    assert back["config"]["model/_target_"] == "humanseg.models.LightUNet"
    # The name of an option, which says more than the classes in it.
    assert back["config"]["model"] == "light_unet" and back["config"]["loss"] == "bce_dice"
    assert back["config"]["data/batch_size"] == 2
    assert not [key for key, value in back["config"].items() if isinstance(value, dict) and value]
    summary = json.loads((run / "summary.json").read_text())
    for key in ("dice", "dice_at_half", "threshold", "best_epoch", "parameters"):
        assert back["summary"][key] == pytest.approx(summary[key]), key
    assert back["summary"]["val/dice"]["max"] == pytest.approx(summary["dice_at_half"], abs=1e-4)
    assert back["console"] == []


def test_each_epoch_has_its_dice(trained: tuple[Path, dict[str, Any]]) -> None:
    (file,) = wandb_logs(RunFolder(trained[0] / "good"))
    records = [json.loads(line) for line in inspect(file).splitlines()]
    rows = [record["history"]["item"] for record in records if record["type"] == "history"]
    assert [row["epoch"] for row in rows if "val/dice" in row] == [0, 1]
    assert [row["epoch"] for row in rows if "train/loss" in row] == [0, 1]


def test_all_that_the_dashboard_shows_is_logged(trained: tuple[Path, dict[str, Any]]) -> None:
    run = trained[0] / "good"
    (file,) = wandb_logs(RunFolder(run))
    records = [json.loads(line) for line in inspect(file).splitlines()]
    rows = [record["history"]["item"] for record in records if record["type"] == "history"]
    for curve in CURVES.values():
        assert [row[EPOCH] for row in rows if curve in row] == [0, 1], curve
    back = summary_of(file)
    assert set(COLUMNS) <= back["summary"].keys() and PREDICTIONS in back["summary"]
    assert wandb_id(RunFolder(run)) == back["run_id"]


def test_the_table_shows_predictions(trained: tuple[Path, dict[str, Any]]) -> None:
    run = trained[0] / "good"
    staged = (run / "wandb" / "data" / "artifacts" / "staging").iterdir()
    texts = [text for path in staged if path.is_file() and (text := path.read_bytes())[:1] == b"{"]
    # wandb stages the table more than once.
    table, *_ = [one for one in map(json.loads, texts) if one.get("_type") == "table"]
    assert table["columns"] == ["id", "kind", "dice", "photo"]
    assert [row[1] for row in table["data"]] == ["worst", "median", "best"]
    scores = {line.split(",")[0]: line.split(",")[1] for line in (run / "scores.csv").open()}
    for identity, _, dice, photo in table["data"]:
        assert dice == pytest.approx(float(scores[identity]), abs=1e-6)
        assert set(photo["masks"]) == {"prediction", "truth"}


def test_a_failed_run_is_marked_failed(trained: tuple[Path, dict[str, Any]]) -> None:
    folder, said = trained
    (file,) = wandb_logs(RunFolder(folder / "bad"))
    back = summary_of(file)
    assert said["codes"][:2] == [0, 2], said["stderr"]
    assert back["state"] == "failed" and back["exit_code"] == 1
    (good,) = wandb_logs(RunFolder(folder / "good"))
    assert file.stem != good.stem


def test_all_lies_in_the_folders_of_the_runs(trained: tuple[Path, dict[str, Any]]) -> None:
    folder, said = trained
    assert list((folder / "home").rglob("*")) == []
    assert {path.name for path in folder.iterdir()} & {"unkeyed", "wandb", "logs"} == set()
    for name in ("good", "bad"):
        assert (folder / name / "wandb" / "cache").is_dir()
    # wandb links its log into its cache, whatever it is told.
    links = {path.name for path in folder.rglob("*") if path.is_symlink()}
    assert links <= {"debug-core.log"}
    assert not [key for key in said["changed"] if key.startswith("WANDB")]


def test_online_without_a_key_is_refused_before_anything_is_written(
    trained: tuple[Path, dict[str, Any]],
) -> None:
    folder, said = trained
    assert said["codes"][2] == 2
    assert "wandb login" in said["stderr"].splitlines()[-1]
    assert not (folder / "unkeyed").exists()


def test_csv_and_tensorboard_write_in_logs(trained: tuple[Path, dict[str, Any]]) -> None:
    logs = trained[0] / "good" / "logs"
    assert sorted(path.name for path in logs.iterdir()) == ["csv", "tensorboard"]
    assert list(logs.glob("tensorboard/*/events.out.tfevents.*"))
    assert "val/dice" in next(logs.glob("csv/*/metrics.csv")).read_text()


@pytest.mark.slow
def test_a_resumed_run_keeps_its_id(tmp_path: Path) -> None:
    write_sample(tmp_path / "data", train=4, valid=3, test=1, size=(64, 48))
    train_all(tmp_path, [["run_dir=run", "logger=wandb"]])
    said = subprocess.run(
        [sys.executable, "-m", "humanseg", "train", "resume=run", "trainer.max_epochs=3"],
        cwd=tmp_path,
        check=False,
    )
    assert said.returncode == 0
    first, second = wandb_logs(RunFolder(tmp_path / "run"))
    assert first.name == second.name and first.parent != second.parent
    assert summary_of(second)["state"] == "finished"
