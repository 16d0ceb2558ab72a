import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from omegaconf import DictConfig, OmegaConf

from humanseg.config.checking.check import NAMED, RUNTIME, check_config, find_mistakes
from humanseg.config.find import conf_folder
from humanseg.config.settings import plain_groups, top_level
from humanseg.errors import HumansegError

Compose = Callable[..., DictConfig]


def test_the_defaults_have_no_mistakes(composed: Compose) -> None:
    assert find_mistakes(composed()) == []


@pytest.mark.parametrize(
    ("override", "mistake"),
    [
        ("+optimizer.lr_=1", "optimizer.lr_: unknown, did you mean lr?"),
        ("optimizer.lr='0.1'", "optimizer.lr: '0.1' is not a number"),
        ("optimizer.betas=[0.9]", "optimizer.betas: [0.9] is not a list of 2"),
        ("seed=half", "seed: 'half' is not a whole number"),
        ("seed=1.5", "seed: 1.5 is not a whole number"),
        ("tta=1", "tta: 1 is not true or false"),
        ("threshold=tuned", "threshold: 'tuned' is not a number above 0 and below 1 or tune, "
         "did you mean tune?"),
        ("+sede=1", "sede: unknown, did you mean seed?"),
        ("+distillation.teacher=a", "distillation.teacher: unknown, did you mean teachers?"),
        ("+optimiser.lr=1", "optimiser: unknown, did you mean optimizer?"),
        ("data.resize_mode=resise", "data.resize_mode: 'resise' is not resize or crop or pad, "),
        ("data.root=???", "data.root: has no value, give it one with data.root=..."),
        ("~data.root", "data.root: missing, humanseg.data.module.PhotoData needs it"),
        ("+data.seed=3", "data.seed: is set by humanseg itself, remove it"),
        ("+model.backbone=x", "model.backbone: is set by humanseg itself, remove it"),
        ("+model.decoder_chanels=[1]", "model.decoder_chanels: unknown, did you mean decoder_"),
        ("model.decoder_channels=16", "model.decoder_channels: 16 is not a list of one or more ("),
        ("trainer.max_epochs=3.5", "trainer.max_epochs: 3.5 is not a whole number or null"),
        ("+trainer.max_epoch=3", "trainer.max_epoch: unknown, did you mean max_epochs?"),
        ("+trainer.logger=false", "trainer.logger: is set by humanseg itself, remove it"),
        ("+callbacks.emma.decay=0.9", "callbacks.emma: has no _target_, did you mean ema?"),
        ("+callbacks.ema.dekay=0.9", "callbacks.ema.dekay: unknown, did you mean decay?"),
        ("loss.losses.0._target_=humanseg.losses.BceLoss", "loss.losses[0]._target_: humanseg."
         "losses.BceLoss does not exist, did you mean humanseg.losses.BCELoss"),
        ("+loss.losses.1.smoth=1", "loss.losses[1].smoth: unknown"),
        ("loss._target_=torch.optim.Adam", "loss._target_: torch.optim.Adam is no Module, as"),
        ("optimizer._target_=torch.optim.AdamW", "optimizer._target_: torch.optim.AdamW is no"),
        ("loss._target_=os.system", "loss._target_: os.system is not of a package that a config"),
        ("augmentation.transforms.0.p='0.5'", "augmentation.transforms[0].p: '0.5' is not a"),
        ("+augmentation.transforms.0.pp=1", "augmentation.transforms[0].pp: unknown, did you mean"),
        ("model=null", "model: has no _target_"),
        ("~scheduler", "scheduler: missing"),
        ("callbacks=3", "callbacks: is not a mapping of named objects"),
        ("backbone.name=${nowhere}", "backbone.name: Interpolation key 'nowhere' not found"),
        ("eval_mirrored=true", "eval_mirrored needs the sizes"),
    ],
)  # fmt: skip
def test_each_kind_of_mistake_is_named_by_its_key(
    composed: Compose, override: str, mistake: str
) -> None:
    # Written into the composed config, as an experiment file would: Hydra looks at neither.
    config = composed()
    OmegaConf.set_struct(config, False)
    key, _, text = override.lstrip("+~").partition("=")
    if override.startswith("~"):
        parent, _, name = key.rpartition(".")
        del (OmegaConf.select(config, parent) if parent else config)[name]
    else:
        OmegaConf.update(config, key, yaml.safe_load(text))
    mistakes = find_mistakes(config)
    assert len(mistakes) == 1 and mistakes[0].startswith(mistake), mistakes


