import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from safetensors.torch import load_file, save_file

from humanseg.errors import HumansegError
from humanseg.models import Backbone, PlainBackbone, TimmBackbone
from humanseg.models.backbones import timm_backbone
from humanseg.models.backbones.same_padding import FixedSameConv2d

WEIGHTS = Path(__file__).parents[2] / ".." / "shared" / "weights"
MADE_FOR = ["tf_efficientnet_lite0", "tf_efficientnet_lite1", "tf_efficientnet_lite2"]


@pytest.fixture(scope="module")
def lite0(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole net's weights, as a person would have them."""
    torch.manual_seed(1)
    path = tmp_path_factory.mktemp("weights") / "lite0.safetensors"
    save_file(timm.create_model("tf_efficientnet_lite0").state_dict(), path)
    return path


def rewrite(path: Path, target: Path, change: Any) -> Path:
    tensors = load_file(path)
    change(tensors)
    save_file(tensors, target)
    return target


@pytest.mark.parametrize(
    ("build", "reductions"),
    [
        (partial(TimmBackbone, "resnet18"), [2, 4, 8, 16, 32]),
        (partial(TimmBackbone, "resnet18", output_stride=16), [2, 4, 8, 16, 16]),
        (partial(TimmBackbone, "resnet18", output_stride=8), [2, 4, 8, 8, 8]),
        (partial(TimmBackbone, "resnet18", stages=3), [2, 4, 8]),
        (partial(TimmBackbone, "tf_efficientnet_lite0", stages=2), [2, 4]),
        (partial(TimmBackbone, "convnext_atto"), [4, 8, 16, 32]),
        (partial(TimmBackbone, "convnext_atto", output_stride=8), [4, 8, 8, 8]),
        (partial(TimmBackbone, "pvt_v2_b0"), [4, 8, 16, 32]),
        (partial(TimmBackbone, "mobilenetv2_100", output_stride=8), [2, 4, 8, 8, 8]),
        (partial(PlainBackbone, widths=(4, 8, 12)), [1, 2, 4]),
    ],
)
def test_maps_are_what_the_backbone_says(build: Any, reductions: list[int]) -> None:
    backbone: Backbone = build().eval()
    assert backbone.reductions == reductions
    assert backbone.stride == reductions[-1]
    height, width = 3 * backbone.stride, 2 * backbone.stride
    maps = backbone(torch.zeros(1, 3, height, width))
    assert [tuple(feature.shape[1:]) for feature in maps] == [
        (channels, height // reduction, width // reduction)
        for channels, reduction in zip(backbone.channels, reductions, strict=True)
    ]


def test_building_leaves_the_batch_norms_untouched() -> None:
    """The probe of the shapes must not count as a training step."""
    for module in TimmBackbone("resnet18").modules():
        assert module.training
        if isinstance(module, torch.nn.BatchNorm2d):
            assert module.num_batches_tracked == 0
            assert module.running_mean is not None
            assert not module.running_mean.any()


def test_weights_of_a_file_arrive(lite0: Path) -> None:
    torch.manual_seed(2)
    backbone = TimmBackbone("tf_efficientnet_lite0", weights=str(lite0))
    stored = load_file(lite0)
    loaded = backbone.features.state_dict()
    assert loaded and all(torch.equal(stored[key], tensor) for key, tensor in loaded.items())


def test_flattened_names_find_their_weights(tmp_path: Path) -> None:
    """timm renames stages.0 to stages_0 where it keeps the maps of a ConvNeXt only."""
    whole: Any = timm.create_model("convnext_atto").eval()
    save_file(whole.state_dict(), tmp_path / "convnext.safetensors")
    backbone = TimmBackbone("convnext_atto", weights=str(tmp_path / "convnext.safetensors"))
    image = torch.rand(1, 3, 64, 64)
    expected = whole.forward_intermediates(image, intermediates_only=True)
    for feature, wanted in zip(backbone.eval()(image), expected, strict=True):
        torch.testing.assert_close(feature, wanted)


def test_classifier_of_another_size_is_no_obstacle(lite0: Path, tmp_path: Path) -> None:
    def change(tensors: dict[str, torch.Tensor]) -> None:
        tensors["classifier.weight"] = torch.zeros(3, 1280)
        del tensors["classifier.bias"]

    path = rewrite(lite0, tmp_path / "few.safetensors", change)
    backbone = TimmBackbone("tf_efficientnet_lite0", weights=str(path), stages=3)
    assert not any("blocks.3" in name for name, _ in backbone.named_parameters())


def test_keys_that_do_not_fit_are_named(lite0: Path, tmp_path: Path) -> None:
    def change(tensors: dict[str, torch.Tensor]) -> None:
        del tensors["conv_stem.weight"]
        tensors["foreign.weight"] = torch.zeros(1)
        tensors["blocks.0.0.bn1.weight"] = torch.zeros(7)

    path = rewrite(lite0, tmp_path / "wrong.safetensors", change)
    with pytest.raises(HumansegError) as caught:
        TimmBackbone("tf_efficientnet_lite0", weights=str(path))
    message = str(caught.value)
    assert str(path) in message
    assert "Missing (1): conv_stem.weight." in message
    assert "Unexpected (1): foreign.weight." in message
    assert "Wrong shape (1): blocks.0.0.bn1.weight (7,) instead of (32,)." in message


def test_weights_of_another_net_are_refused(lite0: Path) -> None:
    with pytest.raises(HumansegError, match=r"do not fit.*resnet18.*conv1\.weight.*blocks\.0"):
        TimmBackbone("resnet18", weights=str(lite0))


def test_missing_and_broken_files(tmp_path: Path) -> None:
    with pytest.raises(HumansegError, match="no file .*nowhere.safetensors"):
        TimmBackbone("resnet18", weights=str(tmp_path / "nowhere.safetensors"))
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(b"not tensors")
    with pytest.raises(HumansegError, match="not a whole .safetensors file"):
        TimmBackbone("resnet18", weights=str(broken))


def test_failed_download_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    create = timm.create_model

    def without_network(name: str, pretrained: bool = False, **options: Any) -> Any:
        if pretrained:
            raise ConnectionError("no route to host")
        return create(name, pretrained=False, **options)

    monkeypatch.setattr(timm, "create_model", without_network)
    monkeypatch.setattr(timm_backbone, "unreachable", lambda address: "")
    monkeypatch.setattr(timm_backbone, "_cached", lambda name: None)
    with pytest.raises(HumansegError, match=r"resnet18 could not be downloaded.*no route to host"):
        TimmBackbone("resnet18", weights="pretrained")


def test_without_a_network_nothing_is_tried_again_for_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(timm_backbone, "ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(timm_backbone, "_cached", lambda name: None)
    began = time.monotonic()
    with pytest.raises(HumansegError, match=r"127\.0\.0\.1:9 cannot be reached"):
        TimmBackbone("resnet18", weights="pretrained")
    assert time.monotonic() - began < 8


def test_weights_that_were_downloaded_before_need_no_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    net = timm.create_model("resnet18")
    save_file(net.state_dict(), tmp_path / "model.safetensors")
    monkeypatch.setattr(timm_backbone, "ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(
        timm_backbone, "try_to_load_from_cache", lambda hub, file: str(tmp_path / file)
    )
    loaded = TimmBackbone("resnet18", weights="pretrained").features.state_dict()
    assert torch.equal(loaded["conv1.weight"], net.state_dict()["conv1.weight"])


def test_unsupported_pairs_are_named() -> None:
    with pytest.raises(HumansegError, match=r"pvt_v2_b0 does not support output_stride=16"):
        TimmBackbone("pvt_v2_b0", output_stride=16)
    with pytest.raises(HumansegError, match=r"resnet18 does not support output_stride=5"):
        TimmBackbone("resnet18", output_stride=5)


def test_encoders_of_one_photo_size_are_refused() -> None:
    with pytest.raises(HumansegError, match="swin_tiny.* does not take photos of any size"):
        TimmBackbone("swin_tiny_patch4_window7_224", stages=1)


def test_unknown_name_suggests_near_ones() -> None:
    with pytest.raises(HumansegError, match="resnet19.*Did you mean.*resnet18"):
        TimmBackbone("resnet19")
    with pytest.raises(HumansegError, match="hf-hub:timm/resnet18"):
        TimmBackbone("hf-hub:timm/resnet18")


def test_too_many_stages() -> None:
    with pytest.raises(HumansegError, match="resnet18 has no 9 feature maps"):
        TimmBackbone("resnet18", stages=9)


@pytest.mark.parametrize("output_stride", [32, 16, 8])
def test_fixed_same_padding_is_exact(output_stride: int) -> None:
    """Bit for bit what timm computes, forward and backward, at multiples of the stride."""
    torch.manual_seed(3)
    backbone = TimmBackbone("tf_efficientnet_lite0", output_stride=output_stride).eval()
    replaced = [m for m in backbone.modules() if isinstance(m, FixedSameConv2d)]
    assert len(replaced) == {32: 5, 16: 4, 8: 3}[output_stride]
    reference = timm.create_model(
        "tf_efficientnet_lite0", features_only=True, output_stride=output_stride
    ).eval()
    reference.load_state_dict(backbone.features.state_dict())
    for height, width in [(1, 1), (2, 3), (5, 4)]:
        image = torch.randn(2, 3, height * backbone.stride, width * backbone.stride)
        ours, theirs = backbone(image), reference(image)
        assert all(torch.equal(a, b) for a, b in zip(ours, theirs, strict=True))
    ours[-1].sum().backward()
    theirs[-1].sum().backward()
    grads = [net.get_parameter("conv_stem.weight").grad for net in (backbone.features, reference)]
    assert grads[0] is not None and grads[1] is not None
    assert torch.equal(grads[0], grads[1])


@pytest.mark.skipif(not WEIGHTS.is_dir(), reason=f"no weights at {WEIGHTS}")
@pytest.mark.parametrize("name", [*MADE_FOR, "mobilenetv2_100"])
def test_shared_weights_load_as_timm_loads_them(name: str) -> None:
    path = WEIGHTS / f"{name}.safetensors"
    backbone = TimmBackbone(name, weights=str(path)).eval()
    reference = timm.create_model(
        name, features_only=True, pretrained=True, pretrained_cfg_overlay={"file": str(path)}
    ).eval()
    image = torch.rand(1, 3, 64, 96)
    with torch.no_grad():
        for ours, theirs in zip(backbone(image), reference(image), strict=True):
            assert torch.equal(ours, theirs)


@pytest.mark.skipif(not WEIGHTS.is_dir(), reason=f"no weights at {WEIGHTS}")
def test_shared_weights_of_another_size_are_refused() -> None:
    path = WEIGHTS / "tf_efficientnet_lite2.safetensors"
    with pytest.raises(HumansegError, match=r"Unexpected.*Wrong shape"):
        TimmBackbone("tf_efficientnet_lite0", weights=str(path))
