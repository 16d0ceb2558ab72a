"""`manifest.json`: the description of an export for programs."""

from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from humanseg.exporting.folder import Format
from humanseg.io.files import file_sha256
from humanseg.models.onnx.convert import OPSET
from humanseg.models.onnx.network import INPUT
from humanseg.training.machine.environment import git_commit, versions

_TOOLS = ("onnx", "onnxscript", "onnxruntime")


def make_manifest(
    folder: Path,
    metadata: Mapping[str, Any],
    dice_of: Mapping[Format, float | None],
    scores: Mapping[str, Any],
    data: Mapping[str, Any],
    run: str,
    checked: int,
) -> dict[str, Any]:
    """Describe the files in a folder, in a manifest that JSON can hold.

    `dice_of` has the mean Dice on valid of each of them, None where not measured; each was compared
    with the checkpoint on `checked` valid photos.
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
        "files": {
            kind.file: _describe(folder / kind.file, kind, dice) for kind, dice in dice_of.items()
        },
        "scores": dict(scores),
        "data": dict(data),
        "run": run,
        "checked_photos": checked,
        "git": git_commit(),
        "versions": versions() | {name: version(name) for name in _TOOLS},
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _describe(path: Path, kind: Format, dice: float | None) -> dict[str, Any]:
    return {
        "format": kind.runtime,
        "precision": kind.precision,
        **({"opset": OPSET} if kind.runtime == "onnx" else {}),
        "bytes": path.stat().st_size,
        "sha256": file_sha256(path),
        "dice": dice,
    }
