"""What every loss shares: the shapes it takes, and fp32 inside."""

import torch
from pydantic import ConfigDict, validate_call
from torch import Tensor, nn

in_ranges = validate_call(config=ConfigDict(arbitrary_types_allowed=True, allow_inf_nan=False))
"""Makes a constructor raise a ValueError where an argument is out of its annotation's range."""


class SegmentationLoss(nn.Module):
    """A loss between logits and a two-valued mask.

    A subclass writes `loss`. It is called with autocast disabled and both tensors in fp32: sums
    over a photo's pixels do not fit the 8 bits of mantissa that bf16 has, nor the range of fp16.
    """

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """Compute the loss.

        Parameters
        ----------
        logits
            (N, 1, H, W), any floating dtype, any range.
        target
            (N, 1, H, W), any dtype, values in {0, 1}; in [0, 1] where the loss says so.

        Returns
        -------
        Tensor
            Scalar, float32.

        Raises
        ------
        ValueError
            The two shapes differ, or are not (N, 1, H, W).
        """
        if logits.shape != target.shape or logits.ndim != 4 or logits.shape[1] != 1:
            raise ValueError(
                "A loss takes logits and target of one shape (N, 1, H, W), "
                f"not {tuple(logits.shape)} and {tuple(target.shape)}."
            )
        device = logits.device.type
        if not torch.amp.is_autocast_available(device):
            return self.loss(logits.float(), target.float())
        with torch.autocast(device, enabled=False):
            return self.loss(logits.float(), target.float())

    def loss(self, logits: Tensor, target: Tensor) -> Tensor:
        """Compute the loss from logits and target, both float32 of shape (N, 1, H, W)."""
        raise NotImplementedError
