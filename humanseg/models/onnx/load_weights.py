"""Loads the weights of an ONNX file of humanseg back into a model, to train it further.

In a file the batch norms are folded into the convolutions. In the model they become identities with
an offset; `measure_batch_norms` then gives them the statistics of photos.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm as BatchNorm

from humanseg.errors import HumansegError, listed
from humanseg.models.segmenter import Segmenter

_MODULE = re.compile(r"segmenter\.(members\.\d+\.|)(.+?)\.weight.*")
"""The name of a weight: the member of an ensemble, if it is of one, and the layer."""
_PROBE = (2, 3, 64, 64)


@dataclass(frozen=True)
class _Conv:
    """The weight (C', C / groups, K, K) and the bias (C',) of a convolution in a file."""

    weight: Tensor
    bias: Tensor


def load_exported(segmenter: Segmenter, path: Path) -> None:
    """Give a model the weights of an ONNX file, so that it predicts what the file predicts.

    8-bit weights are rounded ones, so that it predicts about the same. Auxiliary heads, which no
    file has, keep their random weights.

    Parameters
    ----------
    segmenter
        Gets the weights.
    path
        An ONNX file that humanseg wrote. Of an ensemble, the first member that fits.

    Raises
    ------
    HumansegError
        The file cannot be read, is of another model, or of a network that has weights in other
        layers than convolutions and batch norms.
    """
    members = _read(path)
    layers = _used_layers(segmenter)
    others = [
        f"{name} is a {type(layer).__name__}"
        for name, layer in layers.items()
        if not isinstance(layer, nn.Conv2d | BatchNorm)
    ]
    if others:
        raise HumansegError(
            f"{path} cannot be trained further: that takes a network of convolutions and batch "
            f"norms, and {listed(others, 3)}. Start from the run that it was exported from.",
            code="models.other_layers",
        )
    convs = {name: layer for name, layer in layers.items() if isinstance(layer, nn.Conv2d)}
    # Of an ensemble, the member that it is.
    wrong, saved = min(
        ((_misfits(convs, member), member) for member in members),
        key=lambda fit: len(fit[0]),
    )
    if wrong:
        raise HumansegError(
            f"{path} is an exported file of another model; these layers do not fit: "
            f"{listed(wrong, 5)}. Give the model and the backbone of the file: "
            "experiment=finetune has those of the bundled robust, experiment=finetune_tiny those "
            "of robust_tiny and tiny.",
            code="models.other_model",
        )
    with torch.no_grad():
        _copy(segmenter, {conv: saved[name] for name, conv in convs.items()})
        _scale_as_new(segmenter, list(convs.values()))


@torch.no_grad()
def measure_batch_norms(segmenter: Segmenter, photos: Tensor) -> None:
    """Give the batch norms the statistics of photos, and change no prediction.

    Weight and bias of each norm change together with its statistics. A training that goes on from
    there normalises by the statistics of its batches, which are about the same.

    Parameters
    ----------
    segmenter
        Its norms get the statistics.
    photos
        uint8 (N, 3, H, W), at the size of the training.
    """

    def update(norm: Any, maps: Tensor) -> None:
        scale = norm.weight * (norm.running_var + norm.eps).rsqrt()
        shift = norm.bias - norm.running_mean * scale
        variance, mean = torch.var_mean(maps, dim=(0, 2, 3), correction=0)
        norm.running_mean.copy_(mean)
        norm.running_var.copy_(variance)
        norm.weight.copy_(scale * (variance + norm.eps).sqrt())
        norm.bias.copy_(shift + scale * mean)

    _visit_norms(segmenter, photos, update)


def _misfits(convs: dict[str, nn.Conv2d], saved: dict[str, _Conv]) -> list[str]:
    """Name the layers that only one of two has, and those of another shape."""
    others = (
        name
        for name in convs.keys() & saved
        if convs[name].weight.shape != saved[name].weight.shape
    )
    return sorted([*(convs.keys() ^ saved.keys()), *others])


def _read(path: Path) -> list[dict[str, _Conv]]:
    """Read the convolutions of a file by the names of their layers, for each of its members."""
    try:
        return list(_convolutions(onnx.load(path).graph).values()) or [{}]
    except Exception as error:  # wrong bytes, or another graph, fail in any way
        raise HumansegError(
            f"{path} cannot be read as an ONNX file that humanseg wrote: it is damaged, or comes "
            "from elsewhere. Export the model again.",
            code="models.broken_checkpoint",
        ) from error


def _convolutions(graph: onnx.GraphProto) -> dict[str, dict[str, _Conv]]:
    constants = {tensor.name: tensor for tensor in graph.initializer}
    made_by = {name: node for node in graph.node for name in node.output}
    members: dict[str, dict[str, _Conv]] = {}
    for node in graph.node:
        if node.op_type != "Conv":
            continue
        weight, *biases = (_constant(name, made_by, constants) for name in node.input[1:])
        # A network that runs at several sizes has a node for each, with the same weights.
        match = _MODULE.fullmatch(weight[0])
        if match is None:
            raise ValueError(f"{weight[0]} is no weight of a layer")
        member, name = match.groups()
        bias = biases[0][1] if biases else torch.zeros(len(weight[1]))
        members.setdefault(member, {}).setdefault(name, _Conv(weight[1], bias))
    return members


def _constant(
    name: str, made_by: dict[str, onnx.NodeProto], constants: dict[str, onnx.TensorProto]
) -> tuple[str, Tensor]:
    """Return the name and the values of a constant, scaled back where it has 8 bits."""
    if name in constants:
        return name, torch.from_numpy(numpy_helper.to_array(constants[name]).copy()).float()
    node = made_by[name]
    (source, values), *scaling = (_constant(item, made_by, constants) for item in node.input)
    if node.op_type == "DequantizeLinear":
        scale, *zero = (item[1].reshape(-1, *[1] * (values.dim() - 1)) for item in scaling)
        values = (values - (zero[0] if zero else 0)) * scale
    return source, values


def _used_layers(segmenter: Segmenter) -> dict[str, nn.Module]:
    """Find the layers with weights that a prediction passes through, by their names."""
    used: dict[str, nn.Module] = {}
    hooks = [
        layer.register_forward_pre_hook(lambda layer, _, name=name: used.update({name: layer}))
        for name, layer in segmenter.named_modules()
        if list(layer.parameters(recurse=False))
    ]
    _run(segmenter, torch.zeros(_PROBE, dtype=torch.uint8), hooks)
    return used


def _copy(segmenter: Segmenter, convs: dict[nn.Conv2d, _Conv]) -> None:
    """Load convolutions, and the biases of those that have none into the norms after them."""
    norms = [layer for layer in segmenter.modules() if isinstance(layer, BatchNorm)]
    for norm in norms:
        norm.reset_running_stats()
        norm.weight.fill_((1 + norm.eps) ** 0.5)
        norm.bias.zero_()
    without_bias = [conv for conv in convs if conv.bias is None]
    for conv, saved in convs.items():
        conv.weight.copy_(saved.weight)
        conv.bias = nn.Parameter(saved.bias)
    photos = torch.randint(256, _PROBE, dtype=torch.uint8, generator=torch.manual_seed(0))
    means: dict[nn.Module, Tensor] = {}
    _visit_norms(segmenter, photos, lambda norm, maps: means.update({norm: _mean(maps)}))
    for conv in without_bias:
        conv.bias = None
    # Between a convolution and its norm a bias stays a constant for each channel, whatever lies
    # there: sums, enlargements. So the norm adds what its input now lacks.
    _visit_norms(segmenter, photos, lambda norm, maps: norm.bias.copy_(means[norm] - _mean(maps)))


def _scale_as_new(segmenter: Segmenter, convs: list[nn.Conv2d]) -> None:
    """Give each convolution that a norm follows the scale of a new one, and the norm the inverse.

    That of He et al. 2015, https://arxiv.org/abs/1502.01852, equation 10. With a norm folded into
    them weights are up to ten times smaller than without, and a step of Adam, which does not depend
    on their size, would change them by as much more.
    """
    outputs: list[tuple[nn.Conv2d, Tensor]] = []
    followed: list[tuple[nn.Conv2d, Any]] = []

    def pair(norm: Any, maps: Tensor) -> None:
        followed.extend((conv, norm) for conv, output in outputs if output is maps)

    hooks = [
        conv.register_forward_hook(lambda conv, _, output: outputs.append((conv, output)))
        for conv in convs
    ]
    _visit_norms(segmenter, torch.zeros(_PROBE, dtype=torch.uint8), pair, hooks)
    for conv, norm in followed:
        spread = conv.weight.square().mean(dim=(1, 2, 3), keepdim=True).sqrt()
        factor = torch.where(spread > 0, (2 / conv.weight[0].numel()) ** 0.5 / spread, 1)
        conv.weight.mul_(factor)
        norm.weight.div_(factor.flatten())


def _mean(maps: Tensor) -> Tensor:
    return maps.double().mean(dim=(0, 2, 3)).float()


def _visit_norms(
    segmenter: Segmenter,
    photos: Tensor,
    visit: Callable[[Any, Tensor], Any],
    hooks: Sequence[Any] = (),
) -> None:
    """Call `visit` with each batch norm and its input (N, C, H, W), before the norm runs."""

    def hook(norm: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        visit(norm, inputs[0])

    norms = (layer for layer in segmenter.modules() if isinstance(layer, BatchNorm))
    _run(segmenter, photos, [*hooks, *(norm.register_forward_pre_hook(hook) for norm in norms)])


def _run(segmenter: Segmenter, photos: Tensor, hooks: list[Any]) -> None:
    """Predict photos at their own size, and remove the hooks; the model's mode stays."""
    # Lightning trains a model in the mode that it has.
    was_training = segmenter.training
    segmenter.eval()
    try:
        with torch.no_grad():
            segmenter.net(segmenter.pad(segmenter.normalise(photos)))
    finally:
        segmenter.train(was_training)
        for hook in hooks:
            hook.remove()
