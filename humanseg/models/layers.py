"""Small layers that the decoders share."""

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from humanseg.config.ranges import BelowOne

Dropout = BelowOne
"""The share of a map that is set to 0 in training."""


def conv_bn_relu(inputs: int, outputs: int, kernel: int = 3) -> nn.Sequential:
    """Build convolution, batch norm and ReLU; the map keeps its size.

    Parameters
    ----------
    inputs, outputs
        Channels before and after.
    kernel
        Odd kernel size.

    Returns
    -------
    Sequential
        (N, inputs, H, W) -> (N, outputs, H, W).
    """
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


def double_conv(inputs: int, outputs: int) -> nn.Sequential:
    """Build two 3×3 `conv_bn_relu`, the block of U-Net (https://arxiv.org/abs/1505.04597).

    Parameters
    ----------
    inputs, outputs
        Channels before and after.

    Returns
    -------
    Sequential
        (N, inputs, H, W) -> (N, outputs, H, W).
    """
    return nn.Sequential(conv_bn_relu(inputs, outputs), conv_bn_relu(outputs, outputs))


def enlarge(x: Tensor, factor: int) -> Tensor:
    """Repeat every pixel; a decoder's convolutions smooth the result.

    Parameters
    ----------
    x
        (N, C, H, W).
    factor
        1 returns ``x`` itself.

    Returns
    -------
    Tensor
        (N, C, factor·H, factor·W).
    """
    return x if factor == 1 else F.interpolate(x, scale_factor=factor, mode="nearest")


class Head(nn.Module):
    """The last layer: features to logits, brought to the photo's size bilinearly.

    Parameters
    ----------
    inputs
        Channels of the features.
    factor
        How many times smaller than the photo they are.
    """

    def __init__(self, inputs: int, factor: int = 1) -> None:
        super().__init__()
        self.factor = factor
        self.conv = nn.Conv2d(inputs, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Turn features (N, C, H, W) into logits (N, 1, factor·H, factor·W)."""
        logits = self.conv(x)
        if self.factor == 1:
            return logits
        # In float: a bfloat16 grid of logits shows as steps once it is enlarged.
        return F.interpolate(
            logits.float(), scale_factor=self.factor, mode="bilinear", align_corners=False
        )


def with_auxiliary(
    logits: Tensor, heads: nn.ModuleList, features: Sequence[Tensor]
) -> Tensor | list[Tensor]:
    """Add auxiliary heads beside the main one, in training mode only.

    Parameters
    ----------
    logits
        Of the main head, (N, 1, H, W).
    heads
        The auxiliary ones, of a net that is in one mode as a whole.
    features
        What they look at, at least one for each.

    Returns
    -------
    Tensor or list of Tensor
        ``logits``; in training mode, where there are heads, a list that begins with them.
    """
    if not (heads.training and len(heads)):
        return logits
    return [logits, *(head(feature) for head, feature in zip(heads, features, strict=False))]


def initialise(module: nn.Module) -> None:
    """Initialise for training from scratch, in place.

    Convolutions before a ReLU as He et al. 2015 (https://arxiv.org/abs/1502.01852, equation 10)
    derive, so that the variance of the signal is kept; the convolution of a `Head` as Glorot and
    Bengio 2010 (https://proceedings.mlr.press/v9/glorot10a.html, equation 16), so that logits
    start about as large as one, around zero; batch norms as the identity.

    Parameters
    ----------
    module
        A decoder or a plain encoder: every convolution and batch norm in it is initialised again.
    """
    for child in module.modules():
        if isinstance(child, nn.Conv2d):
            nn.init.kaiming_normal_(child.weight, mode="fan_in", nonlinearity="relu")
            if child.bias is not None:
                nn.init.zeros_(child.bias)
        elif isinstance(child, nn.BatchNorm2d):
            nn.init.ones_(child.weight)
            nn.init.zeros_(child.bias)
    for child in module.modules():
        if isinstance(child, Head):
            nn.init.xavier_uniform_(child.conv.weight)
