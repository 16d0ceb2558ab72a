"""The weights of an exported file are trained further: the model predicts what the file does."""

from collections.abc import Callable
from pathlib import Path
from statistics import median

import hydra
import numpy as np
import onnx
import pytest
import torch
from omegaconf import DictConfig
from PIL import Image
from torch import Tensor, nn

import humanseg
from humanseg.config.find import conf_folder
from humanseg.errors import HumansegError
from humanseg.inference.catalog import bundled_models
from humanseg.models import Segmenter
from humanseg.models.checkpoint import make_segmenter, without_weights
from humanseg.models.onnx.convert import convert, save
from humanseg.models.onnx.load_weights import load_exported, measure_batch_norms
from humanseg.models.onnx.network import PhotoToMask, trace

Compose = Callable[..., DictConfig]
ASTRONAUT = Path(__file__).parents[2] / "docs" / "assets" / "astronaut.jpg"
METADATA = {"format": 1, "name": "net", "threshold": 0.5, "long_side": 96}
# With an auxiliary head, which no file has.
NET = ("model=pspnet", "backbone=plain", "backbone.widths=[8,16,16]")


@pytest.fixture
def photos() -> Tensor:
    """Four photos of noise, as a batch."""
    generator = torch.Generator().manual_seed(1)
    return torch.randint(256, (4, 3, 64, 96), dtype=torch.uint8, generator=generator)


@torch.no_grad()
def test_a_model_of_an_exported_file_predicts_what_the_first_one_did(
    compose: Compose, photos: Tensor, tmp_path: Path
) -> None:
    segmenter = make_segmenter(compose(*NET))
    vary_norms(segmenter)
    file = tmp_path / "model.onnx"
    save(convert(trace(PhotoToMask(segmenter, 0.5)), METADATA), file)
    wanted = segmenter.eval()(photos)
    other = make_segmenter(compose(*NET)).eval()
    assert not torch.allclose(other(photos), wanted, atol=0.01)
    load_exported(other, file)
    torch.testing.assert_close(other(photos), wanted, rtol=1e-3, atol=1e-3)
    # Its layers are those of any model of this config, weights and steps on them as large.
    assert other.state_dict().keys() == segmenter.state_dict().keys()
    convs = [layer for layer in other.modules() if isinstance(layer, nn.Conv2d)]
    scale = [float(conv.weight.std()) * (conv.weight[0].numel() / 2) ** 0.5 for conv in convs]
    assert median(scale) == pytest.approx(1, abs=0.2)
    # Statistics of photos change no prediction, and hold while it is trained.
    measure_batch_norms(other, photos)
    torch.testing.assert_close(other(photos), wanted, rtol=1e-3, atol=1e-3)
    for norm in norms(other):
        norm.train()
    torch.testing.assert_close(other(photos), wanted, rtol=1e-2, atol=1e-2)


@pytest.mark.parametrize("training", [True, False])
def test_a_model_stays_in_its_mode(
    compose: Compose, photos: Tensor, tmp_path: Path, training: bool
) -> None:
    segmenter = make_segmenter(compose(*NET)).train(training)
    file = tmp_path / "model.onnx"
    save(convert(trace(PhotoToMask(make_segmenter(compose(*NET)), 0.5)), METADATA), file)
    load_exported(segmenter, file)
    measure_batch_norms(segmenter, photos)
    assert {module.training for module in segmenter.modules()} == {training}


def vary_norms(segmenter: Segmenter) -> None:
    """Give each batch norm other statistics, weights and biases."""
    generator = torch.Generator().manual_seed(0)
    for norm in norms(segmenter):
        assert norm.running_mean is not None and norm.running_var is not None
        norm.weight.uniform_(0.05, 0.15, generator=generator)
        norm.running_var.uniform_(0.5, 1.5, generator=generator)
        for values in (norm.bias, norm.running_mean):
            values.uniform_(-0.2, 0.2, generator=generator)


def norms(segmenter: Segmenter) -> list[nn.BatchNorm2d]:
    """List the batch norms of a model."""
    return [layer for layer in segmenter.modules() if isinstance(layer, nn.BatchNorm2d)]


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("robust", ["experiment=finetune"]),
        ("robust_tiny", ["experiment=finetune_tiny"]),
        ("tiny", ["experiment=finetune_tiny", "eval_size=192"]),
        ("best", ["experiment=best"]),
    ],
)
@torch.no_grad()
def test_every_bundled_model_can_be_trained_further(name: str, settings: list[str]) -> None:
    with hydra.initialize_config_dir(str(conf_folder()), version_base="1.3"):
        config = hydra.compose("train", [*settings, "data.root=photos"])
    segmenter = make_segmenter(without_weights(config))
    load_exported(segmenter, bundled_models()[name].file)
    segmenter.eval()
    model = humanseg.load(name)
    # The first of the pictures side by side.
    photo = np.array(Image.open(ASTRONAUT).convert("RGB"))
    photo = np.ascontiguousarray(photo[:, : photo.shape[1] // 3])
    mask = (segmenter(torch.from_numpy(photo).permute(2, 0, 1)[None])[0, 0] > 0).numpy()
    assert 0.1 < mask.mean() < 0.9
    assert (mask != (model(photo) > 0)).mean() < 0.01


def test_a_file_of_another_model_names_what_does_not_fit(compose: Compose) -> None:
    file = bundled_models()["robust_tiny"].file
    with pytest.raises(HumansegError, match="experiment=finetune_tiny") as caught:
        load_exported(make_segmenter(compose()), file)
    assert caught.value.code == "models.other_model"
    assert "net.head.conv" in str(caught.value) or "net.backbone" in str(caught.value)


def test_a_net_whose_norms_are_of_layers_is_refused(compose: Compose) -> None:
    segmenter = make_segmenter(compose())
    segmenter.net = nn.Sequential(segmenter.net, nn.GroupNorm(1, 1))
    with pytest.raises(HumansegError, match=r"net\.1 is a GroupNorm") as caught:
        load_exported(segmenter, bundled_models()["tiny"].file)
    assert caught.value.code == "models.other_layers"


def test_a_file_that_humanseg_did_not_write_is_explained(compose: Compose, tmp_path: Path) -> None:
    file = tmp_path / "model.onnx"
    values = [
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1, 1, 8, 8])
        for name in ("photo", "weight", "mask")
    ]
    conv = onnx.helper.make_node("Conv", ["photo", "weight"], ["mask"])
    graph = onnx.helper.make_graph([conv], "net", values[:2], values[2:])
    onnx.save(onnx.helper.make_model(graph), file)
    with pytest.raises(HumansegError, match="comes from elsewhere"):
        load_exported(make_segmenter(compose()), file)
    file.write_bytes(b"no model")
    with pytest.raises(HumansegError, match="damaged"):
        load_exported(make_segmenter(compose()), file)
