"""The contracting path of U-Net as a backbone of its own."""

from torch import Tensor, nn

from humanseg.config.ranges import Widths
from humanseg.models.backbones.base import Backbone
from humanseg.models.layers import Dropout, double_conv, initialise


class PlainBackbone(Backbone):
    """Double convolutions with max pooling between them, trained from scratch.

    The contracting path of Ronneberger et al. 2015 (https://arxiv.org/abs/1505.04597, figure 1),
    padded so that maps keep their size, with batch norm (Ioffe and Szegedy 2015). The first map
    is as large as the photo.

    Parameters
    ----------
    widths
        Channels of each level, finest first. The paper has 64, 128, 256, 512, 1024.
    dropout
        Probability of dropping a channel of the last map; the paper drops at the end of the
        contracting path.
    """

    def __init__(self, widths: Widths = (32, 64, 128, 256, 512), dropout: Dropout = 0.0) -> None:
        super().__init__()
        self.name = "plain"
        self.channels = [int(width) for width in widths]
        self.reductions = [2**level for level in range(len(widths))]
        self.stride = self.reductions[-1]
        # No weights expect anything else: the statistics of ImageNet, about those of any photos.
        self.mean = (0.485, 0.456, 0.406)
        self.std = (0.229, 0.224, 0.225)
        inputs = [3, *self.channels[:-1]]
        self.levels = nn.ModuleList(
            double_conv(narrow, wide) for narrow, wide in zip(inputs, self.channels, strict=True)
        )
        self.pool = nn.MaxPool2d(2)
        self.dropout = nn.Dropout2d(dropout)
        initialise(self)

    def forward(self, image: Tensor) -> list[Tensor]:
        """Compute the feature maps; see `Backbone.forward`."""
        features: list[Tensor] = []
        x = image
        for index, level in enumerate(self.levels):
            x = level(self.pool(x) if index else x)
            features.append(x)
        features[-1] = self.dropout(features[-1])
        return features
