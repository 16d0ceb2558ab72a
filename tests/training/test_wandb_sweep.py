"""A sweep that wandb steers: its shipped file, expanded as wandb's agent does."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra

from humanseg.config.command_line.overrides import hydra_words
from humanseg.config.find import conf_folder
from humanseg.training.loggers import WandbRun

SWEEP = conf_folder() / "wandb_sweep.yaml"


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """The command line that an agent starts, with one value of each parameter."""
    from wandb import wandb_agent

    sweep = yaml.safe_load(SWEEP.read_text(encoding="utf-8"))
    started: list[list[str]] = []

    def record(command: list[str], **others: Any) -> Any:
        started.append(command)
        return type("Process", (), {})()

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WANDB_SWEEP_ID", "sweep")
    # It sets them for its runs; they go with the test.
    monkeypatch.setenv("WANDB_RUN_ID", "")
    monkeypatch.setenv("WANDB_SWEEP_PARAM_PATH", "")
    monkeypatch.setattr(wandb_agent, "AgentProcess", record)
    agent = wandb_agent.Agent(api=None, queue=None)
    agent._sweep_command = sweep["command"]
    values = {
        name: {"value": node["values"][-1] if "values" in node else node["min"]}
        for name, node in sweep["parameters"].items()
    }
    agent._command_run({"run_id": "planned", "program": sweep["program"], "args": values})
    return started[0]


def test_the_shipped_sweep_starts_trainings_with_overrides_that_compose(
    command: list[str],
) -> None:
    assert command[:3] == ["/usr/bin/env", "humanseg", "train"]
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(conf_folder()), version_base="1.3"):
        config = compose("train", list(hydra_words(command[3:])))
    assert config.optimizer.lr == 0.0005 and config.data.batch_size == 16
    assert config.logger.wandb.mode == "online" and config.data.root == "photos"
    assert config.loss == compose_loss("boundary_dice")


def compose_loss(name: str) -> Any:
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(conf_folder()), version_base="1.3"):
        return compose("train", [f"loss={name}", "data.root=x"]).loss


def test_its_metric_is_one_that_a_run_has_at_its_end() -> None:
    from humanseg.runs.wandb import SUMMARY

    sweep = yaml.safe_load(SWEEP.read_text(encoding="utf-8"))
    assert sweep["metric"]["name"] in SUMMARY and sweep["metric"]["goal"] == "maximize"


def test_a_run_of_an_agent_is_the_one_that_wandb_has_planned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANDB_RUN_ID", "planned")
    monkeypatch.setenv("WANDB_PROJECT", "theirs")
    assert WandbRun(str(tmp_path)).version != "planned"
    monkeypatch.setenv("WANDB_SWEEP_ID", "sweep")
    run = WandbRun(str(tmp_path), project="mine")
    assert run.version == "planned" and run.name == "theirs"
