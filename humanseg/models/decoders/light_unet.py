"""A light U-Net for phones: few channels, separable convolutions, added skip connections."""

from functools import partial

from torch import Tensor, nn

from humanseg.config.ranges import Widths
from humanseg.models.backbones.base import Backbone
from humanseg.models.decoders.base import UNetDecoder, width_at
from humanseg.models.layers import Head, conv_bn_relu, enlarge, initialise


def separable_conv(inputs: int, outputs: int) -> nn.Sequential:
    """Build a depthwise separable convolution, Howard et al. 2017.

    A 3×3 filter per channel, then a 1×1 mix of channels, each with batch norm and ReLU
    (MobileNets, https://arxiv.org/abs/1704.04861, figure 3).

    Parameters
    ----------
    inputs, outputs
        Channels before and after.

    Returns
    -------
    Sequential
        (N, inputs, H, W) -> (N, outputs, H, W).
    """
    return nn.Sequential(
        nn.Conv2d(inputs, inputs, 3, padding=1, groups=inputs, bias=False),
        nn.BatchNorm2d(inputs),
        nn.ReLU(inplace=True),
        conv_bn_relu(inputs, outputs, kernel=1),
    )


class ContextGate(nn.Module):
    """The context of LR-ASPP, Howard et al. 2019.

    MobileNetV3 (https://arxiv.org/abs/1905.02244, figure 10): a 1×1 convolution of the coarsest
    map, weighted per channel by what the whole photo holds.

    Parameters
    ----------
    inputs, outputs
        Channels before and after.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.reduce = conv_bn_relu(inputs, outputs, kernel=1)
        self.weigh = nn.Sequential(nn.Conv2d(inputs, outputs, 1, bias=False), nn.Sigmoid())

    def forward(self, x: Tensor) -> Tensor:
        """Turn (N, inputs, H, W) into (N, outputs, H, W)."""
        return self.reduce(x) * self.weigh(x.mean(dim=(2, 3), keepdim=True))


class AddingUpBlock(nn.Module):
    """A decoder step that adds its skip instead of joining it.

    As in feature pyramid networks (Lin et al. 2017, https://arxiv.org/abs/1612.03144, figure 3):
    both maps are brought to the same channels by 1×1 convolutions, the coarser one while it is
    still small, and added; a separable convolution then replaces the paper's plain one.

    Parameters
    ----------
    inputs, skip, outputs, factor
        As in `UpBlock`.
    lateral_norm
        As in `LightUNet`.
    """

    def __init__(
        self, inputs: int, skip: int, outputs: int, factor: int, lateral_norm: bool = False
    ) -> None:
        super().__init__()
        self.factor = factor
        self.reduce = nn.Conv2d(inputs, outputs, 1, bias=False)
        self.lateral = _lateral(skip, outputs, lateral_norm) if skip else None
        self.norm = nn.Sequential(nn.BatchNorm2d(outputs), nn.ReLU(inplace=True))
        self.convs = separable_conv(outputs, outputs)

    def forward(self, x: Tensor, skip: Tensor | None) -> Tensor:
        """Add (N, inputs, H, W), enlarged, and (N, skip, factor·H, factor·W)."""
        x = enlarge(self.reduce(x), self.factor)
        if self.lateral is not None and skip is not None:
            x = x + self.lateral(skip)
        return self.convs(self.norm(x))


def _lateral(skip: int, outputs: int, norm: bool) -> nn.Module:
    conv = nn.Conv2d(skip, outputs, 1, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs)) if norm else conv


class LightUNet(nn.Module):
    """A light decoder for phones, on any backbone; meant for the MobileNets.

    A U-Net (https://arxiv.org/abs/1505.04597) put together from cheap parts: the context gate of
    LR-ASPP on the coarsest map, the added skips of feature pyramid networks, and the separable
    convolutions of MobileNet. It ends at half the photo's size, or at the backbone's finest map
    where that is larger, and enlarges the logits bilinearly.

    Parameters
    ----------
    backbone
        Any.
    decoder_channels
        Channels of the decoder at reduction 1, 2, 4, 8, 16, …; the last number also serves all
        coarser steps, and the context gate.
    lateral_norm
        Batch norm on each skip before it is added. The values of EfficientNet-Lite's maps are ten
        times as large as those of MobileNetV2, and without it they drown the coarser maps at first.

    Raises
    ------
    HumansegError
        The reductions of the backbone do not nest, or ``decoder_channels`` holds no positive
        number.
    """

    def __init__(
        self,
        backbone: Backbone,
        decoder_channels: Widths = (16, 16, 24, 40, 64, 96),
        lateral_norm: bool = False,
    ) -> None:
        super().__init__()
        self.backbone = backbone
        context = width_at(decoder_channels, backbone.reductions[-1])
        self.context = ContextGate(backbone.channels[-1], context)
        block = partial(AddingUpBlock, lateral_norm=lateral_norm)
        self.decoder = UNetDecoder(
            backbone, decoder_channels, block, "LightUNet", coarsest=context, until=2
        )
        if self.decoder.outputs:
            outputs, reduction = self.decoder.outputs[-1], self.decoder.reductions[-1]
        else:
            outputs, reduction = context, backbone.reductions[-1]
        self.head = Head(outputs, reduction)
        for part in (self.context, self.decoder, self.head):
            initialise(part)

    def forward(self, image: Tensor) -> Tensor:
        """Predict.

        Parameters
        ----------
        image
            Normalised photos (N, 3, H, W), H and W multiples of the backbone's stride.

        Returns
        -------
        Tensor
            Logits (N, 1, H, W).
        """
        features = self.backbone(image)
        features[-1] = self.context(features[-1])
        results = self.decoder(features)
        return self.head(results[-1] if results else features[-1])
