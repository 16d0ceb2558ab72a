"""The parts of the nets against what their papers say, computed by hand."""

from functools import partial
from typing import Any

import pytest
import torch
import torch.nn.functional as F

from humanseg.config.checking.signatures import node_mistakes
from humanseg.errors import HumansegError
from humanseg.models import (
    AttentionUNet,
    LightUNet,
    PlainBackbone,
    PSPNet,
    TimmBackbone,
    UNet,
    UNetPlusPlus,
)
from humanseg.models.decoders.attention_unet import AttentionGate, SqueezeExcitation
from humanseg.models.decoders.base import halvings, width_at
from humanseg.models.decoders.light_unet import AddingUpBlock
from humanseg.models.decoders.pspnet import PyramidPooling, SubPixelUpsampling, average_cells

# Untyped, to pass what the annotations forbid and a config may hold.


@pytest.mark.parametrize(
    ("reduction", "until", "way"),
    [(1, 1, []), (2, 1, [1]), (4, 1, [2, 1]), (14, 1, [7, 1]), (4, 2, [2]), (2, 2, []), (1, 2, [])],
)
def test_halvings(reduction: int, until: int, way: list[int]) -> None:
    assert halvings(reduction, until) == way


def test_width_at() -> None:
    assert [width_at([16, 32, 64], reduction) for reduction in (1, 2, 4, 7, 8, 32)] == [
        16,
        32,
        64,
        64,
        64,
        64,
    ]


def test_plain_unet_is_the_net_of_the_paper() -> None:
    """64 to 1024 channels, four steps back, every one with a skip: figure 1 of the paper."""
    with torch.device("meta"):
        backbone = PlainBackbone(widths=(64, 128, 256, 512, 1024))
        net = UNet(backbone, decoder_channels=(64, 128, 256, 512))
    assert net.decoder.outputs == [512, 256, 128, 64]
    assert net.decoder.reductions == [8, 4, 2, 1]
    firsts = [step.convs[0][0].in_channels for step in net.decoder.steps]  # type: ignore[index,union-attr]
    assert firsts == [1024 + 512, 512 + 256, 256 + 128, 128 + 64]


def test_decoder_goes_on_without_skips() -> None:
    with torch.device("meta"):
        net = UNet(TimmBackbone("convnext_atto"))
    assert net.decoder.reductions == [16, 8, 4, 2, 1]
    assert net.decoder.outputs == [256, 128, 64, 32, 16]


@pytest.mark.parametrize("size", [(1, 1), (2, 5), (7, 6), (40, 30)])
def test_pyramid_pooling_on_any_map(size: tuple[int, int]) -> None:
    torch.manual_seed(0)
    pyramid = PyramidPooling(8, [1, 2, 3, 6]).eval()
    x = torch.randn(2, 8, *size)
    result = pyramid(x)
    assert result.shape == (2, pyramid.outputs, *size) == (2, 16, *size)
    assert torch.equal(result[:, :8], x)
    # The grid of one cell: the mean of the photo, reduced, the same at every pixel.
    conv: Any = pyramid.reduce[0][0]  # type: ignore[index]
    once = F.relu(conv(x.mean(dim=(2, 3), keepdim=True)))
    torch.testing.assert_close(result[:, 8:10], once.expand(-1, -1, *size))


@pytest.mark.parametrize("size", [(1, 1), (2, 5), (7, 6), (13, 4)])
@pytest.mark.parametrize("cells", [1, 2, 3, 6])
def test_exported_pooling_is_the_same(
    size: tuple[int, int], cells: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    x = torch.randn(2, 3, *size)
    expected = average_cells(x, cells)
    monkeypatch.setattr(torch.compiler, "is_exporting", lambda: True)
    torch.testing.assert_close(average_cells(x, cells), expected)


def test_learned_upsampling_starts_without_checkerboard() -> None:
    torch.manual_seed(0)
    upsampling = SubPixelUpsampling(8, 2).eval()
    upsampling.start_smooth()
    result = upsampling(torch.randn(1, 8, 5, 4))
    assert result.shape == (1, upsampling.outputs, 10, 8)
    once = result[..., ::2, ::2].repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)
    torch.testing.assert_close(result, once)


def test_pspnet_trains_on_one_small_photo() -> None:
    """The grid of one cell has one value per channel, of which batch norm has no variance."""
    net = PSPNet(TimmBackbone("resnet18", output_stride=16))
    assert net.train()(torch.randn(1, 3, 64, 64)).isfinite().all()


@pytest.mark.parametrize("factor", [1, 2, 4])
def test_attention_gate(factor: int) -> None:
    gate = AttentionGate(6, 4, factor)
    x, gating = torch.randn(2, 6, 4 * factor, 3 * factor), torch.randn(2, 4, 4, 3)
    with torch.no_grad():
        gate.weigh.weight.zero_()
        gate.weigh.bias.fill_(0.0)  # type: ignore[union-attr]
        torch.testing.assert_close(gate(x, gating), x * 0.5)  # sigmoid(0)
        gate.weigh.bias.fill_(-100.0)  # type: ignore[union-attr]
        torch.testing.assert_close(gate(x, gating), torch.zeros_like(x))


