"""Losses that measure overlap: per photo, then the mean over photos, as the score does."""

import torch
from torch import Tensor
from torch.nn import functional as F

from humanseg.config.ranges import NotNegative, Positive
from humanseg.losses.base import SegmentationLoss, in_ranges

# Below this distance from a perfect overlap, a root's slope is taken as 0 rather than as infinite.
_NEARLY_PERFECT = 1e-6


def _soft_counts(logits: Tensor, target: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Soft true positives, false positives and false negatives of each photo, three times (N,)."""
    probability = torch.sigmoid(logits).flatten(1)
    truth = target.flatten(1)
    hit = (probability * truth).sum(1)
    return hit, probability.sum(1) - hit, truth.sum(1) - hit


class DiceLoss(SegmentationLoss):
    """Soft Dice: `1 - (2 |P T| + s) / (|P| + |T| + s)` per photo, then the mean.

    Milletari et al., "V-Net", 3DV 2016, section 3, with the plain sums of Sudre et al.,
    "Generalised Dice overlap", DLMIA 2017, in the denominator. A batch is not pooled: a photo
    with a small person counts as much as one that is filled by it.

    Parameters
    ----------
    smooth
        Above 0, in pixels. It makes an empty prediction of an empty mask a loss of 0, and leaves
        a slope toward it.
    """

    @in_ranges
    def __init__(self, smooth: Positive = 1.0) -> None:
        super().__init__()
        self.smooth = smooth

    def loss(self, logits: Tensor, target: Tensor) -> Tensor:
        """Compute the loss from float32 logits and target, both (N, 1, H, W)."""
        hit, added, missed = _soft_counts(logits, target)
        dice = (2 * hit + self.smooth) / (2 * hit + added + missed + self.smooth)
        return (1 - dice).mean()


class TverskyLoss(SegmentationLoss):
    """Soft overlap in which wrongly added and missed pixels weigh differently.

    `1 - (TP + s) / (TP + alpha FP + beta FN + s)` per photo, then the mean: Salehi et al.,
    "Tversky loss function for image segmentation using 3D fully convolutional deep networks",
    MLMI 2017, equation 3. With both at 0.5 it is soft Dice, with both at 1 soft Jaccard.

    Parameters
    ----------
    alpha
        At least 0: weight of pixels wrongly added; the paper's best is 0.3.
    beta
        At least 0: weight of pixels missed; the paper's best is 0.7.
    smooth
        Above 0, in pixels; see `DiceLoss`.
    """

    @in_ranges
    def __init__(
        self, alpha: NotNegative = 0.3, beta: NotNegative = 0.7, smooth: Positive = 1.0
    ) -> None:
        super().__init__()
        self.alpha = alpha
        self.beta = beta
        self.smooth = smooth

    def distances(self, logits: Tensor, target: Tensor) -> Tensor:
        """Compute one minus the Tversky index of each photo, (N,), float32 in [0, 1]."""
        hit, added, missed = _soft_counts(logits, target)
        whole = hit + self.alpha * added + self.beta * missed
        return 1 - (hit + self.smooth) / (whole + self.smooth)

    def loss(self, logits: Tensor, target: Tensor) -> Tensor:
        """Compute the loss from float32 logits and target, both (N, 1, H, W)."""
        return self.distances(logits, target).mean()


class JaccardLoss(TverskyLoss):
    """Soft intersection over union: `1 - (|P T| + s) / (|P or T| + s)` per photo, then the mean.

    Rahman and Wang, "Optimizing Intersection-Over-Union in Deep Neural Networks for Image
    Segmentation", ISVC 2016, equations 3 to 5: the Tversky loss with both weights 1.

    Parameters
    ----------
    smooth
        Above 0, in pixels; see `DiceLoss`.
    """

    @in_ranges
    def __init__(self, smooth: Positive = 1.0) -> None:
        super().__init__(alpha=1.0, beta=1.0, smooth=smooth)


class FocalTverskyLoss(TverskyLoss):
    """Tversky loss, per photo to the power `1 / gamma`.

    Abraham and Khan, "A Novel Focal Tversky Loss Function with Improved Attention U-Net for
    Lesion Segmentation", ISBI 2019, equation 4.

    Parameters
    ----------
    alpha
        At least 0: weight of pixels wrongly added (the paper writes it beta).
    beta
        At least 0: weight of pixels missed (the paper's alpha, 0.7).
    gamma
        Above 0; the paper's is 4/3. Above 1 it keeps a pull on photos that are nearly right;
        below 1 it turns to the ones that are wrong.
    smooth
        Above 0, in pixels; see `DiceLoss`.
    """

    @in_ranges
    def __init__(
        self,
        alpha: NotNegative = 0.3,
        beta: NotNegative = 0.7,
        gamma: Positive = 4 / 3,
        smooth: Positive = 1.0,
    ) -> None:
        super().__init__(alpha, beta, smooth)
        self.gamma = gamma

    def loss(self, logits: Tensor, target: Tensor) -> Tensor:
        """Compute the loss from float32 logits and target, both (N, 1, H, W)."""
        # A root has an infinite slope at 0, where a photo is exactly right.
        distances = self.distances(logits, target).clamp(min=_NEARLY_PERFECT)
        return distances.pow(1 / self.gamma).mean()


class LovaszHingeLoss(SegmentationLoss):
    """The Lovász extension of one minus intersection over union, on hinge errors, per photo.

    Berman et al., "The Lovász-Softmax loss: a tractable surrogate for the optimization of the
    intersection-over-union measure in neural networks", CVPR 2018, section 3.1 and algorithm 1:
    a photo's pixels in descending order of their error `max(0, 1 - logit * sign)` are dotted
    with what each adds to the Jaccard distance. On an empty mask this is the largest error.
    """

    def loss(self, logits: Tensor, target: Tensor) -> Tensor:
        """Compute the loss from float32 logits and target, both (N, 1, H, W)."""
        truth = target.flatten(1)
        errors = F.relu(1 - logits.flatten(1) * (2 * truth - 1))
        errors, order = errors.sort(dim=1, descending=True)
        with torch.no_grad():
            steps = _jaccard_steps(truth.gather(1, order))
        return (errors * steps).sum(1).mean()


def _jaccard_steps(truth: Tensor) -> Tensor:
    """Return the increment of the Jaccard distance by each pixel, in descending order of error.

    Parameters
    ----------
    truth
        (N, pixels) of 0 and 1, in descending order of error.

    Returns
    -------
    Tensor
        (N, pixels), each in [0, 1]; a row sums to 1.
    """
    intersection = truth.sum(1, keepdim=True) - truth.cumsum(1)
    union = truth.sum(1, keepdim=True) + (1 - truth).cumsum(1)
    distance = 1 - intersection / union
    return torch.diff(distance, dim=1, prepend=torch.zeros_like(distance[:, :1]))
