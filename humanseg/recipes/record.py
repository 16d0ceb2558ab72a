"""`record.json`: the contents of a recipe's folder, and all that is needed to train it again."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from shlex import quote
from typing import Any

from humanseg.compare.ladder import read_ladder
from humanseg.config.settings import kind_of
from humanseg.io.files import file_sha256, write_json
from humanseg.metrics.scores import PER_PHOTO
from humanseg.recipes.budget import Planned
from humanseg.recipes.compose import StagePlan
from humanseg.recipes.recipe import Recipe, read_record
from humanseg.runs import RunFolder, read_summary, recorded_status
from humanseg.runs.folder import RECIPE_RECORD
from humanseg.sweeps.naming import key_of

FORMAT = 1
_RESULTS = (
    *(*PER_PHOTO, "dice_at_half", "threshold", "dice_by_source", "best_epoch", "epochs"),
    *("seconds", "parameters", "seed", "sources", "teacher", "git", "versions", "device"),
)
_NOT_RECORDED = ("place", "machine", "data")


def recorded_plan(folder: Path, recipe: Recipe) -> dict[str, Planned]:
    """Return how long stages were planned to be, of those that began or have the same budget."""
    record = _earlier(folder)
    same = recipe.budget is not None and record.get("budget_seconds") == recipe.budget
    return {
        name: Planned(**item)
        for name, item in (record.get("plan") or {}).items()
        if same or RunFolder(folder / name).config.exists()
    }


class RecordWriter:
    """Writes the current state of a recipe.

    Parameters
    ----------
    folder, recipe
        The recipe, and where it is.
    given
        The words of the command line.
    planned
        How long stages shall be that were planned before.
    """

    def __init__(
        self, folder: Path, recipe: Recipe, given: Sequence[str], planned: dict[str, Planned]
    ) -> None:
        self.planned = planned
        self.spent: dict[str, float] = dict(_earlier(folder).get("spent") or {})
        """Seconds of the command that stages took until now."""
        self._folder, self._recipe, self._given = folder, recipe, given

    def add_time(self, names: Sequence[str], seconds: float) -> None:
        """Add the time that stages took which ran one after another, or at once."""
        for name in names:
            self.spent[name] = round(self.spent.get(name, 0.0) + seconds / len(names), 1)

    def __call__(self, plans: Sequence[StagePlan], status: str = "running", **more: Any) -> None:
        """Write the record, `more` being further entries."""
        folder, recipe = self._folder, self._recipe
        earlier = _earlier(folder)
        summaries = {
            plan.stage.name: read_summary(RunFolder(plan.job.folder).summary) for plan in plans
        }
        gains = {rung.name: rung for rung in read_ladder(folder)} if earlier else {}
        stages = []
        for plan in plans:
            stage, summary = plan.stage, summaries[plan.stage.name]
            entry: dict[str, Any] = {
                "name": stage.name,
                "adds": stage.adds,
                "share": stage.share,
                "overrides": [
                    word for word in plan.words if kind_of(key_of(word)) not in _NOT_RECORDED
                ],
                "ignore": list(stage.ignore),
                "starts_from": list(stage.starts_from),
                "learns_from": list(stage.learns_from),
                "status": recorded_status(summary) if summary else "new",
            }
            if summary.get("status") == "finished":
                entry |= {key: summary[key] for key in _RESULTS if summary.get(key) is not None}
                entry["checkpoint_sha256"] = _sha256_of(RunFolder(plan.job.folder).best)
                rung = gains.get(stage.name)
                if rung is not None and (gain := rung.recorded_gain()):
                    entry["gain"] = gain
            stages.append(entry)
        last = summaries[plans[-1].stage.name]
        record: dict[str, Any] = {
            "format": FORMAT,
            "recipe": recipe.name,
            "about": recipe.about,
            "status": status,
            "command": " ".join(["humanseg train", *map(quote, _command(recipe, self._given))]),
            "export": list(recipe.export),
            **({"ensemble": dict(recipe.ensemble)} if recipe.ensemble else {}),
            "budget_seconds": recipe.budget,
            "data": last.get("data"),
            "pixels_sha256": last.get("pixels_sha256"),
            **({"model": earlier["model"]} if "model" in earlier else {}),
            "plan": {name: item._asdict() for name, item in self.planned.items()},
            "spent": self.spent,
            **more,
            "stages": stages,
        }
        write_json(folder / RECIPE_RECORD, record)


def _earlier(folder: Path) -> dict[str, Any]:
    """Read the record that is there already, if any."""
    path = folder / RECIPE_RECORD
    return read_record(path) if path.exists() else {}


def _sha256_of(file: Path) -> str:
    state = file.stat()
    return _sha256_as_it_was(file, state.st_size, state.st_mtime_ns)


@lru_cache
def _sha256_as_it_was(file: Path, size: int, changed: int) -> str:
    """Hash a file once: the record is written again at each step of the recipe."""
    return file_sha256(file)


def _command(recipe: Recipe, given: Sequence[str]) -> list[str]:
    """Return the overrides of a command line, with the recipe's name where a record gave it."""
    named = any(key_of(word) == "recipe" for word in given)
    return [*([] if named else [f"recipe={recipe.name}"]), *given]
