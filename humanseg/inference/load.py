"""Opening an ONNX file as a model, once it is sure that it is one of humanseg's."""

from collections.abc import Sequence
from numbers import Integral
from os import PathLike
from pathlib import Path
from typing import Any

import onnxruntime

from humanseg.inference.model import INPUT, OUTPUT, Model
from humanseg.inference.model_file import ModelError, read_manifest, read_model_info
from humanseg.inference.named_model import find_model
from humanseg.inference.providers import Provider, resolve_providers
from humanseg.inference.session import Session
from humanseg.io.files import file_sha256


def load_model(
    path: str | PathLike[str] | None = None,
    threads: int | None = None,
    providers: Provider | Sequence[Provider] | None = None,
) -> Model:
    """Load a model as `humanseg.load` does."""
    if threads is not None and (not isinstance(threads, Integral) or threads < 0):
        raise ValueError(f"threads={threads!r}: a number of processor cores, or None for all.")
    file = find_model(path)
    manifest = read_manifest(file)
    session = Session(file, int(threads or 0), resolve_providers(providers))
    _require_signature(session.native, file)
    metadata = session.native.get_modelmeta().custom_metadata_map
    return Model(session, read_model_info(file, metadata, manifest))


def describe_model(file: Path) -> dict[str, Any]:
    """Return the manifest of one ONNX file, by its own manifest and metadata."""
    # Opened once: errors show here, not where it is used.
    model = load_model(file, threads=1)
    manifest = read_manifest(file)
    entry = {
        "format": "onnx",
        "bytes": file.stat().st_size,
        "sha256": file_sha256(file),
        **manifest.get("files", {}).get(file.name, {}),
    }
    return {
        "format": 1,
        "input": {"name": "photo"},
        "outputs": {"probability": {}},
        **manifest,
        "name": model.name,
        "threshold": model.threshold,
        "long_side": model.long_side,
        "files": {file.name: entry},
    }


def _require_signature(session: onnxruntime.InferenceSession, file: Path) -> None:
    inputs, outputs = session.get_inputs(), session.get_outputs()
    photo = [value for value in inputs if value.name == INPUT]
    probability = [value for value in outputs if value.name == OUTPUT]
    fits = (
        len(inputs) == len(photo) == len(probability) == 1
        and photo[0].type == "tensor(uint8)"
        and probability[0].type == "tensor(float)"
        and _is_free(photo[0].shape, 3)
        and _is_free(probability[0].shape, 1)
    )
    if not fits:
        raise ModelError(
            f"{file} is an ONNX model, but not one that humanseg export wrote. It takes "
            f"{_signature(inputs)} and gives {_signature(outputs)}; needed are {INPUT} "
            f"tensor(uint8) (batch, 3, height, width) and {OUTPUT} tensor(float) (batch, 1, "
            "height, width), of any size."
        )


def _is_free(shape: list[Any], channels: int) -> bool:
    """Return whether a shape is (N, channels, H, W) of any N, H and W."""
    return (
        len(shape) == 4
        and [type(side) is int for side in shape] == [False, True, False, False]
        and shape[1] == channels
    )


def _signature(values: list[Any]) -> str:
    return ", ".join(
        f"{value.name} {value.type} ({', '.join(map(str, value.shape))})" for value in values
    )
