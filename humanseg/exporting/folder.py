"""The folder of an export: what it may hold, and what it may replace."""

import json
from pathlib import Path

from humanseg.errors import HumansegError
from humanseg.exporting.formats import FORMATS

MANIFEST, CARD, RECORD = "manifest.json", "README.md", "record.json"
RECIPE = "recipe.json"
"""The record of the recipe that made the model, where one did."""
_OWN = {MANIFEST, CARD, RECORD, RECIPE, *(item.file for item in FORMATS.values())}


def require_export_folder(folder: Path, overwrite: bool) -> None:
    """Make sure that an export can take a folder, without touching it.

    Parameters
    ----------
    folder
        One that does not exist, or is empty; with `overwrite`, also one that holds an export and
        nothing else.
    overwrite
        Whether an earlier export may go.

    Raises
    ------
    HumansegError
        Something is in the way.
    """
    if not folder.exists():
        return
    if not folder.is_dir():
        raise HumansegError(
            f"{folder} is a file: choose another folder with --out.", code="export.occupied"
        )
    names = {path.name for path in folder.iterdir()}
    if not names:
        return
    if not _is_export(folder) or not names <= _OWN:
        others = ", ".join(sorted(names - _OWN)[:3]) or "no manifest of an export"
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


def _is_export(folder: Path) -> bool:
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(manifest, dict) and "format" in manifest
