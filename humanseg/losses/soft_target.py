"""A loss toward probabilities instead of a two-valued mask."""

from torch import Tensor
from torch.nn import functional as F

from humanseg.losses.base import SegmentationLoss

_SMOOTH = 1.0


class SoftTargetLoss(SegmentationLoss):
    """Distillation loss: cross-entropy and a soft-target Dice, half each.

    Distillation as in Hinton et al. 2015 (arXiv 1503.02531) at temperature 1. The Dice is the
    semimetric of Wang et al., "Dice Semimetric Losses", MICCAI 2023, equation 5:
    `1 - (|P| + |T| - |P - T|) / (|P| + |T|)` per photo. On a two-valued target it is soft Dice;
    on a soft one it is smallest where P is T, which soft Dice is not.

    Its target is (N, 1, H, W) with values in [0, 1].
    """

    def loss(self, logits: Tensor, target: Tensor) -> Tensor:
        """Compute the loss from float32 logits and target, both (N, 1, H, W)."""
        probability, wanted = logits.sigmoid().flatten(1), target.flatten(1)
        total = probability.sum(1) + wanted.sum(1)
        apart = (probability - wanted).abs().sum(1) / (total + _SMOOTH)
        return (F.binary_cross_entropy_with_logits(logits, target) + apart.mean()) / 2
