"""Paths that lead nowhere are told at once, and only those that are needed."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from omegaconf import DictConfig, OmegaConf

from humanseg.errors import HumansegError
from humanseg.runs import RunFolder, open_run
from humanseg.training.preflight.paths import find_start, require_paths

Compose = Callable[..., DictConfig]


def test_a_run_that_goes_on_needs_not_what_it_started_from(
    compose: Compose, copied: RunFolder
) -> None:
    config = OmegaConf.load(copied.config)
    config.init_from = "/gone/run"
    config.backbone.weights = "/gone/net.safetensors"
    OmegaConf.save(config, copied.config)
    require_paths(compose(f"resume={copied.path}"))
    # Before its first checkpoint it starts again from there.
    copied.last.unlink()
    with pytest.raises(HumansegError, match="/gone/run"):
        require_paths(compose(f"resume={copied.path}"))


def test_a_run_whose_photos_were_moved_asks_where_to(
    compose: Compose, copied: RunFolder, sample_root: Path, tmp_path: Path
) -> None:
    config = OmegaConf.load(copied.config)
    config.data.root = str(shutil.copytree(sample_root, tmp_path / "photos"))
    OmegaConf.save(config, copied.config)
    require_paths(compose(f"resume={copied.path}"))
    (tmp_path / "photos").rename(tmp_path / "elsewhere")
    with pytest.raises(HumansegError, match="no such folder now.*data.root=ROOT"):
        require_paths(compose(f"resume={copied.path}"))


def test_a_start_from_a_run_opens_no_other_weights(
    compose: Compose, copied: RunFolder, tmp_path: Path
) -> None:
    gone = ("backbone=resnet18", "backbone.weights=/gone.safetensors", f"run_dir={tmp_path}/run")
    with pytest.raises(HumansegError, match="no such file"):
        require_paths(compose(*gone))
    require_paths(compose(*gone, f"init_from={copied.path}"))


def test_init_from_means_a_checkpoint_or_the_best_of_a_run(copied: RunFolder) -> None:
    assert find_start(copied.path) == copied.best
    assert find_start(copied.last) == copied.last
    with pytest.raises(HumansegError):
        find_start(copied.path / "nowhere")
    assert open_run(copied.best).path == copied.path
