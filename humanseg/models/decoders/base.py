"""The expanding path of U-Net on the maps of any backbone."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from humanseg.models.backbones.base import Backbone, require_growing_reductions
from humanseg.models.layers import double_conv, enlarge

BlockFactory = Callable[[int, int, int, int], nn.Module]


class UpBlock(nn.Module):
    """One step of the expanding path: enlarge, join the skip, two convolutions.

    Ronneberger et al. 2015 (https://arxiv.org/abs/1505.04597), with the transposed convolution
    replaced by repetition, which leaves no checkerboard (https://distill.pub/2016/deconv-checkerboard).

    Parameters
    ----------
    inputs
        Channels from the coarser step.
    skip
        Channels of the backbone's map at this size; 0 where it has none.
    outputs
        Channels that this step gives.
    factor
        How many times larger this step's map is than the coarser one; 1 in a dilated backbone.
    """

    def __init__(self, inputs: int, skip: int, outputs: int, factor: int) -> None:
        super().__init__()
        self.factor = factor
        self.convs = double_conv(inputs + skip, outputs)

    def forward(self, x: Tensor, skip: Tensor | None) -> Tensor:
        """Join (N, inputs, H, W) and (N, skip, factor·H, factor·W)."""
        x = enlarge(x, self.factor)
        return self.convs(x if skip is None else torch.cat([x, skip], dim=1))


class UNetDecoder(nn.Module):
    """The expanding path, from the coarsest map of a backbone to the photo's size.

    There is a step for every map but the coarsest, whatever their reductions are, and then steps
    without a skip until the reduction is ``until``. On a ResNet (maps at 2, 4, 8, 16, 32) the
    steps end at 16, 8, 4, 2, 1; on a ConvNeXt (4, 8, 16, 32) too, the last two without a skip.

    Parameters
    ----------
    backbone
        Gives channels and reductions.
    channels
        Channels of the step that ends at reduction 1, 2, 4, 8, 16, …; the last number also
        serves all coarser steps.
    block
        Builds one step from (inputs, skip, outputs, factor), as `UpBlock` does.
    net
        Name of the net, for messages.
    coarsest
        Channels of the coarsest map as it reaches the decoder, where the net changes them on the
        way; None takes the backbone's.
    until
        Reduction at which steps without a skip end.

    Attributes
    ----------
    outputs, reductions
        Channels and reduction of each step's result, coarsest first.

    Raises
    ------
    HumansegError
        The reductions of the backbone do not nest, or ``channels`` holds no positive number.
    """

    def __init__(
        self,
        backbone: Backbone,
        channels: Sequence[int],
        block: BlockFactory = UpBlock,
        net: str = "UNet",
        coarsest: int | None = None,
        until: int = 1,
    ) -> None:
        super().__init__()
        require_growing_reductions(backbone, net)
        targets = list(zip(backbone.reductions, backbone.channels, strict=True))[-2::-1]
        targets += [(reduction, 0) for reduction in halvings(backbone.reductions[0], until)]
        self.outputs: list[int] = []
        self.reductions: list[int] = []
        steps: list[nn.Module] = []
        inputs, reached = coarsest or backbone.channels[-1], backbone.reductions[-1]
        for reduction, skip in targets:
            outputs = width_at(channels, reduction)
            steps.append(block(inputs, skip, outputs, reached // reduction))
            inputs, reached = outputs, reduction
            self.outputs.append(outputs)
            self.reductions.append(reduction)
        self.steps = nn.ModuleList(steps)

    def forward(self, features: Sequence[Tensor]) -> list[Tensor]:
        """Decode.

        Parameters
        ----------
        features
            The backbone's maps, finest first.

        Returns
        -------
        list of Tensor
            The result of every step, coarsest first: (N, outputs[i], H / reductions[i],
            W / reductions[i]) for a photo of H×W.
        """
        x = features[-1]
        skips = list(features[-2::-1])
        results: list[Tensor] = []
        for index, step in enumerate(self.steps):
            x = step(x, skips[index] if index < len(skips) else None)
            results.append(x)
        return results


def halvings(reduction: int, until: int = 1) -> list[int]:
    """List the reductions on the way down, halving where that leaves no remainder.

    Parameters
    ----------
    reduction
        Where the way begins, for example 4 for [2, 1].
    until
        Where it ends.

    Returns
    -------
    list of int
        Decreasing, the last one ``until`` or, past an odd number, 1; empty where ``reduction``
        is there already.
    """
    way: list[int] = []
    while reduction > until:
        reduction = reduction // 2 if reduction % 2 == 0 else 1
        way.append(reduction)
    return way


def width_at(channels: Sequence[int], reduction: int) -> int:
    """Look up how many channels a decoder has at a reduction.

    Parameters
    ----------
    channels
        At reduction 1, 2, 4, 8, …; the last number serves all that is coarser.
    reduction
        From 1 up.

    Returns
    -------
    int
        For a reduction between two powers of two, the number of the smaller one.
    """
    return int(channels[min(reduction.bit_length() - 1, len(channels) - 1)])