@pytest.mark.parametrize(
    ("override", "range_"),
    [
        ("seed=-1", "of at least 0"),
        ("seed=4294967296", "below 4294967296"),
        ("threshold=0", "above 0 and below 1"),
        ("threshold=1", "above 0 and below 1"),
        ("eval_size=7", "from 16 to 16384"),
        ("eval_size=[256,7]", "from 16 to 16384"),
        ("eval_size=[]", "a list of one or more"),
        ("eval_mirrored=[]", "a list of one or more"),
        ("auxiliary_weight=.inf", "of at least 0"),
        ("distillation.weight=1.1", "from 0 to 1"),
        ("threads=0", "from 1 to 1024"),
        ("trial=-1", "of at least 0"),
        ("runs_dir=''", "that is not empty"),
        ("init_from=['']", "that is not empty"),
        ("data.root=''", "that is not empty"),
        ("data.batch_size=0", "of at least 1"),
        ("data.crop_size=[7,64]", "from 16 to 16384"),
        ("data.crop_size=[64]", "a list of 2"),
        ("data.train_size=7", "from 16 to 16384"),
        ("data.train_size=1000000", "from 16 to 16384"),
        ("data.workers=-3", "from 0 to 256"),
        ("data.cache_gb=-1", "of at least 0"),
        ("data.cache_gb=.nan", "of at least 0"),
        ("data.fold=-1", "of at least 0"),
        ("data.folds=1", "of at least 2"),
        ("data.min_component_area=-1", "of at least 0"),
        ("distillation.min_confidence=1.5", "from 0 to 1"),
        ("model.dropout=1", "below 1"),
        ("backbone.dropout=-0.1", "of at least 0"),
        ("trainer.max_epochs=0", "of at least 1"),
        ("trainer.accumulate_grad_batches=0", "of at least 1"),
        ("trainer.gradient_clip_val=-1", "of at least 0"),
    ],
)
def test_a_value_out_of_its_range_is_named_with_the_range(
    composed: Compose, override: str, range_: str
) -> None:
    config = composed()
    key, _, text = override.partition("=")
    OmegaConf.update(config, key, yaml.safe_load(text))
    (mistake,) = find_mistakes(config)
    assert mistake.startswith(key) and range_ in mistake


def test_all_mistakes_are_named_at_once_and_fast(composed: Compose) -> None:
    config = composed()
    check_config(config)  # imports what the targets need
    OmegaConf.set_struct(config, False)
    changes: dict[str, Any] = {
        "sede": 1, "optimizer.lr": "fast", "trainer.max_epoch": 3, "backbone.strid": 8,
        "augmentation.transforms.0.q": 1, "callbacks.ema.decay": "much",
    }  # fmt: skip
    for key, value in changes.items():
        OmegaConf.update(config, key, value)
    begin = time.perf_counter()
    with pytest.raises(HumansegError) as caught:
        check_config(config)
    assert time.perf_counter() - begin < 2
    assert "6 mistakes" in str(caught.value)
    for key in (
        "sede",
        "optimizer.lr",
        "trainer.max_epoch",
        "backbone.strid",
        "[0].q",
        "ema.decay",
    ):
        assert f"{key}: " in str(caught.value)


def test_a_value_that_equals_the_default_fits_whatever_the_annotation(composed: Compose) -> None:
    assert find_mistakes(composed("trainer.precision=auto", "trainer.gradient_clip_val=null")) == []


def test_no_weights_are_opened(composed: Compose) -> None:
    check_config(composed("backbone=resnet18", "backbone.weights=/no/such/file.safetensors"))


def test_the_tables_cover_train_yaml_exactly() -> None:
    train = yaml.safe_load((conf_folder() / "train.yaml").read_text())
    groups = [
        name
        for entry in train.pop("defaults")
        if isinstance(entry, dict)
        for name in entry
        if not name.startswith("override ")
    ]
    train.pop("hydra")
    for group, names in plain_groups().items():
        assert list(train.pop(group)) == names
    assert set(train) == set(top_level())
    assert set(groups) - {"experiment", "search", "recipe"} == {*RUNTIME, *NAMED}


def test_the_runtime_arguments_are_those_that_the_targets_take(composed: Compose) -> None:
    from humanseg.config.checking.signatures import parameters
    from humanseg.config.targets import find_target

    config = composed()
    for group, names in RUNTIME.items():
        assert set(names) <= set(parameters(find_target(config[group]._target_))), group


def test_a_typo_in_a_users_experiment_file_is_found(tmp_path: Path) -> None:
    from hydra import compose, initialize_config_dir

    (tmp_path / "experiment").mkdir()
    (tmp_path / "experiment/mine.yaml").write_text(
        "# @package _global_\noptimizer:\n  lrr: 0.1\ntraner:\n  max_epochs: 3\n"
    )
    with initialize_config_dir(str(conf_folder()), version_base="1.3"):
        config = compose(
            "train",
            overrides=["experiment=mine", f"hydra.searchpath=[file://{tmp_path}]", "logger=none"],
        )
    assert find_mistakes(config) == [
        "optimizer.lrr: unknown, did you mean lr?",
        "traner: unknown, did you mean trainer?",
    ]
