"""Losses that are a mean over pixels: cross-entropy and what grew out of it."""

import torch
from torch import Tensor
from torch.nn import functional as F

from humanseg.config.ranges import BelowOne, Count, Inside, NotNegative, Positive
from humanseg.losses.base import SegmentationLoss, in_ranges


class BCELoss(SegmentationLoss):
    """Binary cross-entropy, averaged over all pixels of the batch.

    Parameters
    ----------
    label_smoothing
        In [0, 1): the target becomes `target * (1 - s) + s / 2` (Szegedy et al., "Rethinking the
        Inception Architecture", CVPR 2016, section 7), which keeps jagged mask edges from
        demanding certainty.
    pos_weight
        Above 0: how much an error on a person's pixel weighs against one on the background.
    """

    @in_ranges
    def __init__(self, label_smoothing: BelowOne = 0.0, pos_weight: Positive = 1.0) -> None:
        super().__init__()
        self.label_smoothing = label_smoothing
        self.pos_weight = pos_weight

    def loss(self, logits: Tensor, target: Tensor) -> Tensor:
        """Compute the loss from float32 logits and target, both (N, 1, H, W)."""
        smooth = target * (1 - self.label_smoothing) + self.label_smoothing / 2
        weight = None if self.pos_weight == 1 else logits.new_tensor(self.pos_weight)
        return F.binary_cross_entropy_with_logits(logits, smooth, pos_weight=weight)


class FocalLoss(SegmentationLoss):
    """Focal loss: cross-entropy in which pixels that are already right weigh little.

    `mean(a_t * (1 - p_t)^gamma * -log(p_t))` with `p_t` the probability of the true class:
    Lin et al., "Focal Loss for Dense Object Detection", ICCV 2017, equation 5.

    Parameters
    ----------
    gamma
        At least 0; with 0 this is weighted cross-entropy.
    alpha
        In (0, 1): weight of a person's pixel; the background weighs `1 - alpha`.
    """

    @in_ranges
    def __init__(self, gamma: NotNegative = 2.0, alpha: Inside = 0.5) -> None:
        super().__init__()
        self.gamma = gamma
        self.alpha = alpha

    def loss(self, logits: Tensor, target: Tensor) -> Tensor:
        """Compute the loss from float32 logits and target, both (N, 1, H, W)."""
        toward_truth = logits * (2 * target - 1)
        # (1 - p_t)^gamma as exp(gamma * log(1 - p_t)): a power has an infinite slope where p_t
        # reaches 1 and gamma is below 1.
        easiness = torch.exp(self.gamma * F.logsigmoid(-toward_truth))
        alpha = self.alpha * target + (1 - self.alpha) * (1 - target)
        return (alpha * easiness * -F.logsigmoid(toward_truth)).mean()


class BoundaryLoss(SegmentationLoss):
    """Cross-entropy in which pixels near the true boundary weigh more.

    A pixel weighs `1 + weight * |local mean of the mask - mask|`: 1 inside and outside, and more
    the closer it is to the outline and the thinner the part it belongs to. Per photo the
    weighted mean, then the mean over photos. This is the cross-entropy half of the pixel
    position aware loss of Wei et al., "F3Net: Fusion, Feedback and Focus for Salient Object
    Detection", AAAI 2020, equations 6 and 7. It pulls everywhere, so it works alone too.

    Parameters
    ----------
    weight
        At least 0; the paper's gamma, 5.
    radius
        At least 1: the local mean is over `2 * radius + 1` rows and columns; the paper's is 15.
    """

    @in_ranges
    def __init__(self, weight: NotNegative = 5.0, radius: Count = 15) -> None:
        super().__init__()
        self.weight = weight
        self.radius = radius

    def loss(self, logits: Tensor, target: Tensor) -> Tensor:
        """Compute the loss from float32 logits and target, both (N, 1, H, W)."""
        weights = 1 + self.weight * (_local_mean(target, self.radius) - target).abs()
        entropy = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
        per_photo = (weights * entropy).sum((1, 2, 3)) / weights.sum((1, 2, 3))
        return per_photo.mean()


def _local_mean(mask: Tensor, radius: int) -> Tensor:
    """Mean over the square window of `radius` around each pixel, within the photo; (N, 1, H, W)."""
    side = 2 * radius + 1
    # Rows, then columns: the same mean as with a square window, at 2 * side instead of side**2.
    rows = F.avg_pool2d(mask, (side, 1), 1, (radius, 0), count_include_pad=False)
    return F.avg_pool2d(rows, (1, side), 1, (0, radius), count_include_pad=False)
