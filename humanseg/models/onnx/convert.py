"""A traced network as one ONNX file of the standard operators."""

import contextlib
import io
import json
import logging
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import onnx
import torch
from torch.export import ExportedProgram

from humanseg.models.onnx.fold_batch_norm import fold_batch_norms
from humanseg.models.onnx.network import INPUT, OUTPUTS
from humanseg.models.onnx.shared_weights import separate_weights, share_weights

OPSET = 20
"""Of the ONNX standard (https://onnx.ai/onnx/operators): onnxruntime knows it since 1.17."""
METADATA = "humanseg"
"""The key under which a file says its name, threshold and long side, as JSON."""
_DIMS = ("batch", None, "height", "width")


def convert(program: ExportedProgram, facts: dict[str, Any]) -> onnx.ModelProto:
    """Turn a traced network into an ONNX model, with batch norms folded into convolutions.

    Its input is `photo`, its outputs are `probability` and `mask`; `facts` are what it says of
    itself under `METADATA`.
    """
    with quiet_exporter():
        exported = torch.onnx.export(
            program,
            input_names=[INPUT],
            output_names=list(OUTPUTS),
            opset_version=OPSET,
            dynamo=True,
            verbose=False,
        )
    assert exported is not None
    model = exported.model_proto
    strip(model)
    separate_weights(model)
    fold_batch_norms(model)
    share_weights(model)
    keep_logits_in_plain_layout(model)
    for value in (*model.graph.input, *model.graph.output):
        for dim, name in zip(value.type.tensor_type.shape.dim, _DIMS, strict=True):
            if name is not None:
                dim.dim_param = name
    onnx.helper.set_model_props(model, {METADATA: json.dumps(facts)})
    return model


def strip(model: onnx.ModelProto) -> None:
    """Remove, in place, what no runtime reads: notes of the exporter, and unused operator sets."""
    graph = model.graph
    for part in (*graph.node, *graph.input, *graph.output, *graph.initializer, graph):
        part.ClearField("metadata_props")
        part.ClearField("doc_string")
    graph.ClearField("value_info")
    for note in [entry for entry in model.metadata_props if entry.key != METADATA]:
        model.metadata_props.remove(note)
    used = {node.domain for node in graph.node}
    for opset in [item for item in model.opset_import if item.domain not in used]:
        model.opset_import.remove(opset)


def keep_logits_in_plain_layout(model: onnx.ModelProto) -> None:
    """Name the sampling of bilinear enlargements so that onnxruntime enlarges one channel only.

    With `half_pixel` it enlarges the logits in its blocked layout, which fills one channel up to
    16. `pytorch_half_pixel` is the same for results of more than one pixel a side
    (https://onnx.ai/onnx/operators/onnx__Resize.html), and is left in the plain layout.
    """
    constants = {tensor.name for tensor in model.graph.initializer}
    for node in model.graph.node:
        values = {entry.name: entry for entry in node.attribute}
        by_constant_factor = node.op_type == "Resize" and node.input[2] in constants
        if by_constant_factor and onnx.helper.get_attribute_value(values["mode"]) == b"linear":
            values["coordinate_transformation_mode"].s = b"pytorch_half_pixel"


def save(model: onnx.ModelProto, path: Path) -> None:
    """Check a model and write it to one file."""
    onnx.checker.check_model(model, full_check=True)
    foreign = sorted(
        {node.op_type for node in model.graph.node if node.domain not in ("", "ai.onnx")}
    )
    if foreign or [opset.domain for opset in model.opset_import] != [""]:
        raise ValueError(f"the model needs operators outside of the standard: {foreign}")
    path.write_bytes(model.SerializeToString())


@contextlib.contextmanager
def quiet_exporter() -> Iterator[None]:
    """Suppress the advice of an exporter or a quantiser; an error says its own."""
    saved = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(saved)
