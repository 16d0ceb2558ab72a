"""Which loggers a run opens, and what keeps one from starting."""

import os
import sys
from pathlib import Path

import pytest
from hydra import compose as compose_config
from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from omegaconf import DictConfig, OmegaConf

from humanseg.config.find import conf_folder
from humanseg.errors import HumansegError
from humanseg.runs import RunFolder
from humanseg.runs.wandb import wandb_logs
from humanseg.training.hydra_app import run_app
from humanseg.training.loggers import check_loggers, open_loggers, wandb_note
from humanseg.training.request import resolve_config
from tests.training.loggers.conftest import summary_of


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
