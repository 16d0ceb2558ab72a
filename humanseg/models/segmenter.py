"""The `Segmenter`: photo in, logits of the same size out; it handles geometry and colours."""

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from humanseg.io.resizing import working_size
from humanseg.models.backbones.base import Backbone
from humanseg.models.depthwise import speed_up_depthwise

Triple = tuple[float, float, float]


class Segmenter(nn.Module):
    """A net wrapped so that it takes photos as they are.

    Training, validation, the submission and an exported file all go through this module, and so
    cannot disagree about colour order, normalisation or padding.

    Parameters
    ----------
    net
        Normalised photos (N, 3, H, W), H and W multiples of ``stride``, to logits (N, 1, H, W);
        in training mode it may return a list, main logits first, then auxiliary ones.
    mean, std
        Per RGB channel, of photos in [0, 1].
    stride
        What the net's height and width must be multiples of.
    eval_sizes
        The longer sides at which the net works, outside training: photos are scaled to each of
        them, logits back, and averaged. None given: photos are taken as they are.
    mirrored
        For each of ``eval_sizes`` whether the net gets the mirrored photo there, and its logits
        are mirrored back; none given: nowhere.
    """

    # Not in the state dict: they follow from the backbone's name, as the architecture does.
    scale: Tensor
    shift: Tensor

    def __init__(
        self,
        net: nn.Module,
        mean: Triple,
        std: Triple,
        stride: int,
        eval_sizes: Sequence[int] = (),
        mirrored: Sequence[bool] = (),
    ) -> None:
        super().__init__()
        self.net = net
        self.stride = stride
        self.eval_sizes = tuple(eval_sizes)
        self.mirrored = tuple(mirrored) or (False,) * len(self.eval_sizes)
        spread = torch.tensor(std).view(1, 3, 1, 1)
        self.register_buffer("scale", 1 / (255 * spread), persistent=False)
        self.register_buffer(
            "shift", -torch.tensor(mean).view(1, 3, 1, 1) / spread, persistent=False
        )

    def forward(self, image: Tensor) -> Tensor | list[Tensor]:
        """Predict.

        Parameters
        ----------
        image
            uint8 RGB (N, 3, H, W), any H and W from 1 up; its memory format is kept.

        Returns
        -------
        Tensor or list of Tensor
            Logits, float32 (N, 1, H, W). In training mode, a net with auxiliary heads gives a
            list of such tensors, the main one first.
        """
        # Training samples come at the working size, and may be crops of it.
        if self.eval_sizes and not self.training:
            first, *others = (
                self.at_working_size(image, size, mirrored)
                for size, mirrored in zip(self.eval_sizes, self.mirrored, strict=True)
            )
            # Of one size no mean, which would be two more steps in each exported file.
            return sum(others, first) / len(self.eval_sizes) if others else first
        height, width = image.shape[-2], image.shape[-1]
        logits = self.net(self.pad(self.normalise(image)))
        if isinstance(logits, Tensor):
            return logits[..., :height, :width].float()
        return [logit[..., :height, :width].float() for logit in logits]

    def at_working_size(self, image: Tensor, long_side: int, mirrored: bool = False) -> Tensor:
        """Predict on photos scaled to a longer side; logits have the photos' size and direction."""
        height, width = image.shape[-2], image.shape[-1]
        # While it is exported height and width are symbols.
        size = working_size(height, width, long_side, torch.sym_max)
        # Also where the size stays, which changes no value: a branch would not be exported.
        scaled = F.interpolate(image.to(self.scale.dtype), size, mode="bilinear", antialias=True)
        if mirrored:
            scaled = scaled.flip(-1)
        logits: Tensor = self.net(self.pad(self.normalise(scaled)))
        logits = logits[..., : size[0], : size[1]].float()
        if mirrored:
            logits = logits.flip(-1)
        return F.interpolate(logits, (height, width), mode="bilinear")

    def normalise(self, image: Tensor) -> Tensor:
        """Turn uint8 [0, 255] into float ``(image / 255 - mean) / std``, same shape."""
        return image.to(self.scale.dtype) * self.scale + self.shift

    def pad(self, image: Tensor) -> Tensor:
        """Repeat the last row and column until height and width are multiples of the stride.

        Repeated, not reflected: a reflection cannot be longer than the photo. Without a branch on
        the size, so that an export holds for every size.
        """
        down = -image.shape[-2] % self.stride
        right = -image.shape[-1] % self.stride
        return F.pad(image, (0, right, 0, down), mode="replicate")


def build_segmenter(
    model: Callable[..., nn.Module],
    backbone: Backbone,
    eval_sizes: Sequence[int] = (),
    mirrored: Sequence[bool] = (),
) -> Segmenter:
    """Build a net on a backbone and wrap it for photos.

    Parameters
    ----------
    model
        Called as ``model(backbone=backbone)``: a class of this package, or a partial of one.
    backbone
        Gives mean, std and stride.
    eval_sizes
        The longer sides at which the net works; none: photos are taken as they are.
    mirrored
        For each of them whether the photo is mirrored there.

    Returns
    -------
    Segmenter
        uint8 photos (N, 3, H, W) to logits (N, 1, H, W).

    Raises
    ------
    HumansegError
        The model cannot be built on this backbone.
    """
    net = model(backbone=backbone)
    speed_up_depthwise(net)
    return Segmenter(net, backbone.mean, backbone.std, backbone.stride, eval_sizes, mirrored)
