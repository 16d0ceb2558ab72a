"""What a model makes of a batch is found before the first step."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from omegaconf import DictConfig
from torch import Tensor, nn

from humanseg.config.build import build
from humanseg.data.module import PhotoData
from humanseg.errors import HumansegError
from humanseg.training.preflight import first_step
from humanseg.training.preflight.first_step import require_step
from tests.training.conftest import Train

Compose = Callable[..., DictConfig]


def data_of(config: DictConfig) -> PhotoData:
    photos: PhotoData = build(config.data, augmentation=build(config.augmentation), seed=0)
    return photos


def test_batches_too_small_for_batch_norm_are_refused(tmp_path: Path, train_run: Train) -> None:
    tiny = ("model=pspnet", "backbone=plain", "data.crop_size=[16,16]", "data.batch_size=1")
    with pytest.raises(HumansegError, match=r"Raise data\.batch_size or data\.crop_size"):
        train_run(tmp_path / "run", *tiny)
    assert not (tmp_path / "run").exists()


class Half(nn.Module):
    """Says what it is told to, whatever it is shown."""

    def __init__(self, says: Callable[[Tensor], Any]) -> None:
        super().__init__()
        self.says = says

    def forward(self, image: Tensor) -> Any:
        return self.says(image)


@pytest.mark.parametrize(
    ("says", "told"),
    [
        (lambda image: image[:, :2].float(), r"gives \(2, 2, 64, 48\)"),
        (lambda image: image[:, :1, ::2].float(), r"gives \(2, 1, 32, 48\)"),
        (lambda image: [image[:, :1].float(), image[:, :1, 0].float()], r"gives \(2, 1, 48\)"),
        (lambda image: {"out": image}, "gives dict"),
        (lambda image: image @ torch.empty(3, 3), "fails on a batch of 2 photos of 64×48"),
    ],
)
def test_a_model_of_ones_own_that_gives_something_else_is_refused(
    compose: Compose,
    monkeypatch: pytest.MonkeyPatch,
    says: Callable[[Tensor], Any],
    told: str,
) -> None:
    config = compose()
    photos = data_of(config)
    monkeypatch.setattr(first_step, "make_segmenter", lambda config: Half(says))
    with pytest.raises(HumansegError, match=told):
        require_step(config, photos)


@pytest.mark.parametrize("model", ["unet", "pspnet", "unetplusplus"])
def test_models_that_can_take_a_step_are_taken(compose: Compose, model: str) -> None:
    config = compose(f"model={model}")
    require_step(config, data_of(config))


def test_a_model_that_needs_numbers_is_left_to_the_first_step(
    compose: Compose, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = compose()
    monkeypatch.setattr(first_step, "make_segmenter", lambda config: Half(lambda x: x.sum().item()))
    require_step(config, data_of(config))
