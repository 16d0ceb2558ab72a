"""What is declared of a setting, and what is read there."""

import pytest

from humanseg.config.command_line.help import train_help
from humanseg.config.settings import (
    BY_KEY,
    SETTINGS,
    is_incidental,
    is_result,
    kind_of,
    on_resume,
    top_level,
)


def test_each_setting_is_declared_once_with_a_sentence() -> None:
    assert len(BY_KEY) == len(SETTINGS)
    assert all(one.help.endswith(".") for one in SETTINGS)


@pytest.mark.parametrize(
    ("key", "kind", "resumed"),
    [
        ("optimizer.lr", "result", "keep"),
        ("seed", "repeat", "keep"),
        ("data.root", "data", "verify"),
        ("data.cache_gb", "machine", "change"),
        ("data.caches", "result", "keep"),
        ("data.batch_size", "result", "change"),
        ("distillation.teachers", "result", "verify"),
        ("logger.wandb.mode", "machine", "change"),
        ("trainer.max_epochs", "result", "change"),
        ("trainer.accelerator", "machine", "change"),
        ("callbacks.ema.decay", "result", "keep"),
        ("callbacks.early_stopping.patience", "result", "change"),
        ("hydra.sweeper.n_trials", "place", "keep"),
    ],
)
def test_a_setting_decides_what_it_or_its_group_is_declared_to(
    key: str, kind: str, resumed: str
) -> None:
    assert (kind_of(key), on_resume(key)) == (kind, resumed)
    assert is_result(key) == (kind == "result")
    assert is_incidental(key) == (kind in ("place", "machine"))


def test_the_help_names_every_setting_beside_the_groups() -> None:
    shown = train_help()
    assert all(f"\n{key} " in shown for key in top_level())
    assert "\ndistillation.weight " in shown
    assert max(map(len, shown.split("Settings beside the groups")[1].splitlines())) <= 100
