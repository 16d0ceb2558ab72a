"""Runners: each runs an exported file in its runtime, or the network behind it."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import onnx

Outputs = tuple[NDArray[np.float32], NDArray[np.uint8]]
Runner = Callable[[NDArray[np.uint8]], Outputs]
"""Photos uint8 (N,3,H,W) to probabilities float32 and masks uint8, both (N,1,H,W)."""


def open_file(path: Path, threads: int = 0) -> Runner:
    """Open an exported file: photos in, probabilities and masks out.

    `threads` are those of onnxruntime, 0: as many as the machine has cores. torch's are those of
    the process.
    """
    return _open_pt2(path) if path.suffix == ".pt2" else _open_onnx(str(path), threads)


def open_model(model: "onnx.ModelProto") -> Runner:
    """Open an ONNX model that is in memory."""
    return _open_onnx(model.SerializeToString())


def run_network(network: Callable[..., Any]) -> Runner:
    """Run a network of torch in the way of a file."""
    import torch

    def run(photos: NDArray[np.uint8]) -> Outputs:
        with torch.inference_mode():
            probability, mask = network(torch.from_numpy(photos))
        return probability.numpy(), mask.numpy()

    return run


def _open_onnx(model: str | bytes, threads: int = 0) -> Runner:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    # Errors only: it warns of what it does to nodes of a quantised file.
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    (entry,) = session.get_inputs()

    def run(photos: NDArray[np.uint8]) -> Outputs:
        probability, mask = session.run(["probability", "mask"], {entry.name: photos})
        return probability, mask

    return run


def _open_pt2(path: Path) -> Runner:
    import torch

    # By name, torch would not find a folder on Windows whose name is not ASCII.
    with path.open("rb") as file:
        return run_network(torch.export.load(file).module())
