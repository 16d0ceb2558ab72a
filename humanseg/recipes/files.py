"""The files in a recipe's folder at the end: the task's files and the exported model."""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from humanseg.errors import HumansegError
from humanseg.exporting.folder import RECIPE
from humanseg.io.files import file_sha256, whole_file, whole_folder
from humanseg.runs import RunFolder
from humanseg.system.children import call_in_child
from humanseg.system.terminal import console

EXPORT = "export"
"""The folder of the exported model, in that of the recipe."""
_FOLDERS = ("test", "valid")


def copy_results(last: RunFolder, folder: Path) -> list[Path]:
    """Copy the files of a run that the task asks for, and its pages; return where they are now."""
    files = [last.submission, last.scores, last.test_page, last.valid_page, last.curves]
    for name in _FOLDERS:
        # Before the pages that show them.
        if (last.path / name).is_dir():
            with whole_folder(folder / name) as partial:
                shutil.copytree(last.path / name, partial, dirs_exist_ok=True)
        else:
            shutil.rmtree(folder / name, ignore_errors=True)
    for file in files:
        copy = folder / file.name
        if file.is_file():
            with whole_file(copy) as partial:
                shutil.copyfile(file, partial)
                if copy.suffix == ".html":
                    _lead_from(partial)
        else:  # no page where there are no test photos
            copy.unlink(missing_ok=True)
    return [folder / file.name for file in files if file.is_file()]


def _lead_from(page: Path) -> None:
    """Make the links of a stage's page those of its copy in the folder above."""
    html = page.read_text(encoding="utf-8").replace('<a href="../index.html">Recipe</a>\n', "")
    page.write_text(html.replace('href="../', 'href="'), encoding="utf-8")


def export_model(
    last: RunFolder, folder: Path, formats: Sequence[str], ensemble: Mapping[str, float]
) -> dict[str, Any]:
    """Export the best checkpoint of a run, verified; return what `record.json` has of it.

    `ensemble`: other stages whose logits are averaged with its own, by their weights.
    """
    out = folder / EXPORT
    others = {folder / name: weight for name, weight in ensemble.items()}
    try:
        call_in_child(_export, last.path, out, list(formats), others)
    except HumansegError as error:
        exact = [name for name in formats if name in ("onnx", "pt2")]
        if not exact or exact == list(formats):
            raise
        # Of a model that 8 bits spoil there is a file all the same.
        console.print(f"note    {' '.join(str(error).split())}")
        call_in_child(_export, last.path, out, exact, others)
    return {
        "stage": last.path.name,
        "asked": list(formats),
        "checkpoint_sha256": file_sha256(last.best),
        **({"ensemble": _members(folder, ensemble)} if ensemble else {}),
        "files": {
            file.name: {"bytes": file.stat().st_size, "sha256": file_sha256(file)}
            for file in sorted(out.iterdir())
            if file.is_file() and file.name != RECIPE
        },
    }


def _members(folder: Path, ensemble: Mapping[str, float]) -> dict[str, Any]:
    """Return the weight of each stage of an ensemble, and the digest of its checkpoint."""
    return {
        name: {"weight": weight, "checkpoint_sha256": file_sha256(RunFolder(folder / name).best)}
        for name, weight in ensemble.items()
    }


def is_exported(
    model: Mapping[str, Any] | None,
    last: RunFolder,
    folder: Path,
    formats: Sequence[str],
    ensemble: Mapping[str, float],
) -> bool:
    """Return whether the files that a record tells of are there, and of these checkpoints."""
    if not model or model.get("asked") != list(formats):
        return False
    if model.get("ensemble", {}) != _members(folder, ensemble):
        return False
    return model.get("checkpoint_sha256") == file_sha256(last.best) and all(
        (folder / EXPORT / name).is_file()
        and file_sha256(folder / EXPORT / name) == entry["sha256"]
        for name, entry in model["files"].items()
    )


def _export(run: Path, out: Path, formats: list[str], ensemble: Mapping[Path, float]) -> None:
    """Export in this process, which loads torch."""
    from humanseg.exporting.folder import read_formats
    from humanseg.exporting.run_export import export
    from humanseg.exporting.select_run import SelectedRun

    selected = SelectedRun(RunFolder(run), ["the last stage of its recipe"], ensemble=ensemble)
    export(selected, out, read_formats(formats), overwrite=True)
