"""A fold is not validated by a run that knows its photos."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from omegaconf import DictConfig, OmegaConf

from humanseg.errors import Refused
from humanseg.runs import RunFolder
from humanseg.training.preflight.unseen import require_unseen_starts
from humanseg.training.request import read_request
from humanseg.training.setup import setup

Compose = Callable[..., DictConfig]


def test_a_run_of_another_fold_is_no_start(
    compose: Compose, trained: RunFolder, tmp_path: Path
) -> None:
    fold = ("data.fold=1", "data.folds=3")
    for start in (trained.path, trained.best):
        config = compose(f"run_dir={tmp_path / 'run'}", f"init_from={start}", *fold)
        with pytest.raises(Refused, match=r"init_from=.*data\.fold=None of 5.*fold 1 of 3"):
            setup(read_request(config))
    assert not (tmp_path / "run").exists()


def test_a_checkpoint_outside_of_a_run_says_not_which_photos_it_knows(
    compose: Compose, trained: RunFolder, tmp_path: Path
) -> None:
    shutil.copy(trained.best, tmp_path / "some.ckpt")
    with pytest.raises(Refused, match="some.ckpt is no run"):
        require_unseen_starts(compose(f"init_from={tmp_path / 'some.ckpt'}", "data.fold=0"))
    require_unseen_starts(compose(f"init_from={tmp_path / 'some.ckpt'}"))


def test_the_same_fold_and_other_photos_are_fine(compose: Compose, copied: RunFolder) -> None:
    fold = ("data.fold=1", "data.folds=3")
    own = OmegaConf.load(copied.config)
    OmegaConf.save(OmegaConf.merge(own, {"data": {"fold": 1, "folds": 3}}), copied.config)
    require_unseen_starts(compose(f"init_from={copied.path}", *fold))
    OmegaConf.save(OmegaConf.merge(own, {"data": {"root": "elsewhere"}}), copied.config)
    require_unseen_starts(compose(f"init_from={copied.path}", *fold))
