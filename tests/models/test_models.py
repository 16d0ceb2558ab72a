"""Every net through the same demands, each on cheap backbones of different build."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from humanseg.models import (
    AttentionUNet,
    Backbone,
    LightUNet,
    PlainBackbone,
    PSPNet,
    Segmenter,
    TimmBackbone,
    UNet,
    UNetPlusPlus,
    build_segmenter,
)

# Three builds: a first map at reduction 2; none before 4; one as large as the photo.
BACKBONES: dict[str, Callable[[], Backbone]] = {
    "resnet18": partial(TimmBackbone, "resnet18"),
    "convnext_atto": partial(TimmBackbone, "convnext_atto"),
    "plain": partial(PlainBackbone, widths=(8, 12, 16, 24)),
}


def photos(number: int, height: int, width: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (number, 3, height, width), dtype=torch.uint8, generator=generator)


def as_list(logits: Tensor | list[Tensor]) -> list[Tensor]:
    return logits if isinstance(logits, list) else [logits]


class NetDemands:
    """What is asked of every net; a subclass names the net."""

    model: Any
    auxiliary = 0

    @pytest.fixture(params=BACKBONES)
    def backbone(self, request: pytest.FixtureRequest) -> Backbone:
        torch.manual_seed(0)
        return BACKBONES[request.param]()

    @pytest.fixture
    def segmenter(self, backbone: Backbone) -> Segmenter:
        # A class attribute that is a function or class is reached through the type, unbound.
        return build_segmenter(type(self).model, backbone).eval()

    @torch.no_grad()
    def test_logits_have_the_size_of_the_photo(self, segmenter: Segmenter) -> None:
        for height, width in [(33, 47), (1, 1), (96, 64)]:
            logits = segmenter(photos(1, height, width))
            assert isinstance(logits, Tensor)
            assert logits.shape == (1, 1, height, width)
            assert logits.dtype == torch.float32
            assert logits.isfinite().all()

    def test_training_reaches_every_parameter(self, segmenter: Segmenter) -> None:
        results = as_list(segmenter.train()(photos(2, 65, 47)))
        assert len(results) == 1 + self.auxiliary
        assert all(result.shape == (2, 1, 65, 47) for result in results)
        torch.stack([result.square().mean() for result in results]).sum().backward()
        for name, parameter in segmenter.named_parameters():
            assert parameter.grad is not None, name
            assert parameter.grad.isfinite().all(), name

    @torch.no_grad()
    def test_state_dict_carries_the_whole_net(self, segmenter: Segmenter, tmp_path: Any) -> None:
        torch.save(segmenter.state_dict(), tmp_path / "weights.pt")
        image = photos(1, 40, 50)
        expected = segmenter(image)
        for parameter in segmenter.parameters():
            parameter.add_(0.1)
        assert not torch.equal(segmenter(image), expected)
        segmenter.load_state_dict(torch.load(tmp_path / "weights.pt", weights_only=True))
        torch.testing.assert_close(segmenter(image), expected, rtol=0, atol=0)

    def test_bfloat16_autocast_gives_finite_float_logits(self, segmenter: Segmenter) -> None:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            results = as_list(segmenter.train()(photos(2, 64, 64)))
        assert all(result.dtype == torch.float32 for result in results)
        assert all(result.isfinite().all() for result in results)
        results[0].mean().backward()
        grads = [p.grad for p in segmenter.parameters() if p.grad is not None]
        assert grads and all(grad.isfinite().all() for grad in grads)

    @torch.no_grad()
    def test_channels_last_gives_the_same_numbers(self, segmenter: Segmenter) -> None:
        image = photos(2, 70, 45)
        expected = segmenter(image)
        segmenter = segmenter.to(memory_format=torch.channels_last)
        image = image.contiguous(memory_format=torch.channels_last)
        padded = segmenter.pad(segmenter.normalise(image))
        assert padded.is_contiguous(memory_format=torch.channels_last)
        torch.testing.assert_close(segmenter(image), expected, rtol=1e-3, atol=1e-4)

    @torch.no_grad()
    def test_a_photo_does_not_depend_on_its_batch_mates(self, segmenter: Segmenter) -> None:
        image = photos(3, 64, 48)
        together = segmenter(image)
        for index in range(len(image)):
            alone = segmenter(image[index : index + 1])
            torch.testing.assert_close(together[index : index + 1], alone, rtol=1e-3, atol=1e-4)

    def test_logits_start_moderate(self, segmenter: Segmenter) -> None:
        """A net that starts saturated learns nothing from its first steps."""
        logits = as_list(segmenter.train()(photos(4, 64, 64)))[0]
        assert 1e-3 < logits.std() < 5
        assert logits.abs().mean() < 5

    @torch.no_grad()
    def test_every_pixel_matters_nearby(self, segmenter: Segmenter) -> None:
        """A change in one corner moves the logits there."""
        for module in segmenter.modules():
            if isinstance(module, nn.ReLU):
                module.inplace = False
        image = photos(1, 96, 96)
        changed = image.clone()
        changed[..., :16, :16] = 255 - changed[..., :16, :16]
        difference = (segmenter(image) - segmenter(changed)).abs()
        assert difference[..., :16, :16].max() > 0


class TestUNet(NetDemands):
    model = UNet


class TestUNetDeeplySupervised(NetDemands):
    model = partial(UNet, deep_supervision=2, dropout=0.2)
    auxiliary = 2


class TestUNetPlusPlus(NetDemands):
    model = UNetPlusPlus


class TestAttentionUNet(NetDemands):
    model = partial(AttentionUNet, attention="gate")


class TestScseUNet(NetDemands):
    model = partial(AttentionUNet, attention="scse")


class TestLightUNet(NetDemands):
    model = LightUNet


class TestLightUNetWithLateralNorm(NetDemands):
    model = partial(LightUNet, lateral_norm=True)


class TestPSPNet(NetDemands):
    model = PSPNet


class TestPSPNetLearned(NetDemands):
    model = partial(PSPNet, upsampling="learned", auxiliary=True, decoder_channels=32)
    auxiliary = 1
