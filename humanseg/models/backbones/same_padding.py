"""TensorFlow's SAME padding as a constant, for inputs whose size suits the stride."""

from functools import cached_property

import torch.nn.functional as F
from timm.layers.conv2d_same import Conv2dSame
from torch import Tensor, nn

from humanseg.models.depthwise import FastConv2d


class FixedSameConv2d(FastConv2d):
    """A SAME convolution for maps whose height and width are multiples of its stride.

    SAME asks for ``max((ceil(n / s) - 1) * s + (k - 1) * d + 1 - n, 0)`` pixels of padding in
    all, the smaller half first (https://www.tensorflow.org/api_docs/python/tf/nn). Where the
    stride s divides n this is ``max((k - 1) * d + 1 - s, 0)``, whatever n is: no arithmetic on
    sizes is left, and the layer exports with dynamic height and width.
    """

    @cached_property
    def _same(self) -> list[int]:
        axes = zip(self.kernel_size, self.stride, self.dilation, strict=True)
        totals = [max((size - 1) * dilation + 1 - stride, 0) for size, stride, dilation in axes]
        # The last axis first, as torch takes them.
        return [pixels for total in totals[::-1] for pixels in (total // 2, total - total // 2)]

    def forward(self, input: Tensor) -> Tensor:
        """Turn (N, C, H, W), H and W multiples of the stride, into (N, C', H / stride, …)."""
        return super().forward(F.pad(input, self._same))


def fix_same_padding(module: nn.Module) -> None:
    """Make every ``Conv2dSame`` of timm inside a module a `FixedSameConv2d`, in place.

    Parameters
    ----------
    module
        Any module; parameters keep their names.
    """
    for child in module.modules():
        if type(child) is Conv2dSame:
            child.__class__ = FixedSameConv2d  # type: ignore[assignment]
