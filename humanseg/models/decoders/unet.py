"""U-Net on any backbone."""

from torch import Tensor, nn

from humanseg.config.ranges import Widths
from humanseg.errors import HumansegError
from humanseg.models.backbones.base import Backbone
from humanseg.models.decoders.base import BlockFactory, UNetDecoder, UpBlock
from humanseg.models.layers import Dropout, Head, initialise, with_auxiliary


class UNet(nn.Module):
    """U-Net, Ronneberger et al. 2015 (https://arxiv.org/abs/1505.04597), on any backbone.

    On `PlainBackbone` it is the net of the paper, padded and with batch norm. On other backbones,
    whose finest map is smaller than the photo, the last steps have no skip.

    Parameters
    ----------
    backbone
        Any: skips come from whatever maps it has.
    decoder_channels
        Channels of the decoder at reduction 1, 2, 4, 8, 16, …; the last number also serves all
        coarser steps. The paper has 64, 128, 256, 512.
    dropout
        Probability of dropping a channel of the coarsest map (the paper, section 3.1: "drop-out
        layers at the end of the contracting path").
    deep_supervision
        How many of the steps before the last get an auxiliary head, the finest of them first
        (Lee et al. 2015, https://arxiv.org/abs/1409.5185). Training only.
    block
        Builds one step of the decoder; see `UNetDecoder`.

    Raises
    ------
    HumansegError
        The backbone does not suit, or has fewer steps than ``deep_supervision`` asks for.
    """

    def __init__(
        self,
        backbone: Backbone,
        decoder_channels: Widths = (16, 32, 64, 128, 256),
        dropout: Dropout = 0.0,
        deep_supervision: int = 0,
        block: BlockFactory = UpBlock,
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.dropout = nn.Dropout2d(dropout)
        self.decoder = UNetDecoder(backbone, decoder_channels, block, type(self).__name__)
        steps = list(zip(self.decoder.outputs, self.decoder.reductions, strict=True))[::-1]
        if not steps:
            raise HumansegError(
                f"{type(self).__name__} needs a backbone of at least two maps, and "
                f"{backbone.name} has one: give one more number to backbone.widths, or keep more "
                "of its stages.",
                code="models.too_few_maps",
            )
        if not 0 <= deep_supervision < len(steps):
            raise HumansegError(
                f"{type(self).__name__} on the backbone {backbone.name} has {len(steps)} decoder "
                f"steps: deep_supervision={deep_supervision} must be from 0 to below that."
            )
        self.head = Head(*steps[0])
        self.aux_heads = nn.ModuleList(Head(*step) for step in steps[1 : 1 + deep_supervision])
        for part in (self.decoder, self.head, self.aux_heads):
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
            Logits (N, 1, H, W); in training mode with deep supervision a list of such tensors,
            the main one first, then from fine to coarse.
        """
        features = self.backbone(image)
        features[-1] = self.dropout(features[-1])
        results = self.decoder(features)[::-1]
        return with_auxiliary(self.head(results[0]), self.aux_heads, results[1:])
