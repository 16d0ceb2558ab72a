"""An exported model on disk: its files, its metadata, and whether they are whole."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from humanseg.errors import HumansegError
from humanseg.io.files import file_sha256

METADATA_KEY = "humanseg"
"""The key of an ONNX file's metadata under which `ModelInfo` is kept as JSON."""

MODEL_NAME = "model.onnx"
"""The ONNX file of an export in fp32; others are called such as `model.int8.onnx`."""

MANIFEST_NAME = "manifest.json"
_FORMAT = 1
_EXPORT_AGAIN = "export it again with humanseg export, or copy it again from its source"


class ModelError(HumansegError):
    """A model is missing or cannot be used."""

    code = "inference.unusable_model"


@dataclass(frozen=True)
class ModelInfo:
    """The metadata of a model."""

    # Such as "unet-efficientnet_lite0".
    name: str
    # In (0,1): a pixel with a greater probability belongs to the person.
    threshold: float
    # Photos whose longer side is greater are scaled down to it before the model sees them.
    long_side: int


def first_model(folder: Path) -> Path | None:
    """Return the ONNX file that stands for a folder; None where it holds none."""
    files = [path for path in folder.glob("model.*onnx") if path.is_file()]
    return min(files, key=lambda path: (path.name != MODEL_NAME, path.name), default=None)


def read_manifest(file: Path, *others: Path) -> Mapping[str, Any]:
    """Return the manifest beside a model whose bytes it describes; empty where there is none.

    The `others` are further files of the folder, whose bytes it must describe too if it lists them.
    """
    path = file.with_name(MANIFEST_NAME)
    if not path.is_file():
        return {}
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        listed = manifest.get("files", {})
        entries = {path: listed.get(path.name) for path in (file, *others)}
        expected = {path: entry["sha256"] for path, entry in entries.items() if entry is not None}
    except (OSError, ValueError, TypeError, LookupError, AttributeError) as error:
        raise ModelError(
            f"{path} is not a manifest, or is broken: {_EXPORT_AGAIN}; or take it away from beside "
            f"{file.name}."
        ) from error
    if not expected:
        return {}
    _require_format(manifest, path)
    for described, digest in expected.items():
        if (sha256 := file_sha256(described)) != digest:
            raise ModelError(
                f"{described} is not the file that {path.name} beside it describes: its sha256 is "
                f"{sha256[:12]}…, not {str(digest)[:12]}…. It was changed, mixed up or copied "
                f"only in part: {_EXPORT_AGAIN}."
            )
    return dict(manifest)


def model_digest(file: Path) -> str:
    """Return a digest of all that shapes what a model predicts."""
    manifest = read_manifest(file)
    settings = {key: manifest.get(key) for key in ("threshold", "long_side")}
    digest = hashlib.sha256(json.dumps(settings).encode())
    digest.update(bytes.fromhex(file_sha256(file)))
    return digest.hexdigest()[:16]


def read_model_info(
    file: Path, metadata: Mapping[str, str], manifest: Mapping[str, Any]
) -> ModelInfo:
    """Return the info in a model's metadata, or else in its manifest."""
    try:
        values = {**manifest, **json.loads(metadata.get(METADATA_KEY, "{}"))}
    except (ValueError, TypeError) as error:
        raise ModelError(f"What {file} says of itself is broken: {_EXPORT_AGAIN}.") from error
    if not values:
        raise ModelError(
            f"{file} is an ONNX model, but does not say its threshold and size as models written "
            "by humanseg export do: take one of those."
        )
    _require_format(values, file)
    name, threshold, side = (values.get(key) for key in ("name", "threshold", "long_side"))
    if (
        not isinstance(name, str)
        or not isinstance(threshold, int | float)
        or not 0 < threshold < 1
        or not isinstance(side, int)
        or side < 1
    ):
        raise ModelError(
            f"{file} says of itself name={name!r}, threshold={threshold!r} and long_side={side!r}; "
            f"a text, a number between 0 and 1 and a number of pixels are needed: {_EXPORT_AGAIN}."
        )
    return ModelInfo(name, float(threshold), side)


def _require_format(values: Mapping[str, Any], path: Path) -> None:
    if values.get("format") != _FORMAT:
        raise ModelError(
            f"{path} is written in format {values.get('format')!r}, and this humanseg knows format "
            f"{_FORMAT} only: install the humanseg that wrote it, or export the model again."
        )
