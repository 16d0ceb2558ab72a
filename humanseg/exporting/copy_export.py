"""Copies a model that is exported already, such as a bundled one, to a folder."""

import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from humanseg.errors import HumansegError
from humanseg.evaluation.evaluated_model import is_export
from humanseg.exporting.folder import CARD, MANIFEST, RECORD, require_export_folder
from humanseg.exporting.formats import FORMATS, Format
from humanseg.inference.load import describe_model
from humanseg.inference.model_file import read_manifest
from humanseg.inference.named_model import NamedModel, resolve_model
from humanseg.io.files import whole_folder, write_json, write_text
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
    """Copy the files of an export, a bundled model or an ONNX file.

    Parameters
    ----------
    model
        One that is no run.
    out
        The folder to write; it appears whole or not at all.
    formats
        Which files; None: those that there are.
    overwrite
        Whether an earlier export at `out` may be replaced.

    Raises
    ------
    HumansegError
        The model cannot be used, or lacks a format that was requested; or something is in the way.
    """
    require_export_folder(out, overwrite)
    assert model.onnx is not None
    folder = model.path if model.path.is_dir() else model.path.parent
    names = [item.file for item in FORMATS.values() if (folder / item.file).is_file()]
    if model.path.is_file():
        names = [model.path.name]
    wanted = [item for item in formats or () if item.file not in names]
    if wanted:
        raise HumansegError(
            f"{model.path} is exported already, and holds {', '.join(names)}; it cannot become "
            f"{', '.join(each.name for each in wanted)}: export the run that it came from, or "
            "leave --formats out.",
            code="export.already_exported",
        )
    chosen = names if formats is None else [item.file for item in formats]
    for name in chosen:
        # Raises where the manifest is broken, or describes other bytes.
        read_manifest(folder / name)
    with whole_folder(out) as partial:
        for name in chosen:
            # A name of its own is that of no format: a folder is spoken for by `model.onnx`.
            known = name in {item.file for item in FORMATS.values()}
            shutil.copyfile(folder / name, partial / (name if known else FORMATS["onnx"].file))
        if model.path.is_dir():
            _copy_words(folder, partial, names, chosen)
        if not (partial / MANIFEST).is_file():
            onnx = next(partial.glob("*.onnx"))
            write_json(partial / MANIFEST, describe_model(onnx))
    console.print(f"{model.path} is exported already: its files are copied.")
    for path in sorted(out.iterdir()):
        console.print(f"{path}  {path.stat().st_size / 1e6:.2f} MB")


def _copy_words(folder: Path, out: Path, names: Sequence[str], chosen: Sequence[str]) -> None:
    """Copy card, record and manifest, without what they say of files that are left out."""
    left_out = [name for name in names if name not in chosen]
    if (folder / RECORD).is_file():
        shutil.copyfile(folder / RECORD, out / RECORD)
    if (folder / CARD).is_file():
        rows = tuple(f"| `{name}` |" for name in left_out)
        lines = (folder / CARD).read_text(encoding="utf-8").splitlines(keepends=True)
        card = "".join(line for line in lines if not line.startswith(rows))
        runnable = [name for name in chosen if name.endswith(".onnx")]
        for name in left_out if runnable else ():
            # In the examples of code.
            card = card.replace(f'"{name}"', f'"{runnable[0]}"')
        write_text(out / CARD, card)
    if (folder / MANIFEST).is_file():
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        for name in left_out:
            manifest.get("files", {}).pop(name, None)
        write_json(out / MANIFEST, manifest)
