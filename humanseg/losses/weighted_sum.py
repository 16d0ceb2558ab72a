"""Several losses at once."""

from typing import Annotated

from annotated_types import MinLen
from torch import Tensor, nn

from humanseg.config.ranges import NotNegative
from humanseg.errors import HumansegError
from humanseg.losses.base import SegmentationLoss, in_ranges


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
        The two lengths differ.
    """

    @in_ranges
    def __init__(
        self, losses: Annotated[list[nn.Module], MinLen(1)], weights: list[NotNegative]
    ) -> None:
        super().__init__()
        if len(losses) != len(weights):
            raise HumansegError(
                f"WeightedSum: losses and weights must be of one length, not {len(losses)} and "
                f"{len(weights)}. Change it in the loss group, or on the command line."
            )
        self.losses = nn.ModuleList(losses)
        self.weights = [float(weight) for weight in weights]

    def loss(self, logits: Tensor, target: Tensor) -> Tensor:
        """Compute the sum from float32 logits and target, both (N, 1, H, W)."""
        total = logits.new_zeros(())
        for loss, weight in zip(self.losses, self.weights, strict=True):
            total = total + weight * loss(logits, target)
        return total
