"""The exported network: a `Segmenter` with probability and mask as outputs, for any size."""

import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram

from humanseg.models import Segmenter
from humanseg.models.ensemble import Ensemble

INPUT = "photo"
OUTPUTS = ("probability", "mask")


class PhotoToMask(nn.Module):
    """A `Segmenter` or several, with a threshold: photos in, probabilities and masks out.

    Parameters
    ----------
    segmenter
        uint8 photos to logits; it is put into evaluation mode.
    threshold
        In (0, 1): a pixel is person where its probability is above it.
    """

    def __init__(self, segmenter: Segmenter | Ensemble, threshold: float) -> None:
        super().__init__()
        self.segmenter = segmenter.eval()
        for child in self.segmenter.modules():
            if isinstance(child, nn.Hardtanh):
                child.__class__ = _Clamp
        self.threshold = threshold

    def forward(self, photo: Tensor) -> tuple[Tensor, Tensor]:
        """Predict.

        Parameters
        ----------
        photo
            uint8 RGB (N, 3, H, W), any N, H and W from 1 up.

        Returns
        -------
        probability
            float32 (N, 1, H, W), in [0, 1].
        mask
            uint8 (N, 1, H, W), in {0, 1}.
        """
        logits = self.segmenter(photo)
        assert isinstance(logits, Tensor)
        probability = logits.sigmoid()
        return probability, (probability > self.threshold).to(torch.uint8)


class _Clamp(nn.Hardtanh):
    """ReLU6 and its kind, as the one operation that it is.

    The exporter takes `hardtanh` apart into arithmetic on symbolic sizes: for MobileNetV2 and
    EfficientNet-Lite more than half of the time of a conversion.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return the same shape, no value outside of the bounds."""
        return input.clamp(self.min_val, self.max_val)


def trace(network: PhotoToMask) -> ExportedProgram:
    """Record what a network in fp32 on the CPU does, for photos of any number and size."""
    # Two photos whose sides differ and suit no stride: torch takes a 1, and sizes that agree,
    # for constants of the graph.
    stride = network.segmenter.stride
    photo = torch.zeros(2, 3, 3 * stride - 1, 2 * stride - 1, dtype=torch.uint8)
    size = {0: Dim.DYNAMIC, 2: Dim.DYNAMIC, 3: Dim.DYNAMIC}
    with torch.no_grad():
        return torch.export.export(network, (photo,), dynamic_shapes={INPUT: size})
