"""Every model of conf/ on every backbone of conf/, as an ONNX file."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf

from humanseg.exporting.runners import open_file, run_network
from humanseg.exporting.verify import odd_faults
from humanseg.models import build_segmenter
from humanseg.models.onnx.convert import convert, save
from humanseg.models.onnx.network import PhotoToMask, trace

CONF = Path(__file__).parents[2] / "conf"
MODELS = sorted(path.stem for path in (CONF / "model").glob("*.yaml"))
BACKBONES = sorted(path.stem for path in (CONF / "backbone").glob("*.yaml"))


def load(group: str, name: str) -> Any:
    return instantiate(OmegaConf.load(CONF / group / f"{name}.yaml"))


def check_pair(model: str, backbone: str, folder: Path) -> None:
    torch.manual_seed(0)
    network = PhotoToMask(build_segmenter(load("model", model), load("backbone", backbone)), 0.5)
    exported = convert(trace(network), {})
    assert "BatchNormalization" not in {node.op_type for node in exported.graph.node}
    save(exported, folder / "model.onnx")
    photo = np.random.default_rng(0).integers(0, 256, (64, 48, 3), np.uint8)
    runner = open_file(folder / "model.onnx")
    sizes = [(1, 1), (33, 47), (96, 64)]
    assert odd_faults(photo, run_network(network), runner, True, 0.5, sizes) == []


def test_a_pair_exports(tmp_path: Path) -> None:
    check_pair("pspnet", "plain", tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("backbone", BACKBONES)
@pytest.mark.parametrize("model", MODELS)
def test_every_pair_exports(model: str, backbone: str, tmp_path: Path) -> None:
    check_pair(model, backbone, tmp_path)
