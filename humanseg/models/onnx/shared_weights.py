"""Weights that several nodes share: a net that runs at several sizes has each of them once.

Folding and quantising change the weights of one node, so that each needs its own; a file needs one
of all that are equal.
"""

from collections import Counter

import onnx


def separate_weights(model: onnx.ModelProto) -> None:
    """Give, in place, each node its own copy of every initializer that it takes."""
    graph = model.graph
    known = {each.name: each for each in graph.initializer}
    uses: Counter[str] = Counter()
    for node in graph.node:
        for place, name in enumerate(node.input):
            if name not in known:
                continue
            uses[name] += 1
            if uses[name] > 1:
                copy = graph.initializer.add()
                copy.CopyFrom(known[name])
                # A sign that the exporter uses in no name.
                copy.name = f"{name}@{uses[name]}"
                node.input[place] = copy.name


def share_weights(model: onnx.ModelProto) -> None:
    """Keep, in place, one of all initializers that are equal but for their names."""
    graph = model.graph
    first: dict[bytes, str] = {}
    names: dict[str, str] = {}
    for each in list(graph.initializer):
        nameless = onnx.TensorProto()
        nameless.CopyFrom(each)
        nameless.ClearField("name")
        names[each.name] = first.setdefault(nameless.SerializeToString(), each.name)
        if names[each.name] != each.name:
            graph.initializer.remove(each)
    for node in graph.node:
        for place, name in enumerate(node.input):
            node.input[place] = names.get(name, name)
