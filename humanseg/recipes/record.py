"""`record.json`: what a recipe's folder holds, and all that makes it again."""

from collections.abc import Sequence
from pathlib import Path
from shlex import quote
from typing import Any

from humanseg.compare.ladder import read_ladder
from humanseg.config.settings import kind_of
from humanseg.io.files import write_json
from humanseg.recipes.compose import StagePlan
from humanseg.recipes.recipe import RECORD, Recipe, read_record
from humanseg.recipes.standing import file_sha256
from humanseg.runs import RunFolder, read_summary, recorded_status
from humanseg.sweeps.naming import key_of

FORMAT = 1
_RESULTS = (
    *("dice", "dice_at_half", "threshold", "iou", "boundary_dice", "best_epoch", "epochs"),
    *("seconds", "parameters", "seed", "sources", "teacher", "git", "versions", "device"),
)
_NOT_RECORDED = ("place", "machine", "data")


def write_record(
    folder: Path,
    recipe: Recipe,
    plans: Sequence[StagePlan],
    given: Sequence[str],
    *,
    status: str = "running",
    **more: Any,
) -> dict[str, Any]:
    """Write what is known of a recipe by now; what an earlier record says of its plan stays.

    Parameters
    ----------
    folder
        The recipe's.
    recipe, plans
        Its stages, and what each trains.
    given
        The words of the command line.
    status
        As of a run.
    **more
        Further entries.
    """
    path = folder / RECORD
    before = read_record(path) if path.exists() else {}
    summaries = {
        plan.stage.name: read_summary(RunFolder(plan.job.folder).summary) for plan in plans
    }
    gains = {rung.name: rung for rung in read_ladder(folder)} if before else {}
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
            "starts_from": list(stage.starts_from),
            "learns_from": list(stage.learns_from),
            "status": recorded_status(summary) if summary else "new",
        }
        if summary.get("status") == "finished":
            entry |= {key: summary[key] for key in _RESULTS if summary.get(key) is not None}
            entry["checkpoint_sha256"] = file_sha256(RunFolder(plan.job.folder).best)
            rung = gains.get(stage.name)
            if rung is not None and rung.gain is not None:
                gain = rung.gain
                entry["gain"] = {
                    "over": rung.over,
                    "dice": gain.difference,
                    "low": gain.low,
                    "high": gain.high,
                }
        stages.append(entry)
    last = summaries[plans[-1].stage.name]
    record: dict[str, Any] = {
        "format": FORMAT,
        "recipe": recipe.name,
        "about": recipe.about,
        "status": status,
        "command": " ".join(["humanseg train", *map(quote, _command(recipe, given))]),
        "export": list(recipe.export),
        "budget_seconds": recipe.budget,
        "data": last.get("data"),
        "pixels_sha256": last.get("pixels_sha256"),
        **{key: before[key] for key in ("epochs", "model") if key in before},
        **more,
        "stages": stages,
    }
    write_json(path, record)
    return record


def _command(recipe: Recipe, given: Sequence[str]) -> list[str]:
    """Return the overrides of a command line, with the recipe's name where a record gave it."""
    named = any(key_of(word) == "recipe" for word in given)
    return [*([] if named else [f"recipe={recipe.name}"]), *given]
