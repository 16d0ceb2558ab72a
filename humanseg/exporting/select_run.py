"""Selects the run to export: the one that was named, or the best of a folder."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from numbers import Real
from pathlib import Path
from typing import Any

from humanseg.errors import HumansegError
from humanseg.io.files import read_json
from humanseg.runs import RunFolder, open_run
from humanseg.runs.discovery import find_runs, looks_like_run, read_runs
from humanseg.runs.folder import RECIPE_RECORD, last_stage, other_checkpoint
from humanseg.runs.record import RunRecord, data_key

_SHOWN = 3
"""Runners-up that are named."""


@dataclass(frozen=True)
class SelectedRun:
    """A choice among runs.

    Attributes
    ----------
    run
        The chosen one.
    reasons
        Lines that say why, and name the runners-up.
    checkpoint
        Another of its checkpoints than the best one, where that was named.
    ensemble
        Further runs whose logits are averaged with its own, by their weights; its own is the rest.
    """

    run: RunFolder
    reasons: list[str]
    checkpoint: Path | None = None
    ensemble: Mapping[Path, float] = field(default_factory=dict)


def select_run(path: Path, data: Path | None = None) -> SelectedRun:
    """Select the run at a path, or the finished one below it with the highest Dice at 0.5.

    In a recipe's folder it is the last stage, once that is finished, with the recipe's ensemble: a
    teacher may score higher.
    Where runs were scored on different photos, all of them are scored again on `data`.
    """
    if path.is_file() or looks_like_run(path):
        run = open_run(path)
        return SelectedRun(run, ["as requested"], other_checkpoint(path))
    last = last_stage(path)
    weights = read_json(path / RECIPE_RECORD).get("ensemble") or {}
    ensemble = {path / name: weight for name, weight in weights.items()}
    if last is not None and all(map(_is_finished, (last, *ensemble))):
        return SelectedRun(open_run(last), ["the last stage of this recipe"], ensemble=ensemble)
    records, _, broken = read_runs(find_runs([path]))
    finished = [record for record in records if record.finished]
    others = len(records) - len(finished) + len(broken)
    passed_over = f"; {others} others are unfinished, failed or broken" if others else ""
    if not finished:
        raise HumansegError(
            f"There is no finished run under {path}{passed_over}. Train one, or name the folder of "
            "a run.",
            code="export.no_run",
        )
    kinds = len({data_key(record) for record in finished})
    if kinds > 1 and data is None:
        raise HumansegError(
            f"The {len(finished)} finished runs under {path} were made on {kinds} different data "
            "sets, so their Dice cannot be compared. Give --data ROOT to score all of them on its "
            "valid photos, or name one run.",
            code="export.different_data",
        )
    # Of the same data, each run has said it already.
    common = data if kinds > 1 else None
    scores = {record.folder: _score(record, common) for record in finished}
    best, *rest = sorted(scores, key=lambda run: scores[run], reverse=True)
    where = "" if common is None else f" on the valid photos of {common}"
    why = f"Dice {scores[best]:.4f} at 0.5{where}, the best of {len(finished)} finished runs"
    reasons = [why + passed_over]
    reasons += [f"then {scores[run]:.4f}  {run.path}" for run in rest[:_SHOWN]]
    if len(rest) > _SHOWN:
        reasons.append(f"and {len(rest) - _SHOWN} more")
    return SelectedRun(best, reasons)


def _is_finished(run: Path) -> bool:
    return read_json(RunFolder(run).summary).get("status") == "finished"


def require_ensemble(weights: Mapping[Path, float]) -> None:
    """Make sure that runs can be members of an ensemble, and that their weights leave a rest."""
    if mistake := weights_mistake(weights.values()):
        members = ", ".join(f"{path}={weight}" for path, weight in weights.items())
        raise HumansegError(f"The ensemble {members}: {mistake}.", code="export.ensemble")
    for path in weights:
        open_run(path)


def weights_mistake(weights: Collection[Any]) -> str | None:
    """Return what is wrong with the weights of all members but the main one; None: nothing."""
    if not all(isinstance(weight, Real) and 0 < float(weight) < 1 for weight in weights):
        return "weights are numbers between 0 and 1"
    if sum(weights) >= 1:
        return f"the weights sum up to {sum(weights):g}, and no rest is left for the main model"
    return None


def _score(record: RunRecord, data: Path | None) -> float:
    if data is None:
        return record.dice_at_half
    # Only here: it loads torch.
    from humanseg.evaluation.evaluate import evaluate

    return evaluate(record.folder.path, data).scores["dice_at_half"]
