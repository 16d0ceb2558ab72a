"""A model that needs no training: its probability is how red a pixel is."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import onnx
import pytest
from onnx import TensorProto, helper

METADATA = {"format": 1, "name": "red", "threshold": 0.5, "long_side": 32}


def red_model(
    *,
    metadata: Any = METADATA,
    names: tuple[str, str] = ("photo", "probability"),
    kind: int = TensorProto.UINT8,
    shape: Sequence[str | int] = ("batch", 3, "height", "width"),
) -> onnx.ModelProto:
    """Make the ONNX file of a model whose probability is the red channel over 255."""
    photo, probability = names
    constants = [
        helper.make_tensor("first", TensorProto.INT64, [1], [0]),
        helper.make_tensor("end", TensorProto.INT64, [1], [1]),
        helper.make_tensor("channels", TensorProto.INT64, [1], [1]),
        helper.make_tensor("white", TensorProto.FLOAT, [], [255.0]),
        helper.make_tensor("threshold", TensorProto.FLOAT, [], [0.5]),
    ]
    nodes = [
        helper.make_node("Cast", [photo], ["colours"], to=TensorProto.FLOAT),
        helper.make_node("Slice", ["colours", "first", "end", "channels"], ["red"]),
        helper.make_node("Div", ["red", "white"], [probability]),
        helper.make_node("Greater", [probability, "threshold"], ["person"]),
        helper.make_node("Cast", ["person"], ["mask"], to=TensorProto.UINT8),
    ]
    out = [shape[0], 1, *shape[2:]]
    graph = helper.make_graph(
        nodes,
        "red",
        [helper.make_tensor_value_info(photo, kind, shape)],
        [
            helper.make_tensor_value_info(probability, TensorProto.FLOAT, out),
            helper.make_tensor_value_info("mask", TensorProto.UINT8, out),
        ],
        constants,
    )
    opsets = [helper.make_opsetid("", 18)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=10)
    if metadata is not None:
        text = metadata if isinstance(metadata, str) else json.dumps(metadata)
        model.metadata_props.add(key="humanseg", value=text)
    return model


@pytest.fixture(scope="session")
def write_red(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Write such a model, in a folder of its own; options as of `red_model`."""

    def write(**options: Any) -> Path:
        path = tmp_path_factory.mktemp("red") / "model.onnx"
        onnx.save(red_model(**options), path)
        return path

    return write


@pytest.fixture(scope="session")
def red(write_red: Callable[..., Path]) -> Path:
    """The file of a model that works at 32 pixels, shared: read only."""
    return write_red()
