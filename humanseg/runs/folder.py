"""The layout of a run's folder."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from humanseg.errors import HumansegError
from humanseg.io.temporary_files import is_partial

RECIPE_RECORD = "record.json"
"""The file that marks the folder of a recipe; `humanseg.recipes` writes it."""


@dataclass(frozen=True)
class RunFolder:
    """The names inside a run's folder, always the same.

    Parameters
    ----------
    path
        The folder. Everything else follows from it, so that a run can be moved.
    """

    path: Path

    @property
    def config(self) -> Path:
        """The resolved config: enough to rebuild and to resume the run."""
        return self.path / "config.yaml"

    @property
    def best(self) -> Path:
        """The checkpoint with the highest valid Dice."""
        return self.path / "checkpoints" / "best.ckpt"

    @property
    def last(self) -> Path:
        """The checkpoint of the last whole epoch, to resume from."""
        return self.path / "checkpoints" / "last.ckpt"

    @property
    def onnx(self) -> Path:
        """The best checkpoint as an ONNX file, to be used at once."""
        return self.path / "model.onnx"

    @property
    def summary(self) -> Path:
        """The summary, as JSON."""
        return self.path / "summary.json"

    @property
    def history(self) -> Path:
        """A row per epoch."""
        return self.path / "history.csv"

    @property
    def scores(self) -> Path:
        """A row per valid photo."""
        return self.path / "scores.csv"

    @property
    def extra_scores(self) -> Path:
        """A row per photo of `data.extra_valid`, where a run has such."""
        return self.path / "scores_extra.csv"

    @property
    def submission(self) -> Path:
        """The task's file: the valid masks as RLE."""
        return self.path / "pred_valid.csv"

    @property
    def index_page(self) -> Path:
        """The page of the run, which leads to all others."""
        return self.path / "index.html"

    @property
    def test_page(self) -> Path:
        """The task's page of test predictions; its pictures are in `test/`."""
        return self.path / "test.html"

    @property
    def valid_page(self) -> Path:
        """The error gallery; its pictures are in `valid/`."""
        return self.path / "valid.html"

    @property
    def curves(self) -> Path:
        """Loss and Dice over epochs."""
        return self.path / "curves.png"

    @property
    def lock(self) -> Path:
        """The lock, which names the process that works in this folder."""
        return self.path / ".lock"


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
    if any(_is_job(folder) for folder in below):
        raise HumansegError(
            f"{path} is a sweep, not a run: give the folder of one of its jobs, such as "
            f"{below[0]}. The command that started the sweep continues with it.",
            code="runs.is_a_sweep",
        )
    hint = f" It holds runs, such as {below[0]}: give one of them." if below else ""
    raise HumansegError(
        f"{path} is not the folder of a run: it has no config.yaml.{hint}", code="runs.not_a_run"
    )


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
    try:
        record = json.loads((folder / RECIPE_RECORD).read_bytes())
        stages = record["stages"] if "recipe" in record else []
        return [stage for stage in stages if isinstance(stage, Mapping)]
    except (OSError, ValueError, LookupError, TypeError):
        return []


def last_stage(folder: Path) -> Path | None:
    """Return the run of the last stage in the folder of a recipe, where that has begun."""
    stages = recipe_stages(folder)
    last = folder / str(stages[-1].get("name")) if stages else None
    return last if last is not None and (last / "config.yaml").is_file() else None


def _is_job(folder: Path) -> bool:
    """Return whether a sweep has made a run's folder."""
    try:
        return not {"sweep", "recipe"}.isdisjoint(
            json.loads((folder / "summary.json").read_bytes())
        )
    except (OSError, ValueError):
        return False


def remove_partial(run: RunFolder) -> None:
    """Remove the half-written files that a killed process left; call it with the run's lock."""
    for path in [*run.path.iterdir(), *run.best.parent.glob(".*")]:
        if is_partial(path) and path.is_file():
            path.unlink(missing_ok=True)
