"""The folder of an export: the files that it may hold, and what it may replace."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from humanseg.errors import HumansegError
from humanseg.io.files import names_in, read_json
from humanseg.system.terminal import console


@dataclass(frozen=True)
class Format:
    """A kind of file.

    Attributes
    ----------
    name
        What `--formats` calls it.
    file
        Its name in the export's folder.
    runtime
        `onnx`, run by onnxruntime, or `pt2`, run by torch.
    precision
        Of its weights, for the manifest.
    exact
        Whether it must give the checkpoint's own masks. Others may lose some Dice.
    """

    name: str
    file: str
    runtime: str
    precision: str
    exact: bool


FORMATS = {
    item.name: item
    for item in (
        Format("onnx", "model.onnx", "onnx", "fp32", exact=True),
        Format("int8", "model.int8.onnx", "onnx", "int8", exact=False),
        Format("fp16", "model.fp16.onnx", "onnx", "fp16 weights", exact=False),
        Format("pt2", "model.pt2", "pt2", "fp32", exact=True),
    )
}
"""By name, in the order in which they are written."""
DEFAULT = ("onnx", "int8", "pt2")
"""The names of those that are written where none is named."""
MANIFEST, CARD, RECORD = "manifest.json", "README.md", "record.json"
RECIPE = "recipe.json"
"""The record of the recipe that made the model, where one did."""
FILES = {MANIFEST, CARD, RECORD, RECIPE, *(item.file for item in FORMATS.values())}
"""The names of all files that an export may hold."""


def read_formats(names: Sequence[str]) -> list[Format]:
    """Look up formats by their names: several, or a text with commas between them.

    Each is returned once, in the order of `FORMATS`.
    """
    names = [name.strip() for name in (names.split(",") if isinstance(names, str) else names)]
    unknown = [name for name in names if name not in FORMATS]
    if unknown or not names:
        raise HumansegError(
            f"--formats takes {', '.join(FORMATS)}, separated by commas, not "
            f"{','.join(unknown) or 'nothing'}.",
            code="export.unknown_format",
        )
    return [item for name, item in FORMATS.items() if name in names]


def require_export_folder(folder: Path, overwrite: bool) -> None:
    """Make sure that an export can take a folder, without touching it.

    It does not exist, or is empty; with `overwrite` it may hold an export and nothing else.
    """
    if not folder.exists():
        return
    if not folder.is_dir():
        raise HumansegError(
            f"{folder} is a file: choose another folder with --out.", code="export.occupied"
        )
    names = names_in(folder)
    if not names:
        return
    if "format" not in read_json(folder / MANIFEST) or not names <= FILES:
        others = ", ".join(sorted(names - FILES)[:3]) or "no manifest of an export"
        raise HumansegError(
            f"{folder} holds something else than an export ({others}): choose another folder "
            "with --out.",
            code="export.occupied",
        )
    if not overwrite:
        raise HumansegError(
            f"{folder} already holds an export: replace it by --overwrite, or choose another "
            "folder with --out.",
            code="export.exists",
        )


def notify(what: str, text: str) -> None:
    """Print a line of what is being done."""
    console.print(f"{what:<10}{text}")


def print_files(folder: Path, names: Iterable[str]) -> None:
    """Print where the files of an export are, and their sizes."""
    for name in names:
        path = folder / name
        console.print(f"{path}  {path.stat().st_size / 1e6:.2f} MB")
