"""Every model of conf/ on every backbone of conf/."""

from pathlib import Path
from typing import Any

import pytest
import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf

from humanseg.models import build_segmenter

CONF = Path(__file__).parents[2] / "conf"
MODELS = sorted(path.stem for path in (CONF / "model").glob("*.yaml"))
BACKBONES = sorted(path.stem for path in (CONF / "backbone").glob("*.yaml"))


def load(group: str, name: str) -> Any:
    return instantiate(OmegaConf.load(CONF / group / f"{name}.yaml"))


def check_pair(model: str, backbone: str) -> None:
    segmenter = build_segmenter(load("model", model), load("backbone", backbone))
    with torch.no_grad():
        logits = segmenter.eval()(torch.randint(0, 256, (1, 3, 33, 47), dtype=torch.uint8))
    assert logits.shape == (1, 1, 33, 47)
    assert logits.isfinite().all()


def test_the_promised_choices_are_there() -> None:
    promised = {
        "resnet18",
        "resnet34",
        "resnet50",
        "mobilenetv2",
        "mobilenetv3",
        "efficientnet_lite0",
        "efficientnet_lite2",
        "convnext_tiny",
        "pvt_v2_b0",
        "plain",
    }
    assert promised <= set(BACKBONES)
    assert {"pspnet", "unet", "unetplusplus", "attention_unet", "scse_unet"} <= set(MODELS)


def test_no_backbone_downloads_by_default() -> None:
    for name in BACKBONES:
        config: Any = OmegaConf.load(CONF / "backbone" / f"{name}.yaml")
        assert config.get("weights", "none") == "none", name


@pytest.mark.parametrize("model", MODELS)
def test_model_config_builds(model: str) -> None:
    check_pair(model, "plain")


@pytest.mark.parametrize("backbone", [name for name in BACKBONES if name != "plain"])
def test_backbone_config_builds(backbone: str) -> None:
    with torch.device("meta"):
        assert load("backbone", backbone).channels


@pytest.mark.slow
@pytest.mark.parametrize("backbone", BACKBONES)
@pytest.mark.parametrize("model", MODELS)
def test_every_pair_predicts(model: str, backbone: str) -> None:
    check_pair(model, backbone)
