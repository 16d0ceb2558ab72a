"""The layout of a run's folder."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from humanseg.errors import HumansegError
from humanseg.io.files import read_json
from humanseg.io.temporary_files import is_partial

RECIPE_RECORD = "record.json"
"""The file that marks the folder of a recipe; `humanseg.recipes` writes it."""


class _Inside:
    """A path in a run's folder."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, run: "RunFolder", owner: type) -> Path:
        return run.path / self._name


@dataclass(frozen=True)
class RunFolder:
    """The names inside a run's folder, always the same.

    Parameters
    ----------
    path
        The folder. Everything else follows from it, so that a run can be moved.
    """

    path: Path

    config = _Inside("config.yaml")  # resolved: enough to rebuild and to resume the run
    best = _Inside("checkpoints/best.ckpt")  # the checkpoint with the highest valid Dice
    last = _Inside("checkpoints/last.ckpt")  # that of the last whole epoch, to resume from
    onnx = _Inside("model.onnx")  # the best checkpoint as an ONNX file, to be used at once
    summary = _Inside("summary.json")
    history = _Inside("history.csv")  # a row per epoch
    scores = _Inside("scores.csv")  # a row per valid photo
    extra_scores = _Inside("scores_extra.csv")  # a row per photo of `data.extra_valid`, if any
    submission = _Inside("pred_valid.csv")  # the task's file: the valid masks as RLE
    index_page = _Inside("index.html")  # the page of the run, which leads to all others
    test_page = _Inside("test.html")  # the task's page; its pictures are in `test/`
    valid_page = _Inside("valid.html")  # the error gallery; its pictures are in `valid/`
    curves = _Inside("curves.png")  # loss and Dice over epochs
    lock = _Inside(".lock")  # names the process that works in this folder


def open_run(path: Path) -> RunFolder:
    """Find the run that is in a folder.

    Parameters
    ----------
    path
        The run's folder, or any file directly in it or in its `checkpoints`; or the folder of a
        recipe, whose last stage is meant.

    Returns
    -------
    RunFolder
        The run.

    Raises
    ------
    HumansegError
        No run is there.
    """
    candidates = [path, path.parent, path.parent.parent] if path.is_file() else [path]
    for candidate in candidates:
        if (candidate / "config.yaml").is_file():
            return RunFolder(candidate.resolve())
    if not path.exists():
        raise HumansegError(
            f"There is no folder {path}: give the folder of a run.", code="runs.not_there"
        )
    if (last := last_stage(path)) is not None:
        return RunFolder(last.resolve())
    below = sorted(found.parent for found in path.glob("*/config.yaml"))
    if any(is_part(read_json(folder / "summary.json")) for folder in below):
        raise HumansegError(
            f"{path} is a sweep, not a run: give the folder of one of its jobs, such as "
            f"{below[0]}. The command that started the sweep continues with it.",
            code="runs.is_a_sweep",
        )
    hint = f" It holds runs, such as {below[0]}: give one of them." if below else ""
    raise HumansegError(
        f"{path} is not the folder of a run: it has no config.yaml.{hint}", code="runs.not_a_run"
    )


def other_checkpoint(path: Path) -> Path | None:
    """Return the checkpoint that a path names, if it is another than the best one of its run."""
    if not path.is_file() or path.suffix != ".ckpt":
        return None
    return path.resolve() if path.resolve() != open_run(path).best.resolve() else None


def is_part(summary: Mapping[str, Any]) -> bool:
    """Return whether a run is a job of a sweep or a stage of a recipe."""
    return not {"sweep", "recipe"}.isdisjoint(summary)


def explain_missing_checkpoint(path: Path) -> str:
    """Return why a checkpoint of a run is not there, and what to do."""
    run = RunFolder(path.parent.parent)
    others = [other for other in (run.best, run.last) if other != path and other.is_file()]
    if not others and not run.history.is_file():
        return f"There is no checkpoint {path}: the run has not finished an epoch yet."
    instead = f", or name {others[0]} instead" if others else ""
    return (
        f"There is no checkpoint {path} any more, though the run has finished epochs: put it back"
        f"{instead}."
    )


def recipe_stages(folder: Path) -> list[Mapping[str, Any]]:
    """Return what the record in a recipe's folder has of its stages; empty for other folders."""
    record = read_json(folder / RECIPE_RECORD)
    stages = record.get("stages")
    if "recipe" not in record or not isinstance(stages, list):
        return []
    return [stage for stage in stages if isinstance(stage, Mapping)]


def last_stage(folder: Path) -> Path | None:
    """Return the run of the last stage in the folder of a recipe, where that has begun."""
    stages = recipe_stages(folder)
    last = folder / str(stages[-1].get("name")) if stages else None
    return last if last is not None and (last / "config.yaml").is_file() else None


def remove_partial(run: RunFolder) -> None:
    """Remove the half-written files that a killed process left; call it with the run's lock."""
    for path in [*run.path.iterdir(), *run.best.parent.glob(".*")]:
        if is_partial(path) and path.is_file():
            path.unlink(missing_ok=True)
