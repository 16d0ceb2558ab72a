"""Weights that several nodes share: a network that runs at several sizes holds each once.

Folding and quantising change the weights of one node, so that each needs its own; a file needs one
of all that are equal.
"""

from collections import Counter

import onnx


def separate_weights(model: onnx.ModelProto) -> None:
    """Give each node, in place, its own copy of every initializer that it uses."""
    graph = model.graph
    weights = {weight.name: weight for weight in graph.initializer}
    uses: Counter[str] = Counter()
    for node in graph.node:
        for index, name in enumerate(node.input):
            if name not in weights:
                continue
            uses[name] += 1
            if uses[name] > 1:
                copy = graph.initializer.add()
                copy.CopyFrom(weights[name])
                # A sign that the exporter uses in no name.
                copy.name = f"{name}@{uses[name]}"
                node.input[index] = copy.name


def share_weights(model: onnx.ModelProto) -> None:
    """Keep, in place, one of all initializers that are equal but for their names."""
    graph = model.graph
    first: dict[bytes, str] = {}
    names: dict[str, str] = {}
    for weight in list(graph.initializer):
        nameless = onnx.TensorProto()
        nameless.CopyFrom(weight)
        nameless.ClearField("name")
        names[weight.name] = first.setdefault(nameless.SerializeToString(), weight.name)
        if names[weight.name] != weight.name:
            graph.initializer.remove(weight)
    for node in graph.node:
        for index, name in enumerate(node.input):
            node.input[index] = names.get(name, name)
