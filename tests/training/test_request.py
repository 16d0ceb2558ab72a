import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from omegaconf import DictConfig, OmegaConf

from humanseg.errors import HumansegError
from humanseg.runs import RunFolder, open_run, read_summary, update_summary
from humanseg.training import train as module
from humanseg.training.request import TrainRequest, resolve_config, without_effect

Ask = Callable[..., TrainRequest]


@pytest.fixture(autouse=True)
def in_an_empty_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def run(tmp_path: Path, compose: Callable[..., DictConfig]) -> RunFolder:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    OmegaConf.save(compose("seed=7"), folder / "config.yaml")
    update_summary(folder / "summary.json", overrides=["seed=7"])
    return open_run(folder)


def test_what_was_given_and_does_nothing_is_said(ask: Ask) -> None:
    words = ["distillation.weight=0.3", "data.folds=3"]
    assert without_effect(ask(*words)) == [
        "distillation.weight does nothing without distillation.teachers, which is null",
        "data.folds does nothing without data.fold, which is null",
    ]
    assert without_effect(ask(*words, "distillation.teachers=best", "data.fold=0")) == []
    assert without_effect(ask()) == without_effect(ask(*words, "stage=best/a")) == []


def test_paths_become_absolute(ask: Ask, tmp_path: Path) -> None:
    request = ask(
        "data.root=photos",
        "backbone=resnet18",
        "backbone.weights=net.safetensors",
        "init_from=runs/a",
        "distillation.teachers=[runs/b,/c]",
        "distillation.unlabelled_dir=more",
    )
    assert request.config.distillation.teachers == [str(tmp_path / "runs/b"), "/c"]
    assert request.config.distillation.unlabelled_dir == str(tmp_path / "more")
    assert ask("distillation.teachers=runs/b").config.distillation.teachers == str(
        tmp_path / "runs/b"
    )
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


def test_a_source_that_is_null_is_not_used(ask: Ask) -> None:
    config = ask("data=sources", "data.extra.ccp=null", "data.extra_valid.ccp=null").config
    assert "ccp" not in config.data.extra and "voc" in config.data.extra
    assert "ccp" not in config.data.extra_valid and "voc" in config.data.extra_valid
    # The same words for a stage of a recipe that has no sources.
    assert ask("++data.extra.ccp=null").config.data.extra is None
    # Without data, what is missing is reported with the other mistakes.
    assert "data" not in ask("~data").config


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
    # Photos are read for minutes before a run makes its folder: it may be taken by then.
    assert ask().numbered and ask("name=mine").numbered and not ask("run_dir=mine").numbered


