"""Stores weights in 16 bits; onnxruntime's own tool changes the arithmetic too."""

import numpy as np
import onnx
from onnx import numpy_helper

_SMALLEST = 64
"""Constants of fewer numbers stay as they are: a node more would cost as much as it saves."""


def halve_weights(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return the same graph with weights in fp16, or raise ValueError where one is too large.

    Each has a cast to fp32 behind it, which a runtime works out once, when it loads the file.
    """
    halved = onnx.ModelProto()
    halved.CopyFrom(model)
    graph = halved.graph
    casts = []
    for constant in graph.initializer:
        values = numpy_helper.to_array(constant)
        if values.dtype != np.float32 or values.size < _SMALLEST:
            continue
        small = values.astype(np.float16)
        if not np.isfinite(small).all():
            raise ValueError(f"{constant.name} holds numbers that fp16 cannot hold")
        name = constant.name
        constant.CopyFrom(numpy_helper.from_array(small, f"{name}.fp16"))
        casts.append(
            onnx.helper.make_node("Cast", [f"{name}.fp16"], [name], to=onnx.TensorProto.FLOAT)
        )
    nodes = list(graph.node)
    del graph.node[:]
    graph.node.extend([*casts, *nodes])
    return halved
