from collections.abc import Callable
from pathlib import Path
from typing import Any

import hydra
import pytest
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from humanseg.config import conf_folder
from humanseg.errors import HumansegError
from humanseg.runs import RunFolder, open_run, read_summary, update_summary
from humanseg.training.request import Request, read_request

Ask = Callable[..., Request]


@pytest.fixture
def ask(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Ask:
    """What a command line asks for, given in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def given(*overrides: str) -> Request:
        GlobalHydra.instance().clear()
        with hydra.initialize_config_dir(str(conf_folder()), version_base="1.3"):
            config = hydra.compose("train", [*overrides], return_hydra_config=True)
        # As Hydra sets it for a job.
        holder: Any = HydraConfig.instance()
        monkeypatch.setattr(holder, "cfg", config)
        visible = OmegaConf.masked_copy(config, [str(key) for key in config if key != "hydra"])
        return read_request(visible)

    return given


@pytest.fixture
def run(tmp_path: Path, compose: Callable[..., DictConfig]) -> RunFolder:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    OmegaConf.save(compose("seed=7"), folder / "config.yaml")
    update_summary(folder / "summary.json", overrides=["seed=7"])
    return open_run(folder)


def test_paths_become_absolute(ask: Ask, tmp_path: Path) -> None:
    request = ask(
        "data.root=photos",
        "backbone=resnet18",
        "backbone.weights=net.safetensors",
        "init_from=runs/a",
        "teacher=[runs/b,/c]",
        "data.unlabelled=more",
    )
    assert request.config.teacher == [str(tmp_path / "runs/b"), "/c"]
    assert request.config.data.unlabelled == str(tmp_path / "more")
    assert ask("teacher=runs/b").config.teacher == str(tmp_path / "runs/b")
    assert request.config.data.root == str(tmp_path / "photos")
    assert request.config.backbone.weights == str(tmp_path / "net.safetensors")
    assert request.config.init_from == str(tmp_path / "runs/a")
    assert ask("init_from=[runs/a,/b]").config.init_from == [str(tmp_path / "runs/a"), "/b"]
    assert not request.resume


def test_words_stay_words(ask: Ask, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for word in ("none", "pretrained"):
        assert ask("backbone=resnet18", f"backbone.weights={word}").config.backbone.weights == word
    assert ask().config.init_from is None
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert ask("data.root='~/photos'").config.data.root == str(tmp_path / "home" / "photos")


def test_the_config_is_settled_and_without_hydra(ask: Ask) -> None:
    request = ask("+name_again=${seed}", "seed=3")
    assert OmegaConf.to_container(request.config, resolve=False)["name_again"] == 3  # type: ignore[index,call-overload]
    assert "hydra" not in request.config
    assert request.overrides[1:] == ["seed=3"]


def test_a_run_is_named_by_what_it_trains(ask: Ask) -> None:
    name = ask("model=pspnet", "backbone=resnet34").folder
    assert name.parent == Path("runs") and name.name.startswith("pspnet-resnet34-2")
    assert ask("experiment=seed_pspnet").folder.name.startswith("seed_pspnet-2")


def test_a_run_lies_where_it_is_told_to(ask: Ask, tmp_path: Path) -> None:
    assert ask("name=mine").folder == Path("runs/mine")
    assert ask("name=mine", "runs_dir=other").folder == Path("other/mine")
    assert ask("run_dir=here/run", "name=mine").folder == Path("here/run")


def test_two_runs_of_one_second_do_not_share_a_folder(
    ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.strftime", lambda _: "20300101-000000")
    first = ask().folder
    first.mkdir(parents=True)
    second = ask().folder
    second.mkdir()
    assert len({first, second, ask().folder}) == 3


def test_settings_of_a_sweep_are_refused_for_a_single_run(ask: Ask) -> None:
    with pytest.raises(HumansegError, match="sweep=mine is about a sweep.*add -m"):
        ask("sweep=mine")
    with pytest.raises(HumansegError, match="fresh=True is about a sweep"):
        ask("fresh=true")


def test_a_resumed_run_keeps_its_config(ask: Ask, run: RunFolder) -> None:
    request = ask(f"resume={run.path}", "trainer.max_epochs=9", "+trainer.max_time=00:01:00:00")
    assert request.resume and request.folder == run.path
    assert request.config.seed == 7 and request.config.backbone.widths == [4, 8]
    assert request.config.trainer.max_epochs == 9
    assert request.config.trainer.max_time == "00:01:00:00"


def test_a_resumed_run_still_says_how_it_was_started(ask: Ask, run: RunFolder) -> None:
    request = ask(f"resume={run.path}", "trainer.max_epochs=9")
    assert request.overrides == ["seed=7", "trainer.max_epochs=9"]
    assert read_summary(run.summary)["overrides"] == ["seed=7"]


@pytest.mark.parametrize(
    "override", ["optimizer.lr=1", "model=pspnet", "trainer=debug", "seed=1", "~trainer.devices"]
)
def test_nothing_but_the_trainer_changes_in_a_resumed_run(
    ask: Ask, run: RunFolder, override: str
) -> None:
    with pytest.raises(HumansegError, match=rf"only trainer\.\* may be changed, not {override}\."):
        ask(f"resume={run.path}", override)


def test_only_a_run_can_be_resumed(ask: Ask, tmp_path: Path) -> None:
    with pytest.raises(HumansegError, match="no folder nowhere"):
        ask("resume=nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(HumansegError, match="no config.yaml"):
        ask("resume=empty")
