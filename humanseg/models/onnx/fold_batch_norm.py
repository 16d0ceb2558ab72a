"""Folds batch norms that do not directly follow a convolution; no exporter does that.

torch's exporter and onnxruntime fold a batch norm into the convolution before it. Where a decoder
adds two maps, enlarges one or shuffles pixels in between, the norm's scale moves backwards through
these first: they treat every channel alike, so that the order does not matter.
"""

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

Vector = NDArray[np.float32]


@dataclass(frozen=True)
class _Graph:
    """The producer and the consumers of each value of a graph.

    Attributes
    ----------
    graph
        The graph itself.
    maker
        The node that makes a value.
    takers
        How many inputs of nodes a value is, outputs of the graph included.
    constants
        Initializers by their names.
    """

    graph: onnx.GraphProto
    maker: dict[str, onnx.NodeProto]
    takers: Counter[str]
    constants: dict[str, onnx.TensorProto]


def fold_batch_norms(model: onnx.ModelProto) -> None:
    """Fold, in place, every batch norm whose scale can move back to convolutions.

    No two nodes may share a weight (`separate_weights`). What cannot be folded stays.
    """
    graph = model.graph
    for norm in [node for node in graph.node if node.op_type == "BatchNormalization"]:
        known = _read(graph)
        scale, shift = _affine(norm, known.constants)
        source = norm.input[0]
        if known.takers[source] == 1 and _movable(source, known):
            _move(source, scale, shift, known)
            graph.node.remove(norm)
            _replace(graph, norm.output[0], source)
    _drop_unused(graph)


def _read(graph: onnx.GraphProto) -> _Graph:
    takers = Counter(name for node in graph.node for name in node.input)
    takers.update(output.name for output in graph.output)
    return _Graph(
        graph,
        {name: node for node in graph.node for name in node.output},
        takers,
        {initializer.name: initializer for initializer in graph.initializer},
    )


def _affine(norm: onnx.NodeProto, constants: dict[str, onnx.TensorProto]) -> tuple[Vector, Vector]:
    """Return scale and shift per channel, (C,) each, that the norm comes down to."""
    gamma, beta, mean, variance = (
        numpy_helper.to_array(constants[name]) for name in norm.input[1:]
    )
    epsilon = _attributes(norm).get("epsilon", 1e-5)
    scale = gamma.astype(np.float64) / np.sqrt(variance.astype(np.float64) + epsilon)
    return scale.astype(np.float32), (beta - mean * scale).astype(np.float32)


def _movable(value: str, known: _Graph) -> bool:
    """Return whether scale and shift can move back from a value that one node alone takes."""
    node = known.maker.get(value)
    if node is None or known.takers[value] != 1:
        return False
    if node.op_type == "Conv":
        return all(known.takers[name] == 1 and name in known.constants for name in node.input[1:])
    if node.op_type == "Add":
        return all(_movable(name, known) for name in node.input)
    return _keeps_channels_apart(node) and _movable(node.input[0], known)


def _move(value: str, scale: Vector, shift: Vector, known: _Graph) -> None:
    node = known.maker[value]
    if node.op_type == "Conv":
        _scale_conv(node, scale, shift, known)
    elif node.op_type == "Add":
        # The shift is added once, the scale holds for both.
        _move(node.input[0], scale, shift, known)
        _move(node.input[1], scale, np.zeros_like(shift), known)
    else:
        repeats = _inputs_per_channel(node)
        _move(node.input[0], np.repeat(scale, repeats), np.repeat(shift, repeats), known)


def _keeps_channels_apart(node: onnx.NodeProto) -> bool:
    """Return whether each channel of the output is made of pixels of channels of its own."""
    if node.op_type == "DepthToSpace":
        return bool(_attributes(node).get("mode") == b"CRD")
    return node.op_type == "Resize"


def _inputs_per_channel(node: onnx.NodeProto) -> int:
    if node.op_type != "DepthToSpace":
        return 1
    return int(_attributes(node)["blocksize"]) ** 2


def _attributes(node: onnx.NodeProto) -> dict[str, Any]:
    return {item.name: onnx.helper.get_attribute_value(item) for item in node.attribute}


def _scale_conv(node: onnx.NodeProto, scale: Vector, shift: Vector, known: _Graph) -> None:
    weight = known.constants[node.input[1]]
    values = numpy_helper.to_array(weight) * scale.reshape(-1, 1, 1, 1)
    weight.CopyFrom(numpy_helper.from_array(values, weight.name))
    if len(node.input) == 3:
        bias = known.constants[node.input[2]]
        shift = np.asarray(shift + numpy_helper.to_array(bias) * scale, np.float32)
        bias.CopyFrom(numpy_helper.from_array(shift, bias.name))
    elif shift.any():
        name = f"{weight.name}.folded_bias"
        node.input.append(name)
        known.graph.initializer.append(numpy_helper.from_array(shift, name))


def _replace(graph: onnx.GraphProto, old: str, new: str) -> None:
    """Replace one value by another in the inputs of every node."""
    for node in graph.node:
        for index, name in enumerate(node.input):
            if name == old:
                node.input[index] = new


def _drop_unused(graph: onnx.GraphProto) -> None:
    used = {name for node in graph.node for name in node.input}
    for constant in [
        initializer for initializer in graph.initializer if initializer.name not in used
    ]:
        graph.initializer.remove(constant)
