"""The stages of a net in its ONNX graph, by the names of their weights."""

from collections.abc import Sequence
from dataclasses import dataclass

import onnx


@dataclass(frozen=True)
class Stage:
    """A run of neighbouring nodes.

    Attributes
    ----------
    name
        What the net calls the module, such as `decoder.steps.3`.
    nodes
        Names of its nodes.
    """

    name: str
    nodes: list[str]


@dataclass(frozen=True)
class Stages:
    """All nodes of a graph.

    Attributes
    ----------
    always
        What is never quantised: all before the first convolution, and from the last one on.
        It costs little, and turns photos into numbers and numbers into masks.
    inner
        The rest, in the order of the graph.
    """

    always: list[Stage]
    inner: list[Stage]


def find_stages(model: onnx.ModelProto) -> Stages:
    """Split a graph into stages.

    Parameters
    ----------
    model
        Its nodes stand in the order in which the net ran, its weights bear the names that they
        have in the net. A node without a named weight belongs to the stage before it.

    Returns
    -------
    Stages
        Every node once.
    """
    nodes = list(model.graph.node)
    convs = [place for place, node in enumerate(nodes) if node.op_type == "Conv"]
    first, last = convs[0], convs[-1]
    inner: list[Stage] = []
    for node in nodes[first:last]:
        name = _stage_name(node)
        if not inner or (name is not None and name != inner[-1].name):
            inner.append(Stage(name or "net", []))
        inner[-1].nodes.append(node.name)
    ends = [_stage("input", nodes[:first]), _stage("output", nodes[last:])]
    return Stages(ends, inner)


def _stage(name: str, nodes: Sequence[onnx.NodeProto]) -> Stage:
    return Stage(name, [node.name for node in nodes])


def _stage_name(node: onnx.NodeProto) -> str | None:
    """Name the module up to its first number: `decoder.steps.3` of `decoder.steps.3.convs.0`."""
    if node.op_type != "Conv":
        return None
    *parts, _ = node.input[1].removeprefix("segmenter.").removeprefix("net.").split(".")
    for place, part in enumerate(parts):
        if part.isdigit():
            return ".".join(parts[: place + 1])
    return ".".join(parts)
