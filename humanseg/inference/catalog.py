"""The bundled models: a folder of `bundled` each, as `humanseg export` writes it, with a record."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from humanseg.inference.model_file import MANIFEST_NAME, ModelError, first_model
from humanseg.io.names import natural_key

BUNDLED = Path(__file__).parent / "bundled"
"""Each folder below is a bundled model of that name; nothing else lists them."""

RECORD_NAME = "record.json"

Use = Literal["photos", "videos"]
"""The use of a model; the demo, like videos, needs a fast one."""

_PREFERRED: dict[Use, tuple[str, ...]] = {
    "photos": ("robust", "best"),
    # tiny is not significantly better on portraits, and predicts people where there are none.
    "videos": ("robust_tiny", "tiny"),
}
"""The first of these that is bundled is the default."""


@dataclass(frozen=True)
class Estimate:
    """A mean Dice, with its 95 % confidence interval where that is known."""

    # In [0,1].
    mean: float
    interval: tuple[float, float] | None = None
    # How many photos it was measured on.
    photos: int | None = None


@dataclass(frozen=True)
class BundledModel:
    """A bundled model, and what is on record of it; what is not known is None.

    Attributes
    ----------
    folder
        Its name is the model's.
    """

    folder: Path

    @property
    def name(self) -> str:
        """The name by which a person asks for it."""
        return self.folder.name

    @property
    def file(self) -> Path:
        """Its ONNX file."""
        file = first_model(self.folder)
        assert file is not None
        return file

    @property
    def bytes(self) -> int:
        """The size of its file."""
        return self.file.stat().st_size

    @cached_property
    def record(self) -> Mapping[str, Any]:
        """Its `record.json`; empty where there is none."""
        return _read(self.folder / RECORD_NAME)

    @cached_property
    def manifest(self) -> Mapping[str, Any]:
        """Its `manifest.json`, as the export wrote it."""
        return _read(self.folder / MANIFEST_NAME)

    @property
    def purpose(self) -> str | None:
        """Its purpose, in a few words."""
        return self.record.get("purpose")

    @property
    def architecture(self) -> str | None:
        """Model and backbone, such as ``unet-efficientnet_lite2``."""
        return self.manifest.get("name")

    @property
    def long_side(self) -> int | None:
        """The longer side, in pixels, at which it works."""
        return self.manifest.get("long_side")

    @property
    def parameters(self) -> int | None:
        """Its number of parameters."""
        return self.record.get("parameters")

    @property
    def milliseconds(self) -> float | None:
        """The median time for a photo, on the machine that the record names."""
        return (self.record.get("latency") or {}).get("milliseconds")

    @property
    def licence(self) -> str | None:
        """Its licence in a few words, with the terms of its data."""
        return self.record.get("licence")

    def dice(self, kind: Literal["in_distribution", "out_of_distribution"]) -> Estimate | None:
        """Return its Dice on photos of the kind that it was trained on, or on others."""
        recorded = (self.record.get("dice") or {}).get(kind)
        if not recorded:
            return None
        interval = recorded.get("interval")
        return Estimate(
            recorded["mean"], tuple(interval) if interval else None, recorded.get("photos")
        )

    @property
    def default_for(self) -> list[Use]:
        """The uses for which it is the default."""
        uses: tuple[Use, ...] = ("photos", "videos")
        return [use for use in uses if default_model(use) == self]

    def as_dict(self) -> dict[str, Any]:
        """Return all that is known of it, as JSON holds it."""
        return {
            "name": self.name,
            "default_for": self.default_for,
            **{key: value for key, value in self.record.items() if key != "format"},
            "architecture": self.architecture,
            "long_side": self.long_side,
            "file": self.file.name,
            "bytes": self.bytes,
            "folder": str(self.folder),
        }


def bundled_models() -> dict[str, BundledModel]:
    """Return the bundled models by their names: the folders that hold an ONNX file."""
    folders = [folder for folder in BUNDLED.glob("*") if first_model(folder) is not None]
    folders.sort(key=lambda folder: natural_key(folder.name))
    return {folder.name: BundledModel(folder) for folder in folders}


def default_model(use: Use = "photos") -> BundledModel:
    """Return the bundled model that is taken where none is named."""
    models = bundled_models()
    for name in (*_PREFERRED[use], *models):
        if name in models:
            return models[name]
    raise ModelError(
        "This copy of humanseg brings no model of its own: name one with --model, or in "
        "Python humanseg.load(path). humanseg export makes one.",
        code="inference.missing_model",
    )


def _read(path: Path) -> Mapping[str, Any]:
    if not path.is_file():
        return {}
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"{path} is broken: install humanseg again.") from error
    return values if isinstance(values, dict) else {}
