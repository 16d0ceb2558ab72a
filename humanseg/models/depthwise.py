"""Depthwise convolutions whose gradient in bf16 is as fast as the rest of the network on a CPU."""

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def conv2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    groups: int,
) -> Tensor:
    """Convolve as torch does, with the gradient in fp32 where that is faster.

    Of depthwise convolutions in bf16 that are strided, dilated or larger than 3×3, oneDNN computes
    a gradient by its reference code, 2 to 100 times slower than in fp32: a third of the time of a
    training of EfficientNet-Lite0. The forward pass is fast in bf16, and stays there.

    Parameters
    ----------
    input
        (N, C, H, W).
    weight
        (C', C / groups, K, K).
    bias
        (C',) or None.
    stride, padding, dilation, groups
        As in torch.

    Returns
    -------
    Tensor
        (N, C', H', W'), of the very values that torch's own gives.
    """
    if groups == input.shape[1] > 1 and _is_slow(input, weight, stride, dilation):
        return _Depthwise.apply(input, weight, bias, stride, padding, dilation)
    return F.conv2d(input, weight, bias, stride, padding, dilation, groups)


def _is_slow(input: Tensor, weight: Tensor, stride: Sequence[int], dilation: Sequence[int]) -> bool:
    if not (input.is_cpu and torch.is_grad_enabled()):
        return False
    autocast = torch.is_autocast_enabled("cpu")
    dtype = torch.get_autocast_dtype("cpu") if autocast else input.dtype
    return dtype == torch.bfloat16 and (max(*stride, *dilation) > 1 or max(weight.shape[2:]) > 3)


class _Depthwise(torch.autograd.Function):
    """A depthwise convolution in bf16 with its gradients in fp32."""

    @staticmethod
    @torch.amp.custom_fwd(device_type="cpu", cast_inputs=torch.bfloat16)
    def forward(
        ctx: Any,
        input: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        stride: Sequence[int],
        padding: Sequence[int],
        dilation: Sequence[int],
    ) -> Tensor:
        ctx.save_for_backward(input, weight)
        ctx.geometry = stride, padding, dilation
        return F.conv2d(input, weight, bias, stride, padding, dilation, input.shape[1])

    @staticmethod
    @torch.amp.custom_bwd(device_type="cpu")
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        input, weight = ctx.saved_tensors
        stride, padding, dilation = ctx.geometry
        of_input, of_weight, of_bias = torch.ops.aten.convolution_backward(
            gradient.float(),
            input.float(),
            weight.float(),
            [weight.shape[0]],
            stride,
            padding,
            dilation,
            False,
            [0, 0],
            input.shape[1],
            ctx.needs_input_grad[:3],
        )
        # The gradient of the weights stays in fp32: its sum over all pixels is worth it.
        return (
            None if of_input is None else of_input.to(input.dtype),
            of_weight,
            of_bias,
            None,
            None,
            None,
        )


class FastConv2d(nn.Conv2d):
    """A convolution of torch that goes through `conv2d`; see `speed_up_depthwise`."""

    padding: tuple[int, ...]

    def forward(self, input: Tensor) -> Tensor:
        """Turn (N, C, H, W) into (N, C', H', W')."""
        return conv2d(
            input, self.weight, self.bias, self.stride, self.padding, self.dilation, self.groups
        )


def speed_up_depthwise(module: nn.Module) -> None:
    """Make every depthwise convolution of torch inside a module one of ours, in place.

    Parameters
    ----------
    module
        Any module; parameters keep their names, and what it computes stays the same.
    """
    for child in module.modules():
        if isinstance(child, nn.Conv2d) and _is_plain_depthwise(child):
            # In place, so that parameters, hooks and all other state stay as they are.
            child.__class__ = FastConv2d


def _is_plain_depthwise(conv: nn.Conv2d) -> bool:
    return (
        type(conv) is nn.Conv2d
        and conv.groups == conv.in_channels > 1
        and conv.padding_mode == "zeros"
        and not isinstance(conv.padding, str)
    )
