"""Copies a model that is exported already, such as a bundled one, to a folder."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from humanseg.errors import HumansegError
from humanseg.evaluation.evaluated_model import is_export
from humanseg.exporting.folder import (
    FILES,
    FORMATS,
    MANIFEST,
    Format,
    print_files,
    require_export_folder,
)
from humanseg.inference.load import describe_model
from humanseg.inference.model_file import read_manifest
from humanseg.inference.named_model import NamedModel, resolve_model
from humanseg.io.files import whole_folder, write_json
from humanseg.system.terminal import console


def find_exported(path: Path) -> NamedModel | None:
    """Return the model at a path, or of a name, that is exported already; None: look for runs."""
    if path.suffix == ".onnx" or is_export(path):
        return resolve_model(path)
    # `runs` is where runs would be, whether there are any or not.
    if os.path.exists(path) or str(path) == "runs":
        return None
    return resolve_model(path)


def copy_export(
    model: NamedModel, out: Path, formats: Sequence[Format] | None, overwrite: bool
) -> None:
    """Copy all files of an export, a bundled model or an ONNX file; formats cannot be chosen."""
    if formats is not None:
        raise HumansegError(
            f"{model.path} is exported already, and its files are copied as they are: leave "
            "--formats out, or export the run that it came from.",
            code="export.already_exported",
        )
    require_export_folder(out, overwrite)
    files = [model.path]
    if model.path.is_dir():
        files = [file for name in sorted(FILES) if (file := model.path / name).is_file()]
    # Raises where the manifest is broken, or describes other bytes.
    read_manifest(*files)
    with whole_folder(out) as partial:
        for file in files:
            # A name of its own is that of no format: a folder is spoken for by `model.onnx`.
            name = file.name if file.name in FILES else FORMATS["onnx"].file
            shutil.copyfile(file, partial / name)
        if not (partial / MANIFEST).is_file():
            onnx = next(partial.glob("*.onnx"))
            write_json(partial / MANIFEST, describe_model(onnx))
    console.print(f"{model.path} is exported already: its files are copied.")
    print_files(out, sorted(path.name for path in out.iterdir()))
