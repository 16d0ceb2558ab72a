"""The stages of a network in its ONNX graph, by the names of their weights."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import onnx

_MEMBER = re.compile(r"members\.\d+\.")
"""What the names of the weights of a member of an ensemble begin with."""


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
        What is never quantised: all before the first convolution of each pass, and from its last
        one on. It costs little, and turns photos into numbers and numbers into masks.
    inner
        The rest, in the order of the graph: each stage once, with its nodes of all passes.
    """

    always: list[Stage]
    inner: list[Stage]


def find_stages(model: onnx.ModelProto) -> Stages:
    """Split a graph into stages, with every node once.

    Its nodes stand in the order in which the net ran, its weights bear the names that they have in
    the net. A node without a named weight belongs to the stage before it. Where the net ran at
    several sizes, it has several passes with the same weights; each member of an ensemble has its
    own.
    """
    nodes = list(model.graph.node)
    inner: dict[str, Stage] = {}
    ends: list[Stage] = []
    done = 0
    for first, last in _passes(nodes):
        ends.append(_stage("input", nodes[done:first]))
        name = "net"
        for node in nodes[first:last]:
            name = _stage_name(node) or name
            inner.setdefault(name, Stage(name, [])).nodes.append(node.name)
        done = last
    ends.append(_stage("output", nodes[done:]))
    return Stages(ends, list(inner.values()))


def _passes(nodes: Sequence[onnx.NodeProto]) -> list[tuple[int, int]]:
    """Find the first and last convolution of each pass.

    One begins with a weight that the one before has used, or with one of another member.
    """
    passes: list[tuple[int, int]] = []
    used: set[str] = set()
    member = ""
    for index, node in enumerate(nodes):
        if node.op_type == "Conv":
            earlier, member = member, _member(node.input[1])
            if not used or node.input[1] in used or member != earlier:
                passes.append((index, index))
                used = set()
            used.add(node.input[1])
            passes[-1] = (passes[-1][0], index)
    return passes


def _stage(name: str, nodes: Sequence[onnx.NodeProto]) -> Stage:
    return Stage(name, [node.name for node in nodes])


def _stage_name(node: onnx.NodeProto) -> str | None:
    """Name the module up to its first number: `decoder.steps.3` of `decoder.steps.3.convs.0`."""
    if node.op_type != "Conv":
        return None
    member = _member(node.input[1])
    name = node.input[1].removeprefix("segmenter.").removeprefix(member).removeprefix("net.")
    *parts, _ = name.split(".")
    for index, part in enumerate(parts):
        if part.isdigit():
            return member + ".".join(parts[: index + 1])
    return member + ".".join(parts)


def _member(weight: str) -> str:
    """Return what the name of a weight begins with where it is one of a member of an ensemble."""
    match = _MEMBER.match(weight.removeprefix("segmenter."))
    return match.group() if match else ""
