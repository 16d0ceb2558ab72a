"""An exported model on disk: where it is, what it says of itself, and whether it is whole."""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from humanseg.errors import HumansegError

DEFAULT_MODEL = Path(__file__).parent / "default_model"
"""The export folder of the model that ships with humanseg."""

METADATA_KEY = "humanseg"
"""Under this key an ONNX file says, as JSON, what its user must know."""

MODEL_NAMES = ("model.onnx", "model.fp16.onnx", "model.int8.onnx")
"""The ONNX files of an export; the first that is there speaks for the folder."""

MANIFEST_NAME = "manifest.json"
_FORMAT = 1
_ANEW = "export it again with humanseg export, or copy it again from its source"


@dataclass(frozen=True)
class ModelInfo:
    """What a model's user must know of it."""

    # Such as "unet-efficientnet_lite0".
    name: str
    # In (0,1): a pixel with a greater probability belongs to the person.
    threshold: float
    # Photos whose longer side is greater are scaled down to it before the model sees them.
    long_side: int


def find_model(path: Path | None) -> Path:
    """Return the ONNX file that a path stands for."""
    if path is None:
        file = _first_of(DEFAULT_MODEL)
        if file is None:
            raise HumansegError(
                "This copy of humanseg brings no model of its own: name one with --model, or in "
                "Python humanseg.load(path). humanseg export makes one."
            )
        return file
    if os.path.isdir(path):
        file = _first_of(path)
        if file is None:
            raise HumansegError(
                f"The folder {path} holds no {MODEL_NAMES[0]}: name a folder that humanseg export "
                "wrote, or an .onnx file."
            )
        return file
    if not os.path.exists(path):
        raise HumansegError(
            f"There is no model {path}: name an .onnx file or a folder that humanseg export wrote."
        )
    return path


def _first_of(folder: Path) -> Path | None:
    return next((folder / name for name in MODEL_NAMES if (folder / name).is_file()), None)


def read_manifest(file: Path) -> Mapping[str, Any]:
    """Return the manifest beside a model, when the model is one of its files."""
    path = file.with_name(MANIFEST_NAME)
    if not path.is_file():
        return {}
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        described = manifest.get("files", {}).get(file.name)
        wanted = None if described is None else described["sha256"]
    except (OSError, ValueError, TypeError, LookupError, AttributeError) as error:
        raise HumansegError(
            f"{path} is not a manifest, or is broken: {_ANEW}; or take it away from beside "
            f"{file.name}."
        ) from error
    if wanted is None:
        return {}
    _require_format(manifest, path)
    with file.open("rb") as opened:
        held = hashlib.file_digest(opened, "sha256").hexdigest()
    if held != wanted:
        raise HumansegError(
            f"{file} is not the file that {path.name} beside it describes: its sha256 is "
            f"{held[:12]}…, not {str(wanted)[:12]}…. It was changed, mixed up or copied only in "
            f"part: {_ANEW}."
        )
    return dict(manifest)


def model_digest(file: Path) -> str:
    """Return a digest of all that shapes what a model finds."""
    said = {key: read_manifest(file).get(key) for key in ("threshold", "long_side")}
    digest = hashlib.sha256(json.dumps(said).encode())
    with file.open("rb") as opened:
        digest.update(hashlib.file_digest(opened, "sha256").digest())
    return digest.hexdigest()[:16]


def read_model_info(
    file: Path, metadata: Mapping[str, str], manifest: Mapping[str, Any]
) -> ModelInfo:
    """Return what a model says of itself."""
    try:
        own = json.loads(metadata.get(METADATA_KEY, "{}"))
        said = {**manifest, **own}
    except (ValueError, TypeError) as error:
        raise HumansegError(f"What {file} says of itself is broken: {_ANEW}.") from error
    if not said:
        raise HumansegError(
            f"{file} is an ONNX model, but does not say its threshold and size as models written "
            "by humanseg export do: take one of those."
        )
    _require_format(said, file)
    name, threshold, side = said.get("name"), said.get("threshold"), said.get("long_side")
    if (
        not isinstance(name, str)
        or not isinstance(threshold, int | float)
        or not 0 < threshold < 1
        or not isinstance(side, int)
        or side < 1
    ):
        raise HumansegError(
            f"{file} says of itself name={name!r}, threshold={threshold!r} and long_side={side!r}; "
            f"a text, a number between 0 and 1 and a number of pixels are needed: {_ANEW}."
        )
    return ModelInfo(name, float(threshold), side)


def _require_format(said: Mapping[str, Any], path: Path) -> None:
    if said.get("format") != _FORMAT:
        raise HumansegError(
            f"{path} is written in format {said.get('format')!r}, and this humanseg knows format "
            f"{_FORMAT} only: install the humanseg that wrote it, or export the model again."
        )
