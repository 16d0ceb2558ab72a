"""Several models as one: the weighted mean of their logits."""

import math
from collections.abc import Sequence

from torch import Tensor, nn

from humanseg.models.segmenter import Segmenter


class Ensemble(nn.Module):
    """Models whose logits are averaged, for prediction only.

    Parameters
    ----------
    members
        Each predicts at its own ``eval_sizes``.
    weights
        One for each member; their sum is 1.
    """

    def __init__(self, members: Sequence[Segmenter], weights: Sequence[float]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)
        self.weights = tuple(weights)
        self.stride = math.lcm(*(member.stride for member in members))

    def forward(self, image: Tensor) -> Tensor:
        """Predict.

        Parameters
        ----------
        image
            uint8 RGB (N, 3, H, W), any H and W from 1 up.

        Returns
        -------
        Tensor
            Logits, float32 (N, 1, H, W).
        """
        first, *others = (
            weight * member(image)
            for weight, member in zip(self.weights, self.members, strict=True)
        )
        return sum(others, first)