def test_a_run_whose_folder_is_taken_while_it_reads_photos_has_another(
    ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_photos(request: TrainRequest) -> None:
        # Another run of the same second is done with that already.
        request.folder.mkdir(parents=True)
        (request.folder / "config.yaml").touch()

    monkeypatch.setattr(module, "setup", read_photos)
    monkeypatch.setattr(module, "_train", lambda request, run, *given: 0.5)
    folder, _ = module.train_request(ask("name=mine"))
    assert folder == Path("runs/mine-2").resolve() and folder.is_dir()
    with pytest.raises(HumansegError, match="already holds a run"):
        module.train_request(ask("run_dir=runs/here"))


def test_settings_of_a_sweep_are_refused_for_a_single_run(ask: Ask) -> None:
    with pytest.raises(HumansegError, match="sweep=mine is about a sweep.*add -m"):
        ask("sweep=mine")
    with pytest.raises(HumansegError, match="restart=True is about a sweep"):
        ask("restart=true")


def test_a_resumed_run_keeps_its_config(ask: Ask, run: RunFolder) -> None:
    request = ask(f"resume={run.path}", "trainer.max_epochs=9", "+trainer.max_time=00:01:00:00")
    assert request.resume and request.folder == run.path
    assert request.config.seed == 7 and request.config.backbone.widths == [4, 8]
    assert request.config.trainer.max_epochs == 9
    assert request.config.trainer.max_time == "00:01:00:00"


def test_the_chosen_options_are_named(ask: Ask) -> None:
    choices = ask("model=pspnet", "loss=dice").choices
    assert (choices["model"], choices["loss"], choices["optimizer"]) == ("pspnet", "dice", "adamw")
    assert not [group for group in choices if group.startswith("hydra")]


def test_a_resumed_run_keeps_its_choices(ask: Ask, run: RunFolder) -> None:
    assert ask(f"resume={run.path}").choices == {}
    update_summary(run.summary, choices={"model": "pspnet", "trainer": "cpu"})
    choices = ask(f"resume={run.path}", "trainer=fp32").choices
    assert choices == {"model": "pspnet", "trainer": "fp32"}


def test_a_resumed_run_still_says_how_it_was_started(ask: Ask, run: RunFolder) -> None:
    request = ask(f"resume={run.path}", "trainer.max_epochs=9")
    assert request.overrides == ["seed=7", "trainer.max_epochs=9"]
    assert read_summary(run.summary)["overrides"] == ["seed=7"]


@pytest.mark.parametrize(
    "override",
    [
        *("optimizer.lr=1", "model=pspnet", "seed=1", "~trainer.devices", "data.crop_size=[8,8]"),
        *("++callbacks.ema.decay=0.5", "augmentation=none", "name=other", "init_from=x"),
    ],
)
def test_what_would_make_it_another_run_is_not_changed(
    ask: Ask, run: RunFolder, override: str
) -> None:
    refused = re.escape(override.lstrip("+"))
    message = rf"only .*data\.root, .*trainer\.\* may be changed, not {refused}\. "
    with pytest.raises(HumansegError, match=message):
        ask(f"resume={run.path}", override, "trainer.max_epochs=9")


@pytest.mark.parametrize(
    ("override", "key", "value"),
    [
        ("data.workers=3", "data.workers", 3),
        ("data.cache=none", "data.cache", "none"),
        ("data.cache_gb=1", "data.cache_gb", 1),
        ("threads=3", "threads", 3),
        ("channels_last=true", "channels_last", True),
        ("logger=[tensorboard]", "logger", ["tensorboard"]),
        ("++logger.wandb.project=mine", "logger.wandb.project", "mine"),
        ("++trainer.enable_progress_bar=false", "trainer.enable_progress_bar", False),
        ("trainer.accelerator=gpu", "trainer.accelerator", "gpu"),
    ],
)
def test_what_does_not_sway_the_result_is_free(
    ask: Ask, run: RunFolder, override: str, key: str, value: Any
) -> None:
    request = ask(f"resume={run.path}", override)
    found = OmegaConf.select(request.config, key)
    assert (list(found) if key == "logger" else found) == value
    assert request.changed == {}
    assert request.config.seed == 7 and "_target_" in request.config.trainer


def test_photos_may_lie_elsewhere(ask: Ask, run: RunFolder, tmp_path: Path) -> None:
    request = ask(f"resume={run.path}", "data.root=moved", "data.workers=2")
    assert request.config.data.root == str(tmp_path / "moved")
    assert request.changed == {}


def test_what_sways_the_result_is_known_to_have_changed(ask: Ask, run: RunFolder) -> None:
    before = OmegaConf.load(run.config).data.batch_size
    changes = ("data.batch_size=9", "trainer.gradient_clip_val=5", "data.workers=2")
    request = ask(f"resume={run.path}", *changes)
    assert request.changed == {
        "data.batch_size": [before, 9],
        "trainer.gradient_clip_val": [1.0, 5],
    }
    assert request.overrides == ["seed=7", *changes]
    # Where nothing is left to train, it did not have those.
    assert request.idle is not None
    assert request.idle.overrides == ["seed=7", "data.workers=2"]
    assert request.idle.config.data.batch_size == before


def test_another_device_by_its_option(ask: Ask, run: RunFolder) -> None:
    ddp = ask(f"resume={run.path}", "trainer=ddp", "trainer.devices=3")
    assert (ddp.config.trainer.strategy, ddp.config.trainer.devices) == ("ddp", 3)
    OmegaConf.save(ddp.config, run.config)
    before = ddp.config.trainer.max_epochs
    cpu = ask(f"resume={run.path}", "trainer=cpu").config.trainer
    assert (cpu.accelerator, cpu.devices, cpu.max_epochs) == ("cpu", 1, before)
    assert "strategy" not in cpu and "sync_batchnorm" not in cpu
    assert ask(f"resume={run.path}", "trainer=fp32").config.trainer.precision == "32-true"
    assert ask(f"resume={run.path}", "trainer=debug").config.trainer.limit_train_batches == 2


def test_early_stopping_may_come_and_go(ask: Ask, run: RunFolder) -> None:
    named = list(OmegaConf.load(run.config).callbacks)
    options = ",".join([*named, "early_stopping"])
    come = ask(
        f"resume={run.path}", f"callbacks=[{options}]", "callbacks.early_stopping.patience=4"
    )
    assert come.config.callbacks.early_stopping.patience == 4
    assert come.changed == {"callbacks.early_stopping": [None, "on"]}
    OmegaConf.save(come.config, run.config)
    longer = ask(f"resume={run.path}", "++callbacks.early_stopping.patience=5")
    assert longer.changed == {"callbacks.early_stopping.patience": [4, 5]}
    assert "_target_" in longer.config.callbacks.early_stopping
    gone = ask(f"resume={run.path}", f"callbacks=[{','.join(named) or 'none'}]")
    assert gone.changed == {"callbacks.early_stopping": ["on", None]}
    other = "ema" if "ema" not in named else "none"
    with pytest.raises(HumansegError, match="only early_stopping may be added or removed"):
        ask(f"resume={run.path}", f"callbacks=[{other}]")


def test_only_a_run_can_be_resumed(ask: Ask, tmp_path: Path) -> None:
    with pytest.raises(HumansegError, match="no folder nowhere"):
        ask("resume=nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(HumansegError, match="no config.yaml"):
        ask("resume=empty")


def test_a_run_is_not_resumed_from_its_best_checkpoint(ask: Ask, run: RunFolder) -> None:
    run.best.parent.mkdir()
    run.best.touch()
    run.last.touch()
    with pytest.raises(HumansegError, match=f"init_from={run.best}"):
        ask(f"resume={run.best}")
    assert ask(f"resume={run.last}").folder == run.path


@pytest.mark.parametrize(
    "experiment",
    [
        "best",
        "best_from_scratch",
        "best_pspnet",
        "tiny",
        "unet_lite2_finetune",
        "unet_plain_finetune",
    ],
)
def test_a_later_step_asks_for_the_run_before_it(
    experiment: str, compose: Callable[..., DictConfig], tmp_path: Path
) -> None:
    with pytest.raises(HumansegError, match="init_from=RUN"):
        resolve_config(compose(f"experiment={experiment}"))
    assert resolve_config(compose(f"experiment={experiment}", "init_from=none")).init_from is None
    given = resolve_config(compose(f"experiment={experiment}", f"init_from={tmp_path}"))
    assert given.init_from == str(tmp_path)


@pytest.mark.parametrize("experiment", ["unet_lite0", "seed_pspnet", "unet_plain_pretrain"])
def test_a_first_step_starts_alone(experiment: str, compose: Callable[..., DictConfig]) -> None:
    assert resolve_config(compose(f"experiment={experiment}")).init_from is None
