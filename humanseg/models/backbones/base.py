"""The interface of every backbone."""

from torch import Tensor, nn

from humanseg.errors import HumansegError


class Backbone(nn.Module):
    """An encoder that turns a normalised photo into feature maps, finest first.

    A subclass sets the attributes below and implements ``forward``. Decoders rely on nothing
    else: neither on the number of maps, nor on a map at any one reduction.

    Attributes
    ----------
    name
        What error messages call this backbone.
    channels
        Channels of each map, finest first.
    reductions
        How many times smaller than the input each map is. Never decreasing; two neighbours are
        equal where a dilated stage keeps its resolution, for example ``[2, 4, 8, 16, 16]``.
    stride
        Height and width of the input must be multiples of this number.
    mean, std
        What the weights expect a photo in [0, 1] to be normalised with, per RGB channel.
    """

    name: str
    channels: list[int]
    reductions: list[int]
    stride: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    def forward(self, image: Tensor) -> list[Tensor]:
        """Compute the feature maps.

        Parameters
        ----------
        image
            Normalised photos, float (N, 3, H, W), H and W multiples of ``stride``.

        Returns
        -------
        list of Tensor
            Map ``i`` is (N, channels[i], H / reductions[i], W / reductions[i]).
        """
        raise NotImplementedError


def require_growing_reductions(backbone: Backbone, net: str) -> None:
    """Raise if the maps of a backbone do not nest, before a decoder is built on it.

    Parameters
    ----------
    backbone
        The encoder that a decoder is about to be built on.
    net
        Name of the net, for the message.

    Raises
    ------
    HumansegError
        When a map's reduction is not a multiple of the reduction of the map before it.
    """
    for finer, coarser in zip(backbone.reductions, backbone.reductions[1:], strict=False):
        if coarser < finer or coarser % finer:
            raise HumansegError(
                f"{net} cannot be built on the backbone {backbone.name}: its maps lie at the "
                f"reductions {backbone.reductions}, and {coarser} is not a multiple of {finer}. "
                "Choose another backbone."
            )
