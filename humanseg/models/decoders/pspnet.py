"""PSPNet: pyramid pooling on the coarsest feature map of a backbone."""

from collections.abc import Sequence
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from humanseg.config.ranges import Count, Widths
from humanseg.errors import HumansegError
from humanseg.models.backbones.base import Backbone
from humanseg.models.decoders.base import halvings
from humanseg.models.layers import Dropout, Head, conv_bn_relu, initialise, with_auxiliary


class PyramidPooling(nn.Module):
    """Pyramid pooling, Zhao et al. 2017 (https://arxiv.org/abs/1612.01105, section 3.2).

    The map is averaged over grids of 1×1, 2×2, … cells. Each of these is reduced by a 1×1
    convolution, enlarged bilinearly and joined to the map, so that every pixel sees the whole
    photo and its parts.

    Parameters
    ----------
    inputs
        Channels of the map; each of the n grids is reduced to ``inputs / n`` of them.
    bins
        Cells per side of each grid. A grid finer than the map repeats pixels.
    """

    def __init__(self, inputs: int, bins: Sequence[int]) -> None:
        super().__init__()
        self.bins = [int(cells) for cells in bins]
        outputs = max(inputs // len(self.bins), 1)
        self.reduce = nn.ModuleList(
            # One cell is one number per channel and photo: batch norm over a batch of one photo
            # is not defined there.
            nn.Sequential(nn.Conv2d(inputs, outputs, 1), nn.ReLU(inplace=True))
            if cells == 1
            else conv_bn_relu(inputs, outputs, kernel=1)
            for cells in self.bins
        )
        self.outputs = inputs + len(self.bins) * outputs

    def forward(self, x: Tensor) -> Tensor:
        """Turn (N, inputs, H, W) into (N, outputs, H, W), the map itself first."""
        size = x.shape[-2:]
        levels = [x]
        for cells, reduce in zip(self.bins, self.reduce, strict=True):
            level = reduce(average_cells(x, cells))
            levels.append(F.interpolate(level, size=size, mode="bilinear", align_corners=False))
        return torch.cat(levels, dim=1)


def average_cells(x: Tensor, cells: int) -> Tensor:
    """Average a map over a grid of cells, as ``adaptive_avg_pool2d`` does.

    Cell i spans the rows from floor(i·H / cells) to ceil((i + 1)·H / cells): neighbours overlap
    where H is no multiple of the cells, and repeat pixels where H is smaller.

    Parameters
    ----------
    x
        (N, C, H, W).
    cells
        Cells per side.

    Returns
    -------
    Tensor
        (N, C, cells, cells).
    """
    if not (
        torch.compiler.is_exporting()
        or (x.is_cuda and torch.are_deterministic_algorithms_enabled())
    ):
        return F.adaptive_avg_pool2d(x, cells)
    # torch exports the pooling as indices that hold for larger maps only: an exported PSPNet then
    # fails on a small photo. And on a GPU its gradient is not deterministic, which torch refuses
    # where it is asked to be. As two matrix products it holds for every size and is.
    rows, columns = (_cell_weights(size, cells, x) for size in x.shape[-2:])
    return rows @ x @ columns.T


def _cell_weights(size: int, cells: int, like: Tensor) -> Tensor:
    """Weigh each of ``size`` rows in each cell's mean: (cells, size), every row sums to 1."""
    position = torch.arange(size, device=like.device)
    cell = torch.arange(cells, device=like.device).unsqueeze(1)
    first = cell * size // cells
    end = ((cell + 1) * size + cells - 1) // cells
    inside = ((position >= first) & (position < end)).to(like.dtype)
    return inside / inside.sum(dim=1, keepdim=True)


class SubPixelUpsampling(nn.Sequential):
    """Learned enlarging in steps of two, as Shi et al. 2016 (https://arxiv.org/abs/1609.05158).

    Each step computes the four pixels that one pixel becomes and shuffles them into place, with
    half the channels of the step before, and at least 16.

    Parameters
    ----------
    inputs
        Channels of the map.
    factor
        How many times larger the result is.
    """

    def __init__(self, inputs: int, factor: int) -> None:
        steps: list[nn.Module] = []
        outputs, reached = inputs, factor
        for reduction in halvings(factor):
            previous, outputs = outputs, max(outputs // 2, 16)
            ratio, reached = reached // reduction, reduction
            steps += [
                nn.Conv2d(previous, outputs * ratio**2, 3, padding=1, bias=False),
                nn.PixelShuffle(ratio),
                nn.BatchNorm2d(outputs),
                nn.ReLU(inplace=True),
            ]
        super().__init__(*steps)
        self.outputs = outputs

    def start_smooth(self) -> None:
        """Give the pixels that one pixel becomes equal weights, so that no checkerboard is there.

        Aitken et al. 2017, https://arxiv.org/abs/1707.02937.
        """
        for conv, shuffle in zip(self, list(self)[1:], strict=False):
            if isinstance(conv, nn.Conv2d) and isinstance(shuffle, nn.PixelShuffle):
                repeats = shuffle.upscale_factor**2
                once = conv.weight.detach()[::repeats]
                with torch.no_grad():
                    conv.weight.copy_(once.repeat_interleave(repeats, dim=0))


class PSPNet(nn.Module):
    """PSPNet, Zhao et al. 2017 (https://arxiv.org/abs/1612.01105), on any backbone.

    Works on the backbone's coarsest map. The paper dilates the backbone until that is 8 times
    smaller than the photo (``backbone.output_stride=8``); 16 is about twice as fast.

    Parameters
    ----------
    backbone
        Any.
    pool_sizes
        Cells per side of the pooling grids; the paper has 1, 2, 3, 6.
    decoder_channels
        Channels between the pyramid and the logits; the paper has 512 on ResNet-50 and larger.
    upsampling
        How logits get the photo's size: ``bilinear``, as in the paper, or ``learned``
        (`SubPixelUpsampling`).
    dropout
        Probability of dropping a channel before the logits; the authors' code has 0.1.
    auxiliary
        Whether, in training, a second head predicts from the map before the coarsest one (the
        paper, section 3.3, weighs its loss with 0.4).

    Raises
    ------
    HumansegError
        An auxiliary head is requested on a backbone with a single map; ``pool_sizes`` are not
        positive; ``upsampling`` is unknown.
    """

    def __init__(
        self,
        backbone: Backbone,
        pool_sizes: Widths = (1, 2, 3, 6),
        decoder_channels: Count = 128,
        upsampling: Literal["bilinear", "learned"] = "bilinear",
        dropout: Dropout = 0.1,
        auxiliary: bool = False,
    ) -> None:
        super().__init__()
        if auxiliary and len(backbone.channels) < 2:
            raise HumansegError(
                f"PSPNet with auxiliary=true needs two maps, and the backbone {backbone.name} "
                f"gives {len(backbone.channels)}. Set model.auxiliary=false or keep more of its "
                "stages."
            )
        self.backbone = backbone
        self.pyramid = PyramidPooling(backbone.channels[-1], pool_sizes)
        self.fuse = conv_bn_relu(self.pyramid.outputs, decoder_channels)
        self.dropout = nn.Dropout2d(dropout)
        factor = backbone.reductions[-1]
        learned = upsampling == "learned"
        self.upsampling = SubPixelUpsampling(decoder_channels, factor if learned else 1)
        self.head = Head(self.upsampling.outputs, 1 if learned else factor)
        self.aux_heads = nn.ModuleList()
        if auxiliary:
            inputs, hidden = backbone.channels[-2], max(backbone.channels[-2] // 4, 16)
            self.aux_heads.append(
                nn.Sequential(
                    conv_bn_relu(inputs, hidden),
                    nn.Dropout2d(dropout),
                    Head(hidden, backbone.reductions[-2]),
                )
            )
        for name, part in self.named_children():
            if name != "backbone":
                initialise(part)
        self.upsampling.start_smooth()

    def forward(self, image: Tensor) -> Tensor | list[Tensor]:
        """Predict.

        Parameters
        ----------
        image
            Normalised photos (N, 3, H, W), H and W multiples of the backbone's stride.

        Returns
        -------
        Tensor or list of Tensor
            Logits (N, 1, H, W); in training mode with an auxiliary head ``[main, auxiliary]``.
        """
        features = self.backbone(image)
        x = self.dropout(self.fuse(self.pyramid(features[-1])))
        logits = self.head(self.upsampling(x))
        return with_auxiliary(logits, self.aux_heads, features[-2:-1])
