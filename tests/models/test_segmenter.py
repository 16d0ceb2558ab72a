import pytest
import torch
from torch import Tensor, nn

from humanseg.models import PlainBackbone, Segmenter, TimmBackbone, UNet, build_segmenter

MEAN = (0.1, 0.2, 0.3)
STD = (0.5, 0.25, 0.2)


class Recorder(nn.Module):
    """Keeps what reaches the net; its logits are the sum over the channels."""

    seen: Tensor

    def forward(self, image: Tensor) -> Tensor:
        self.seen = image
        return image.sum(dim=1, keepdim=True)


def test_channels_are_normalised_in_rgb_order() -> None:
    recorder = Recorder()
    image = torch.tensor([255, 51, 0], dtype=torch.uint8).view(1, 3, 1, 1)
    Segmenter(recorder, MEAN, STD, stride=1)(image)
    # (1 - 0.1) / 0.5, (0.2 - 0.2) / 0.25, (0 - 0.3) / 0.2
    torch.testing.assert_close(recorder.seen.flatten(), torch.tensor([1.8, 0.0, -1.5]))


@pytest.mark.parametrize(("height", "width"), [(1, 1), (3, 4), (4, 8), (5, 7)])
def test_padding_repeats_the_border_and_is_cropped_away(height: int, width: int) -> None:
    recorder = Recorder()
    image = torch.randint(0, 256, (2, 3, height, width), dtype=torch.uint8)
    logits = Segmenter(recorder, MEAN, STD, stride=4)(image)
    seen = recorder.seen
    assert seen.shape[-2] == -(-height // 4) * 4
    assert seen.shape[-1] == -(-width // 4) * 4
    expected = (image / 255 - torch.tensor(MEAN).view(3, 1, 1)) / torch.tensor(STD).view(3, 1, 1)
    torch.testing.assert_close(seen[..., :height, :width], expected, rtol=1e-5, atol=1e-5)
    rows = torch.arange(seen.shape[-2]).clamp(max=height - 1)
    columns = torch.arange(seen.shape[-1]).clamp(max=width - 1)
    assert torch.equal(seen, seen[..., rows, :][..., columns])
    torch.testing.assert_close(logits, expected.sum(1, keepdim=True), rtol=1e-5, atol=1e-4)


def test_auxiliary_logits_are_cropped_too() -> None:
    class Pair(nn.Module):
        def forward(self, image: Tensor) -> list[Tensor]:
            return [image[:, :1].bfloat16(), image[:, 1:2]]

    results = Segmenter(Pair(), MEAN, STD, stride=8)(torch.zeros(1, 3, 5, 9, dtype=torch.uint8))
    assert [(tuple(each.shape), each.dtype) for each in results] == [
        ((1, 1, 5, 9), torch.float32)
    ] * 2


def test_swapped_colours_give_other_logits() -> None:
    torch.manual_seed(0)
    segmenter = build_segmenter(UNet, PlainBackbone(widths=(4, 8))).eval()
    image = torch.randint(0, 256, (1, 3, 8, 8), dtype=torch.uint8)
    assert not torch.allclose(segmenter(image), segmenter(image.flip(1)))


def test_normalisation_is_that_of_the_backbone() -> None:
    recorder = Recorder()
    lite = TimmBackbone("tf_efficientnet_lite0", stages=2)
    segmenter = build_segmenter(lambda backbone: recorder, lite)
    segmenter(torch.full((1, 3, 4, 4), 255, dtype=torch.uint8))
    torch.testing.assert_close(recorder.seen, torch.ones(1, 3, 4, 4))  # (1 - 0.5) / 0.5


def test_normalisation_is_not_in_the_state_dict() -> None:
    assert not Segmenter(Recorder(), MEAN, STD, stride=1).state_dict()


@pytest.mark.slow
def test_exports_with_dynamic_size() -> None:
    """One exported graph serves every height and width, SAME convolutions included."""
    backbone = TimmBackbone("tf_efficientnet_lite0")
    segmenter = build_segmenter(UNet, backbone).eval()
    size = {0: torch.export.Dim.AUTO, 2: torch.export.Dim.DYNAMIC, 3: torch.export.Dim.DYNAMIC}
    image = torch.randint(0, 256, (2, 3, 90, 70), dtype=torch.uint8)
    program = torch.export.export(segmenter, (image,), dynamic_shapes=(size,))
    # Its guards only ask whether the crop's memory stays contiguous, which changes no number.
    exported = program.module(check_guards=False)
    for height, width in [(1, 1), (33, 47), (64, 64), (240, 320)]:
        other = torch.randint(0, 256, (2, 3, height, width), dtype=torch.uint8)
        torch.testing.assert_close(exported(other), segmenter(other), rtol=1e-4, atol=1e-4)


def test_a_working_size_scales_photos_and_gives_logits_of_their_own_size() -> None:
    recorder = Recorder()
    segmenter = Segmenter(recorder, MEAN, STD, stride=8, eval_sizes=[16]).eval()
    image = torch.full((1, 3, 40, 20), 255, dtype=torch.uint8)
    logits = segmenter(image)
    assert tuple(recorder.seen.shape[-2:]) == (16, 8)
    assert tuple(logits.shape) == (1, 1, 40, 20)
    same = Segmenter(recorder, MEAN, STD, stride=8)(image)
    torch.testing.assert_close(logits, same, rtol=1e-4, atol=1e-4)


def test_logits_of_several_sizes_are_averaged() -> None:
    segmenter = build_segmenter(UNet, PlainBackbone(widths=(4, 8)), [16, 40]).eval()
    image = torch.randint(0, 256, (1, 3, 30, 24), dtype=torch.uint8)
    logits = segmenter(image)
    small, large = (segmenter.at_working_size(image, size) for size in (16, 40))
    assert not torch.allclose(small, large)
    torch.testing.assert_close(logits, (small + large) / 2)


def test_each_size_may_have_the_mirrored_photo() -> None:
    torch.manual_seed(0)
    segmenter = build_segmenter(UNet, PlainBackbone(widths=(4, 8)), [16, 40]).eval()
    # A width that is padded: its border is repeated at the right of the photo as the net gets it.
    image = torch.randint(0, 256, (2, 3, 30, 23), dtype=torch.uint8)
    small = segmenter.at_working_size(image, 16)
    back = segmenter.at_working_size(image.flip(-1), 16).flip(-1)
    assert not torch.allclose(back, small)
    large = segmenter.at_working_size(image, 40)
    segmenter.mirrored = (True, False)
    torch.testing.assert_close(segmenter(image), (back + large) / 2)


def test_training_samples_are_neither_scaled_nor_mirrored() -> None:
    recorder = Recorder()
    image = torch.randint(0, 256, (1, 3, 8, 8), dtype=torch.uint8)
    segmenter = Segmenter(recorder, MEAN, STD, stride=4, eval_sizes=[16], mirrored=[True]).train()
    segmenter(image)
    torch.testing.assert_close(recorder.seen, segmenter.normalise(image))
