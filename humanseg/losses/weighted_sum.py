"""Several losses at once."""

import math
from collections.abc import Sequence

from torch import Tensor, nn

from humanseg.losses.base import SegmentationLoss, require


class WeightedSum(SegmentationLoss):
    """`sum(weight * loss)` over any losses of this package.

    Parameters
    ----------
    losses
        At least one loss; a `WeightedSum` may be among them.
    weights
        One finite weight, at least 0, for each loss.

    Raises
    ------
    HumansegError
        There is no loss, the two lengths differ, or a weight is negative or not finite.
    """

    def __init__(self, losses: Sequence[nn.Module], weights: Sequence[float]) -> None:
        super().__init__()
        require(len(losses) > 0, self, "losses must hold at least one loss")
        require(
            len(losses) == len(weights),
            self,
            f"losses and weights must be of one length, not {len(losses)} and {len(weights)}",
        )
        require(
            all(0 <= weight < math.inf for weight in weights),
            self,
            "weights must be finite and at least 0",
        )
        self.losses = nn.ModuleList(losses)
        self.weights = [float(weight) for weight in weights]

    def loss(self, logits: Tensor, target: Tensor) -> Tensor:
        """Compute the sum from float32 logits and target, both (N, 1, H, W)."""
        total = logits.new_zeros(())
        for loss, weight in zip(self.losses, self.weights, strict=True):
            total = total + weight * loss(logits, target)
        return total
