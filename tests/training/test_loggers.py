"""What a run logs, read back from wandb's own file by wandb's own tool."""

import json
import multiprocessing
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hydra import compose as compose_config
from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from omegaconf import DictConfig, OmegaConf

from humanseg.compare.wandb import COLUMNS, CURVES
from humanseg.config.find import conf_folder
from humanseg.data.synthetic import write_sample
from humanseg.errors import HumansegError
from humanseg.evaluation.prediction_table import ExamplePrediction
from humanseg.runs import RunFolder
from humanseg.runs.wandb import EPOCH, PREDICTIONS, wandb_id, wandb_logs
from humanseg.training.hydra_app import run_app
from humanseg.training.loggers import WandbRun, check_loggers, open_loggers, wandb_note
from humanseg.training.loggers.wandb import files_of
from humanseg.training.request import resolve_config

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
    "loaded": sorted({name.split(".")[0] for name in sys.modules}),
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


def inspect(file: Path, *flags: str) -> str:
    command = [sys.executable, "-m", "wandb", "leet", "inspect", *flags, "--json", str(file)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def summary_of(file: Path) -> dict[str, Any]:
    summary: dict[str, Any] = json.loads(inspect(file, "--summary"))
    return summary


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


def test_wandb_is_not_imported_unless_used(trained: tuple[Path, dict[str, Any]]) -> None:
    few = [["run_dir=none", "logger=none"], ["run_dir=plain", "logger=[csv]"]]
    said = train_all(trained[0], few)
    assert said["codes"] == [0, 0] and "wandb" not in said["loaded"]
    assert not (trained[0] / "none" / "logs").exists()


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


@pytest.fixture
def no_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.delenv("WANDB_API_KEY", raising=False)


ONLINE = OmegaConf.create(
    {
        "logger": {
            "wandb": {
                "_target_": "humanseg.training.loggers.WandbRun",
                "_partial_": True,
                "mode": "online",
            }
        }
    }
)


def test_a_key_is_enough_to_be_online(no_key: None, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(HumansegError, match="WANDB_API_KEY"):
        check_loggers(ONLINE)
    monkeypatch.setenv("WANDB_API_KEY", "0" * 40)
    monkeypatch.setattr("humanseg.training.loggers.opening.unreachable", lambda address: "")
    check_loggers(ONLINE)


def test_what_keeps_wandb_from_starting_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "wandb", None)
    offline = ONLINE.copy()
    offline.logger.wandb.mode = "offline"
    with (
        pytest.raises(HumansegError, match=r"logger=\[csv\]"),
        open_loggers(offline, RunFolder(tmp_path)),
    ):
        pytest.fail("started without wandb")


def test_a_training_survives_its_log(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def fail(row: Any) -> None:
        raise ConnectionError("the service is gone")

    logger = WandbRun(str(tmp_path))
    logger._run = SimpleNamespace(log=fail)
    logger.log_metrics({"val/dice": 0.5}, 1)
    logger.log_metrics({"val/dice": 0.6}, 2)
    assert capsys.readouterr().err.count("the service is gone") == 1


def test_a_user_without_a_home_folder_can_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def home() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setenv("HOME", "/mine")
    logger = WandbRun(str(tmp_path))
    seen: list[str] = []
    logger._run = SimpleNamespace(log=lambda row: seen.append(os.environ["HOME"]))
    logger.log_metrics({"val/dice": 0.5}, 1)
    monkeypatch.setattr(Path, "home", home)
    logger.log_metrics({"val/dice": 0.6}, 2)
    assert seen == ["/mine", str(tmp_path / "wandb")]


def test_an_upload_that_does_not_end_is_left_to_wandb_sync(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "wandb/run-20300101_000000-x/run-x.wandb"
    log.parent.mkdir(parents=True)
    log.touch()
    logger = WandbRun(str(tmp_path), mode="online")
    ends: list[int] = []
    logger._run = SimpleNamespace(
        summary=SimpleNamespace(update=lambda values: None),
        finish=lambda exit_code: ends.append(exit_code),
        _finish_timed_out=True,
    )
    logger.close(RunFolder(tmp_path), failed=True)
    assert ends == [1] and f"wandb sync {log.parent}\n" in capsys.readouterr().out


def test_the_artifact_holds_the_files_of_a_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANDB_DATA_DIR", str(tmp_path / "staging"))
    monkeypatch.setenv("WANDB_CACHE_DIR", str(tmp_path / "cache"))
    run = RunFolder(tmp_path / "run")
    names = ["config.yaml", "checkpoints/best.ckpt", "test.html", "test/1_img.jpg"]
    for name in [*names, "checkpoints/last.ckpt", "logs/x", "wandb/x", ".lock"]:
        path = run.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    assert sorted(files_of(run, "abc").manifest.entries) == sorted(names)
    assert not (tmp_path / "cache").exists()


def log_from_afar(logger: WandbRun) -> None:
    logger.log_metrics({"val/dice": 0.75}, 7)


@pytest.mark.slow
def test_a_spawned_process_logs_into_the_same_run(tmp_path: Path) -> None:
    logger, run = WandbRun(str(tmp_path)), RunFolder(tmp_path)
    picture = np.zeros((8, 8, 3), np.uint8)
    logger.log_hyperparams({"seed": 0})
    process = multiprocessing.get_context("spawn").Process(target=log_from_afar, args=(logger,))
    process.start()
    process.join()
    assert process.exitcode == 0
    # A name that is not Unicode comes through too.
    mask = picture[..., 0]
    logger.log_samples([ExamplePrediction("\udcff", 1.0, picture, mask, mask, "worst")])
    logger.close(run, failed=False)
    (file,) = wandb_logs(RunFolder(tmp_path))
    back = summary_of(file)
    assert back["summary"]["val/dice"]["max"] == 0.75 and back["state"] == "finished"
    assert back["summary"]["predictions"]["nrows"] == 1


def logged_with(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], *overrides: str
) -> DictConfig:
    """Compose a config with variables of wandb in the environment, as a run keeps it."""
    for name in [name for name in os.environ if name.startswith("WANDB")]:
        monkeypatch.delenv(name)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(conf_folder()), version_base="1.3"):
        return resolve_config(compose_config("train", ["logger=[wandb]", *overrides]))


VARIABLES = {
    "WANDB_PROJECT": "mine",
    "WANDB_ENTITY": "team",
    "WANDB_RUN_GROUP": "first",
    "WANDB_NAME": "named",
    "WANDB_TAGS": "one, two",
}


def test_variables_of_wandb_hold_where_nothing_else_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = logged_with(monkeypatch, VARIABLES, "logger.wandb.tags=[own]")
    assert (config.logger.wandb.project, config.logger.wandb.entity) == ("mine", "team")
    with open_loggers(config, RunFolder(tmp_path / "run")):
        pass
    (file,) = wandb_logs(RunFolder(tmp_path / "run"))
    back = summary_of(file)
    assert (back["project"], back["entity"], back["name"]) == ("mine", "team", "named")
    assert back["tags"] == ["own", "one", "two"]
    given = logged_with(monkeypatch, VARIABLES, "logger.wandb.project=other")
    assert given.logger.wandb.project == "other"


def test_a_variable_of_wandb_that_is_empty_is_none(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("WANDB_MODE", "WANDB_PROJECT", "WANDB_RUN_GROUP"):
        monkeypatch.setenv(name, "")
    run_app(["logger=[wandb]", "--cfg", "job", "--resolve", "--package", "logger.wandb"])
    shown = OmegaConf.create(capsys.readouterr().out)
    assert (shown.mode, shown.project, shown.group) == ("offline", "humanseg", None)
    assert "WANDB_MODE" not in os.environ


@pytest.mark.parametrize(
    ("variables", "overrides"),
    [
        ({"WANDB_MODE": "disabled"}, []),
        ({"WANDB_DISABLED": "true"}, []),
        ({}, ["logger.wandb.mode=disabled"]),
    ],
)
def test_wandb_can_be_switched_off(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    variables: dict[str, str],
    overrides: list[str],
) -> None:
    config = logged_with(monkeypatch, variables, *overrides)
    check_loggers(config)
    with open_loggers(config, RunFolder(tmp_path / "run")) as loggers:
        assert loggers == []
    assert not (tmp_path / "run").exists()


def test_wandb_online_by_its_variable_needs_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    config = logged_with(monkeypatch, {"WANDB_MODE": "online"})
    monkeypatch.setattr("humanseg.training.loggers.opening.has_wandb_key", lambda: False)
    with pytest.raises(HumansegError, match="WANDB_API_KEY"):
        check_loggers(config)


def test_variables_of_wandb_that_a_run_does_not_follow_are_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    config = logged_with(monkeypatch, {"WANDB_DIR": "/elsewhere"})
    assert "WANDB_DIR not followed" in wandb_note(config)
    assert wandb_note(logged_with(monkeypatch, {"WANDB_PROJECT": "mine"})) == ""
    assert not wandb_note(logged_with(monkeypatch, {"WANDB_DIR": "/x", "WANDB_MODE": "disabled"}))
