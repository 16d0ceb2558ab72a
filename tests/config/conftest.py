"""Composed configs, as a command line gives them."""

from collections.abc import Callable, Iterator

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from omegaconf import DictConfig

from humanseg.config.find import conf_folder


@pytest.fixture
def composed() -> Iterator[Callable[..., DictConfig]]:
    """Compose the shipped configs with these overrides."""
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(conf_folder()), version_base="1.3"):
        yield lambda *overrides: compose("train", overrides=["logger=none", *overrides])
    GlobalHydra.instance().clear()
