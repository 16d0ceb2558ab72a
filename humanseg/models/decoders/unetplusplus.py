"""U-Net++: nested, dense skip connections."""

import torch
from torch import Tensor, nn

from humanseg.config.ranges import Widths
from humanseg.models.backbones.base import Backbone, require_growing_reductions
from humanseg.models.decoders.base import UpBlock, halvings, width_at
from humanseg.models.layers import Head, double_conv, enlarge, initialise, with_auxiliary


class UNetPlusPlus(nn.Module):
    """U-Net++, Zhou et al. 2018 (https://arxiv.org/abs/1807.10165), on any backbone.

    Node X(i, 0) is the backbone's map i, finest first; node X(i, j) joins all nodes X(i, 0) to
    X(i, j - 1) of its own size with the enlarged X(i + 1, j - 1) (the paper, equation 1). The
    last node of the finest row is decoded; where it is smaller than the photo, steps without a
    skip follow, as in `UNet`.

    Parameters
    ----------
    backbone
        Any.
    decoder_channels
        Channels of the nodes at reduction 1, 2, 4, 8, 16, …; the last number also serves all
        coarser ones. The paper has 32, 64, 128, 256, 512.
    deep_supervision
        Whether, in training, the other nodes of the finest row predict too (the paper,
        section 3.2).

    Raises
    ------
    HumansegError
        The reductions of the backbone do not nest.
    """

    def __init__(
        self,
        backbone: Backbone,
        decoder_channels: Widths = (16, 32, 64, 128, 256),
        deep_supervision: bool = False,
    ) -> None:
        super().__init__()
        require_growing_reductions(backbone, "UNetPlusPlus")
        self.backbone = backbone
        maps, reductions = backbone.channels, backbone.reductions
        self.factors = [
            coarser // finer for finer, coarser in zip(reductions, reductions[1:], strict=False)
        ]
        widths = [width_at(decoder_channels, reduction) for reduction in reductions]
        # Column j has the nodes X(0, j) to X(last - j, j): it is one shorter than column j - 1.
        self.columns = nn.ModuleList()
        for column in range(1, len(maps)):
            below = maps if column == 1 else widths
            self.columns.append(
                nn.ModuleList(
                    double_conv(
                        maps[row] + (column - 1) * widths[row] + below[row + 1], widths[row]
                    )
                    for row in range(len(maps) - column)
                )
            )
        finest = widths[0] if len(maps) > 1 else maps[0]
        outputs, reached = finest, reductions[0]
        self.steps = nn.ModuleList()
        for reduction in halvings(reached):
            width = width_at(decoder_channels, reduction)
            self.steps.append(UpBlock(outputs, 0, width, reached // reduction))
            outputs, reached = width, reduction
        self.head = Head(outputs)
        self.aux_heads = nn.ModuleList(
            Head(finest, reductions[0]) for _ in range(len(maps) - 2 if deep_supervision else 0)
        )
        for part in (self.columns, self.steps, self.head, self.aux_heads):
            initialise(part)

    def forward(self, image: Tensor) -> Tensor | list[Tensor]:
        """Predict.

        Parameters
        ----------
        image
            Normalised photos (N, 3, H, W), H and W multiples of the backbone's stride.

        Returns
        -------
        Tensor or list of Tensor
            Logits (N, 1, H, W); in training mode with deep supervision a list of such tensors:
            the main one, then those of X(0, j) from the largest j down to 1.
        """
        rows = [[feature] for feature in self.backbone(image)]
        for column in self.columns:
            # A column's nodes read the column before only, so the newest of each row is taken
            # before any is added.
            below = [row[-1] for row in rows]
            for row, node in enumerate(column.children()):
                coarser = enlarge(below[row + 1], self.factors[row])
                rows[row].append(node(torch.cat([*rows[row], coarser], dim=1)))
        x = rows[0][-1]
        for step in self.steps:
            x = step(x, None)
        return with_auxiliary(self.head(x), self.aux_heads, rows[0][-2:0:-1])
