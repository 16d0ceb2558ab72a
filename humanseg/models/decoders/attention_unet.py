"""U-Net with attention: gates on its skip connections, or scSE after every step."""

from typing import Literal

import torch.nn.functional as F
from torch import Tensor, nn

from humanseg.config.ranges import Widths
from humanseg.models.backbones.base import Backbone
from humanseg.models.decoders.base import UpBlock
from humanseg.models.decoders.unet import UNet
from humanseg.models.layers import Dropout


class AttentionGate(nn.Module):
    """Additive attention gate, Oktay et al. 2018 (https://arxiv.org/abs/1804.03999, figure 2).

    The coarser map says which pixels of the skip matter: q = ψ(ReLU(W_x x + W_g g + b_g)) + b_ψ
    on the coarser grid (equation 1), α = sigmoid(q) enlarged bilinearly, result α·x.

    Parameters
    ----------
    skip
        Channels of the skip x.
    gating
        Channels of the coarser map g.
    factor
        How many times larger the skip's map is.
    """

    def __init__(self, skip: int, gating: int, factor: int) -> None:
        super().__init__()
        hidden = max(skip // 2, 1)
        self.factor = factor
        self.of_skip = nn.Conv2d(skip, hidden, factor, stride=factor, bias=False)
        self.of_gating = nn.Conv2d(gating, hidden, 1)
        self.weigh = nn.Conv2d(hidden, 1, 1)

    def forward(self, x: Tensor, gating: Tensor) -> Tensor:
        """Gate x (N, skip, factor·H, factor·W) by (N, gating, H, W); x's shape is kept."""
        alpha = self.weigh(F.relu(self.of_skip(x) + self.of_gating(gating))).sigmoid()
        if self.factor > 1:
            alpha = F.interpolate(
                alpha, scale_factor=self.factor, mode="bilinear", align_corners=False
            )
        return x * alpha


class SqueezeExcitation(nn.Module):
    """Concurrent spatial and channel squeeze and excitation, scSE.

    Roy et al. 2018 (https://arxiv.org/abs/1803.02579, figure 1d): the map weighted per channel,
    plus the map weighted per pixel.

    Parameters
    ----------
    channels
        Channels of the map; the hidden layer has half as many, as in the paper.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        hidden = max(channels // 2, 1)
        self.of_channels = nn.Sequential(
            nn.Conv2d(channels, hidden, 1),
            nn.ReLU(inplace=True),
            nn.Conv2d(hidden, channels, 1),
            nn.Sigmoid(),
        )
        self.of_pixels = nn.Sequential(nn.Conv2d(channels, 1, 1), nn.Sigmoid())

    def forward(self, x: Tensor) -> Tensor:
        """Weigh x (N, channels, H, W); its shape is kept."""
        return x * self.of_channels(x.mean(dim=(2, 3), keepdim=True)) + x * self.of_pixels(x)


class GatedUpBlock(UpBlock):
    """An `UpBlock` whose skip goes through an `AttentionGate`; see `UpBlock` for parameters."""

    def __init__(self, inputs: int, skip: int, outputs: int, factor: int) -> None:
        super().__init__(inputs, skip, outputs, factor)
        self.gate = AttentionGate(skip, inputs, factor) if skip else None

    def forward(self, x: Tensor, skip: Tensor | None) -> Tensor:
        """Join (N, inputs, H, W) and (N, skip, factor·H, factor·W)."""
        if self.gate is not None and skip is not None:
            skip = self.gate(skip, x)
        return super().forward(x, skip)


class ExcitedUpBlock(UpBlock):
    """An `UpBlock` followed by `SqueezeExcitation`; see `UpBlock` for parameters."""

    def __init__(self, inputs: int, skip: int, outputs: int, factor: int) -> None:
        super().__init__(inputs, skip, outputs, factor)
        self.excitation = SqueezeExcitation(outputs)

    def forward(self, x: Tensor, skip: Tensor | None) -> Tensor:
        """Join (N, inputs, H, W) and (N, skip, factor·H, factor·W)."""
        return self.excitation(super().forward(x, skip))


class AttentionUNet(UNet):
    """`UNet` with attention in its decoder.

    Parameters
    ----------
    backbone
        Any.
    attention
        ``gate``: attention gates on the skips (Attention U-Net, Oktay et al. 2018); ``scse``:
        squeeze and excitation behind every step (Roy et al. 2018).
    decoder_channels, dropout, deep_supervision
        As in `UNet`.

    Raises
    ------
    HumansegError
        As in `UNet`.
    """

    def __init__(
        self,
        backbone: Backbone,
        attention: Literal["gate", "scse"] = "gate",
        decoder_channels: Widths = (16, 32, 64, 128, 256),
        dropout: Dropout = 0.0,
        deep_supervision: int = 0,
    ) -> None:
        blocks = {"gate": GatedUpBlock, "scse": ExcitedUpBlock}
        super().__init__(
            backbone, decoder_channels, dropout, deep_supervision, block=blocks[attention]
        )