def test_squeeze_excitation_adds_both() -> None:
    excitation = SqueezeExcitation(4)
    x = torch.randn(2, 4, 3, 5)
    with torch.no_grad():
        for module in excitation.modules():
            if isinstance(module, torch.nn.Conv2d):
                module.weight.zero_()
                module.bias.zero_()  # type: ignore[union-attr]
        torch.testing.assert_close(excitation(x), x)  # sigmoid(0) twice
        excitation.of_pixels[0].bias.fill_(-100.0)  # type: ignore[operator]
        torch.testing.assert_close(excitation(x), x * 0.5)


def test_unetplusplus_supervises_the_finest_row() -> None:
    net = UNetPlusPlus(PlainBackbone(widths=(4, 6, 8, 10)), deep_supervision=True)
    finest: list[torch.Tensor] = []  # X(0, 1), X(0, 2), X(0, 3)
    read: list[torch.Tensor] = []
    for column in net.columns:
        column.get_submodule("0").register_forward_hook(lambda _, __, out: finest.append(out))
    for head in (net.head, *net.aux_heads):
        head.register_forward_hook(lambda _, inputs, __: read.append(inputs[0]))
    results = net.train()(torch.randn(2, 3, 16, 24))
    assert [tuple(result.shape) for result in results] == [(2, 1, 16, 24)] * 3
    assert all(ours is node for ours, node in zip(read, finest[::-1], strict=True))
    torch.stack([result.square().mean() for result in results]).sum().backward()
    assert all(parameter.grad is not None for parameter in net.parameters())
    assert isinstance(net.eval()(torch.randn(2, 3, 16, 24)), torch.Tensor)


@pytest.mark.parametrize("net", [UNet, UNetPlusPlus, AttentionUNet, LightUNet])
@pytest.mark.parametrize("output_stride", [16, 8])
def test_dilated_maps_are_joined_without_enlarging(net: Any, output_stride: int) -> None:
    with torch.device("meta"):
        backbone = TimmBackbone("resnet18", output_stride=output_stride)
        logits = net(backbone).eval()(torch.zeros(1, 3, 2 * output_stride, 3 * output_stride))
    assert logits.shape == (1, 1, 2 * output_stride, 3 * output_stride)


def test_light_unet_is_light() -> None:
    with torch.device("meta"):
        backbone = TimmBackbone("mobilenetv2_100")
        light, plain = LightUNet(backbone), UNet(backbone)
    own = sum(p.numel() for p in backbone.parameters())
    sizes = [sum(p.numel() for p in net.parameters()) - own for net in (light, plain)]
    assert sizes[0] < 0.1 * sizes[1]


@pytest.mark.parametrize("lateral_norm", [False, True])
def test_with_lateral_norm_large_skips_do_not_drown_the_coarse_map(lateral_norm: bool) -> None:
    torch.manual_seed(0)
    block = AddingUpBlock(8, 4, 6, 2, lateral_norm)
    coarse, skip = torch.randn(2, 8, 4, 4), torch.randn(2, 4, 8, 8)
    usual, large = block(coarse, skip), block(coarse, 100 * skip)
    assert torch.allclose(usual, large, atol=1e-3) == lateral_norm


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (partial(PSPNet, auxiliary=True), "PSPNet with auxiliary=true.*plain gives 1"),
        (partial(UNet, deep_supervision=1), "UNet needs a backbone of at least two maps"),
    ],
)
def test_impossible_options_are_named(build: Any, message: str) -> None:
    with pytest.raises(HumansegError, match=message):
        build(PlainBackbone(widths=(4,)))


@pytest.mark.parametrize(
    ("target", "options", "mistake"),
    [
        ("PSPNet", {"upsampling": "cubic"}, "upsampling: 'cubic' is not bilinear or learned"),
        ("PSPNet", {"pool_sizes": [0]}, "pool_sizes: [0] is not a list of one or more"),
        ("PSPNet", {"decoder_channels": 0}, "decoder_channels: 0 is not a whole number of at le"),
        ("AttentionUNet", {"attention": "self"}, "attention: 'self' is not gate or scse"),
        ("UNetPlusPlus", {"decoder_channels": []}, "decoder_channels: [] is not a list of one"),
        ("UNet", {"decoder_channels": [16, 0]}, "decoder_channels: [16, 0] is not a list of"),
        (
            "LightUNet",
            {"decoder_channels": []},
            "decoder_channels: [] is not a list of one or more",
        ),
        ("PlainBackbone", {"widths": []}, "widths: [] is not a list of one or more"),
    ],
)
def test_values_out_of_range_are_named(target: str, options: dict[str, Any], mistake: str) -> None:
    node = {"_target_": f"humanseg.models.{target}", **options}
    (found,) = node_mistakes(node, "model", ["backbone"])
    assert found.startswith(f"model.{mistake}")


def test_maps_that_do_not_nest_are_refused() -> None:
    backbone = PlainBackbone(widths=(4, 6))
    backbone.name, backbone.reductions = "odd", [2, 3]
    for net in (UNet, UNetPlusPlus, LightUNet):
        with pytest.raises(HumansegError, match=f"{net.__name__} cannot be built .* odd"):
            net(backbone)
