"""Old names of settings and options keep working."""

from collections.abc import Callable
from pathlib import Path

import pytest
from omegaconf import DictConfig, OmegaConf

from humanseg.config import renames
from humanseg.config.command_line.overrides import hydra_words
from humanseg.config.load import load_run_config
from humanseg.config.renames import (
    KEYS,
    OPTIONS,
    current_config,
    current_key,
    current_summary,
    current_word,
)

Compose = Callable[..., DictConfig]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("model.channels=[4]", "model.decoder_channels=[4]"),
        ("+model.channels.0=4", "+model.decoder_channels.0=4"),
        ("++scheduler.warmup=0.1,0.2", "++scheduler.warmup_fraction=0.1,0.2"),
        ("~augmentation.collage", "~augmentation.copy_paste"),
        ("augmentation.collage.elsewhere=0", "augmentation.copy_paste.p_background=0"),
        ("augmentation=world", "augmentation=robust"),
        ("augmentation=light,world", "augmentation=light,robust"),
        ("experiment=tiny_world", "experiment=tiny_pretrain"),
        ("data.root=world", "data.root=world"),
        ("name=tiny_world", "name=tiny_world"),
        ("--cfg", "--cfg"),
    ],
)
def test_a_word_of_a_command_line_gets_its_name_of_today(old: str, new: str) -> None:
    assert current_word(old) == new
    assert current_word(new) == new


def test_the_command_line_says_the_new_name_once(capsys: pytest.CaptureFixture[str]) -> None:
    renames._note.cache_clear()
    assert hydra_words(["augmentation=world"]) == ["augmentation=robust"]
    hydra_words(["augmentation=world"])
    told = capsys.readouterr().err
    assert told == "note    augmentation=world is called augmentation=robust now\n"


def test_every_name_of_today_is_one_of_a_config_that_ships(compose: Compose) -> None:
    words = ("model=pspnet", "augmentation=robust", "scheduler=one_cycle"), ("scheduler=plateau",)
    configs = [compose(*each) for each in words]
    for new in map(current_key, KEYS):
        assert any(OmegaConf.select(one, new, default=KEYS) is not KEYS for one in configs), new
    for group, options in OPTIONS.items():
        for option in options.values():
            compose(f"{group}={option}")


def test_the_config_of_an_old_run_is_read_with_the_names_of_today(tmp_path: Path) -> None:
    old = {
        "model": {"_target_": "humanseg.models.UNet", "channels": [4]},
        "augmentation": {
            "_target_": "humanseg.data.augmentation.Augmentation",
            "collage": {"_target_": "humanseg.data.collage.Collage", "elsewhere": 0.5, "scale": 1},
        },
    }
    path = tmp_path / "config.yaml"
    OmegaConf.save(old, path)
    config = load_run_config(path)
    assert config.model == {"_target_": "humanseg.models.UNet", "decoder_channels": [4]}
    assert config.augmentation.copy_paste.p_background == 0.5
    assert config.augmentation.copy_paste.scale == 1
    assert config.augmentation.copy_paste._target_.endswith("copy_paste.CopyPaste")
    assert current_config(OmegaConf.to_container(config)) == config  # type: ignore[arg-type]


def test_what_a_class_of_ones_own_takes_keeps_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    own = {"model": {"_target_": "mine.Net", "channels": 3}}
    assert current_config(own) == own
    monkeypatch.setenv("HUMANSEG_PACKAGES", "mine")
    assert current_word("model.channels=3") == "model.channels=3"


def test_a_file_of_ones_own_may_have_old_names() -> None:
    both = {"model": {"_target_": "humanseg.models.UNet", "channels": 1, "decoder_channels": 2}}
    assert current_config(both)["model"]["decoder_channels"] == 1
    given = current_config(both, ["model.decoder_channels"])
    assert given["model"]["decoder_channels"] == 2


def test_an_old_summary_is_read_with_the_names_of_today() -> None:
    old = {
        "dice": 0.9,
        "choices": {"augmentation": "world", "model": "unet"},
        "overrides": ["model.channels=[4]"],
        "resumed": [{"after_epoch": 1, "changed": {"scheduler.warmup": [0.1, 0.2]}}],
    }
    assert current_summary(old) == {
        "dice": 0.9,
        "choices": {"augmentation": "robust", "model": "unet"},
        "overrides": ["model.decoder_channels=[4]"],
        "resumed": [{"after_epoch": 1, "changed": {"scheduler.warmup_fraction": [0.1, 0.2]}}],
    }
