"""What is wrong with a request is said before a photo is read, and nothing is written."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from omegaconf import DictConfig

from humanseg.errors import HumansegError
from humanseg.runs import RunFolder
from humanseg.training.preparation import prepare
from humanseg.training.rebuild import read_checkpoint
from humanseg.training.request import read_request

Compose = Callable[..., DictConfig]


@pytest.mark.parametrize(
    ("override", "says"),
    [
        ("threshold=1.5", "threshold=1.5"),
        ("threads=0", "threads=0"),
        ("auxiliary_weight=-1", "auxiliary_weight=-1"),
        ("trainer.max_epochs=0", "trainer.max_epochs=0"),
        ("optimizer.lr=-1", "optimizer.lr=-1"),
        ("init_from=nowhere", "nowhere"),
        ("data.fold=9", "data.fold=9"),
    ],
)
def test_a_wrong_setting_is_named_before_the_photos(
    compose: Compose, tmp_path: Path, override: str, says: str
) -> None:
    config = compose(f"run_dir={tmp_path}/run", f"data.root={tmp_path}/no_photos", override)
    with pytest.raises(HumansegError, match=says):
        prepare(read_request(config))
    assert not list(tmp_path.iterdir())


def test_all_wrong_settings_are_named_at_once(compose: Compose, tmp_path: Path) -> None:
    config = compose(f"run_dir={tmp_path}/run", "threshold=-1", "threads=0", "seed=-1")
    with pytest.raises(HumansegError) as caught:
        prepare(read_request(config))
    assert all(word in str(caught.value) for word in ("threshold=-1", "threads=0", "seed=-1"))


def test_weights_alone_are_not_gone_on_from(compose: Compose, copied: RunFolder) -> None:
    state = read_checkpoint(copied.last)["state_dict"]
    torch.save({"state_dict": state}, copied.last)
    with pytest.raises(HumansegError, match="cannot be resumed from.*optimizer_states.*init_from="):
        prepare(read_request(compose(f"resume={copied.path}")))
