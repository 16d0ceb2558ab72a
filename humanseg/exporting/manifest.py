"""`manifest.json`: what an export is, for the programs that use it."""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from humanseg.exporting.formats import Format
from humanseg.exporting.network import INPUT
from humanseg.exporting.writers.onnx import OPSET
from humanseg.training.machine.environment import git_commit, versions

FORMAT = 1
"""Of the manifest and of the metadata inside an ONNX file: a reader refuses any other."""
_TOOLS = ("onnx", "onnxscript", "onnxruntime")


def model_metadata(name: str, threshold: float, long_side: int) -> dict[str, Any]:
    """Return what an ONNX file must hold to be used alone.

    Parameters
    ----------
    name
        Of the model.
    threshold
        Its mask is where the probability is above it.
    long_side
        The longer side that it works at: larger photos are scaled down to it first.

    Returns
    -------
    dict
        Plain values.
    """
    return {"format": FORMAT, "name": name, "threshold": threshold, "long_side": long_side}


def describe_file(path: Path, kind: Format, dice: float) -> dict[str, Any]:
    """Describe a file, with its SHA-256 and its mean Dice on valid."""
    content = path.read_bytes()
    entry: dict[str, Any] = {"format": kind.runtime, "precision": kind.precision}
    if kind.runtime == "onnx":
        entry["opset"] = OPSET
    return entry | {
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "dice": dice,
    }


def make_manifest(
    metadata: Mapping[str, Any],
    files: Mapping[str, Mapping[str, Any]],
    scores: Mapping[str, Any],
    data: Mapping[str, Any],
    run: str,
) -> dict[str, Any]:
    """Put a manifest together.

    Parameters
    ----------
    metadata
        From `model_metadata`.
    files
        From `describe_file`, by name.
    scores
        `dice`, `dice_at_half`, `interval`, `boundary_dice`, `photos`, of the checkpoint.
    data
        Counts and fingerprint, as the run's summary has them.
    run
        Name of the run.

    Returns
    -------
    dict
        JSON can hold it.
    """
    shape = ["batch", 1, "height", "width"]
    return {
        "format": metadata["format"],
        "name": metadata["name"],
        "task": "person segmentation",
        "input": {
            "name": INPUT,
            "dtype": "uint8",
            "layout": "NCHW",
            "colour": "RGB",
            "shape": ["batch", 3, "height", "width"],
        },
        "outputs": {
            "probability": {"dtype": "float32", "shape": shape},
            "mask": {"dtype": "uint8", "shape": shape},
        },
        "threshold": metadata["threshold"],
        "long_side": metadata["long_side"],
        "files": dict(files),
        "scores": dict(scores),
        "data": dict(data),
        "run": run,
        "git": git_commit(),
        "versions": versions() | {name: version(name) for name in _TOOLS},
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }
