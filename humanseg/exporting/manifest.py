"""`manifest.json`: the description of an export for programs."""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from humanseg.exporting.folder import Format
from humanseg.models.onnx.convert import OPSET
from humanseg.models.onnx.network import INPUT
from humanseg.training.machine.environment import git_commit, versions

_TOOLS = ("onnx", "onnxscript", "onnxruntime")


def describe_file(path: Path, kind: Format, dice: float | None) -> dict[str, Any]:
    """Describe a file, with its SHA-256 and its mean Dice on valid, None where not measured."""
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
    checked: int,
) -> dict[str, Any]:
    """Build a manifest that JSON can hold.

    `files` come from `describe_file`; each was compared with the checkpoint on `checked` valid
    photos.
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
        "checked_photos": checked,
        "git": git_commit(),
        "versions": versions() | {name: version(name) for name in _TOOLS},
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }
