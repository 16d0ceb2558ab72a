"""TensorFlow's SAME padding as a constant, for inputs whose size suits the stride."""

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

    Parameters
    ----------
    conv
        The layer to stand in for; its parameters are shared, under the same names.
    """

    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__(conv)
        top, bottom = self._same(0)
        left, right = self._same(1)
        self.same = (left, right, top, bottom)

    def _same(self, axis: int) -> tuple[int, int]:
        reach = (self.kernel_size[axis] - 1) * self.dilation[axis] + 1
        total = max(reach - self.stride[axis], 0)
        return total // 2, total - total // 2

    def forward(self, input: Tensor) -> Tensor:
        """Turn (N, C, H, W), H and W multiples of the stride, into (N, C', H / stride, …)."""
        return super().forward(F.pad(input, self.same))


def fix_same_padding(module: nn.Module) -> None:
    """Replace every ``Conv2dSame`` of timm inside a module by a `FixedSameConv2d`, in place.

    Parameters
    ----------
    module
        Any module; parameters keep their names.
    """
    for name, child in module.named_children():
        if type(child) is Conv2dSame:
            setattr(module, name, FixedSameConv2d(child))
        else:
            fix_same_padding(child)
