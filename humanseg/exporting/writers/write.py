"""Writes a network in each of the requested formats."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from onnx import ModelProto
from torch.export import ExportedProgram

from humanseg.data.module import PhotoData
from humanseg.errors import HumansegError
from humanseg.exporting.folder import Format, notify
from humanseg.exporting.source import train_pairs
from humanseg.exporting.writers.fp16 import halve_weights
from humanseg.exporting.writers.int8 import Quantised, quantise
from humanseg.models.onnx.convert import convert, save
from humanseg.models.onnx.network import PhotoToMask, trace

CALIBRATION, HELD_OUT = 48, 48
"""Train photos that 8 bits are calibrated on, and others that their loss is measured on."""


def write_formats(
    network: PhotoToMask,
    photos: PhotoData,
    metadata: dict[str, Any],
    formats: Sequence[Format],
    max_drop: float,
    folder: Path,
) -> Quantised | None:
    """Write a file per format; return the quantised model, where there is one."""
    names = {item.name: folder / item.file for item in formats}
    notify("trace", f"{metadata['name']}, for any number of photos of any size")
    program = trace(network)
    if "pt2" in names:
        save_pt2(program, names["pt2"])
    if names.keys() == {"pt2"}:
        return None
    notify("onnx", "converting")
    model = convert(program, metadata)
    if "onnx" in names:
        save(model, names["onnx"])
    if "fp16" in names:
        save(halve_weights(model), names["fp16"])
    quantised = None
    if "int8" in names:
        quantised = _quantise(model, photos, max_drop)
        save(quantised.model, names["int8"])
    return quantised


def _quantise(model: ModelProto, photos: PhotoData, max_drop: float) -> Quantised:
    """Quantise a model on train photos."""
    if photos.splits.extra and not photos.splits.extra_folder.is_dir():
        left_out = f"calibrated without data.extra: there is no {photos.splits.extra_folder} now"
        notify("int8", left_out)
    pairs = train_pairs(photos, CALIBRATION + HELD_OUT)
    # Where train is small, half of it.
    count = min(CALIBRATION, len(pairs) // 2)
    if not count:
        raise HumansegError(
            f"8 bits need at least 2 train photos, and there is {len(pairs)} in {photos.root}: "
            "leave int8 out by --formats.",
            code="export.few_photos",
        )
    # A third of what is allowed: the valid photos are others, and one stage more costs little.
    return quantise(model, pairs[:count], pairs[count:], max_drop / 3)


def save_pt2(program: ExportedProgram, path: Path) -> None:
    """Write a traced network without its guards, to be read by `torch.export.load`."""
    # Guards refuse every size for which torch might have chosen another memory layout on the way,
    # such as 320×240 and 1×1. No number depends on that: `verify` runs all sizes.
    program._guards_code = []
    # By name, torch would not find a folder on Windows whose name is not ASCII.
    with path.open("wb") as file:
        torch.export.save(program, file)
