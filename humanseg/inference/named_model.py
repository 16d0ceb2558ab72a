"""A model as a person names it: a bundled one, an export, an ONNX file, a run or a checkpoint."""

import os
from dataclasses import dataclass
from difflib import get_close_matches
from os import PathLike
from pathlib import Path
from typing import Any

from humanseg.errors import listed
from humanseg.inference.catalog import Use, bundled_models, default_model
from humanseg.inference.inputs import is_address
from humanseg.inference.model_file import MODEL_NAME, ModelError, first_model
from humanseg.runs.folder import RunFolder, explain_missing_checkpoint, last_stage

_MISSING = "inference.missing_model"
_KINDS = (
    "the name of a bundled model, the folder of humanseg export, of a run or of a recipe, an .onnx "
    "file or a checkpoint of a run"
)
_SHOWN = 5


@dataclass(frozen=True)
class NamedModel:
    """The model behind a name.

    Attributes
    ----------
    path
        The folder of the bundled model, the export or the run; the ONNX file; the checkpoint.
    onnx
        The ONNX file that predicts what it predicts; None: a checkpoint has to become one first.
    run
        The folder of the run that it belongs to.
    """

    path: Path
    onnx: Path | None = None
    run: RunFolder | None = None


def resolve_model(name: "str | PathLike[str] | None", use: Use = "photos") -> NamedModel:
    """Find what a person's name for a model stands for.

    A model that exists at that path comes first; else the bundled one of that name is meant. So a
    person's own folder `best` is never mistaken for the bundled model.

    Parameters
    ----------
    name
        A bundled model's name, the folder of an export or of a run, an ONNX file, or a checkpoint
        of a run; None: the default for `use`.
    use
        What for.

    Raises
    ------
    ModelError
        There is no such model; what is there, and what is spelled alike, is named.
    TypeError
        It is no name at all.
    """
    text = _text_of(name)
    if text is None:
        model = default_model(use)
        return NamedModel(model.folder, model.file)
    path = Path(text)
    if os.path.exists(path) and (found := _at(path)) is not None:
        return found
    if text in (models := bundled_models()):
        return NamedModel(models[text].folder, models[text].file)
    raise ModelError(_explain_missing(text, path), code=_MISSING)


def is_bundled(name: str) -> bool:
    """Return whether a name stands for a bundled model, and for nothing that is there."""
    return name in bundled_models() and not os.path.exists(name)


def find_model(name: "str | PathLike[str] | None", use: Use = "photos") -> Path:
    """Return the ONNX file for a person's name for a model; see `resolve_model`.

    Raises
    ------
    ModelError
        There is no such model; or it is a checkpoint that is not an ONNX file yet, which
        `humanseg.exporting.as_onnx` makes of it where torch is installed.
    """
    found = resolve_model(name, use)
    if found.onnx is None:
        raise needs_torch(found)
    return found.onnx


def needs_torch(found: NamedModel) -> ModelError:
    """Return the error for a checkpoint that has to become an ONNX file first."""
    return ModelError(
        f"{found.path} has no ONNX file yet, and torch is needed to make one: pip install "
        f'"humanseg[train]"; or where it was trained, humanseg export --quick {found.path}, and '
        "name the folder that this writes.",
        code="inference.needs_torch",
    )


def _text_of(name: Any) -> str | None:
    if name is None:
        return None
    if not isinstance(name, str | PathLike):
        kind = type(name).__name__
        raise TypeError(f"A model is named by {_KINDS}, not by an object of type {kind}.")
    text = os.fspath(name)
    if not text:
        raise ModelError(
            "The path of the model is empty: name a file, or leave it out for the bundled model.",
            code=_MISSING,
        )
    if is_address(text):
        raise ModelError(
            f"{text} is an address, and nothing is fetched here: download the model first, and "
            "name the file.",
            code="inference.address",
        )
    return text


def _at(path: Path) -> NamedModel | None:
    """Return the model at a path that exists; None: there is none."""
    if path.is_dir():
        if (path / "config.yaml").is_file():
            return _of_run(RunFolder(path.absolute()))
        if (last := last_stage(path)) is not None:
            run, file = RunFolder(last.absolute()), first_model(path / "export")
            return NamedModel(path / "export", file, run) if file else _of_run(run)
        if (file := first_model(path)) is None:
            if any(path.glob("*/config.yaml")):
                raise ModelError(_explain_missing(str(path), path), code=_MISSING)
            return None
        return NamedModel(path, file)
    if path.suffix != ".ckpt":
        return NamedModel(path, path)
    run = RunFolder(path.absolute().parent.parent)
    if not run.config.is_file():
        raise ModelError(
            f"{path} is a checkpoint outside of its run, and only the run's config.yaml says which "
            "net it belongs to: name it where it is in the run, as RUN/checkpoints/best.ckpt.",
            code="inference.lone_checkpoint",
        )
    if path.resolve() == run.best.resolve():
        return _of_run(run)
    return NamedModel(path, None, run)


def _of_run(run: RunFolder) -> NamedModel:
    if run.onnx.is_file():
        return NamedModel(run.path, run.onnx, run)
    if not run.best.is_file():
        raise ModelError(explain_missing_checkpoint(run.best), code="runs.no_checkpoint")
    return NamedModel(run.path, None, run)


def _explain_missing(text: str, path: Path) -> str:
    """Return that there is no such model, what is spelled alike, and what there is."""
    names = list(bundled_models())
    bundled = f"Bundled are {', '.join(names)}." if names else "No model is bundled."
    if os.path.isdir(path):
        runs = sorted(config.parent for config in path.glob("*/config.yaml"))
        if runs:
            shown = listed(list(map(str, runs)), _SHOWN)
            return f"{path} holds runs and is none itself: name one of {shown}."
        return f"The folder {path} holds no {MODEL_NAME} and is no run: give {_KINDS}. {bundled}"
    beside = []
    if os.path.isdir(path.parent):
        beside = [str(path.parent / name) for name in sorted(os.listdir(path.parent))]
        beside = [name for name in beside if os.path.isdir(name) or name.endswith(".onnx")]
    near = get_close_matches(text, [*names, *beside], n=1)
    hint = f", did you mean {near[0]}?" if near else f": give {_KINDS}."
    return f"There is no model {text}{hint} {bundled}"
