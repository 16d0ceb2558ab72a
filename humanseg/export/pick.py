"""Which run to export: the one that was named, or the best of a folder."""

from dataclasses import dataclass
from pathlib import Path

from humanseg.errors import HumansegError
from humanseg.runs import RunFolder, open_run, read_summary
from humanseg.training.evaluation import evaluate_run

_SHOWN = 4


@dataclass(frozen=True)
class Pick:
    """A choice among runs.

    Attributes
    ----------
    run
        The chosen one.
    reasons
        Lines that say why, and name the runners-up.
    """

    run: RunFolder
    reasons: list[str]


def pick_run(path: Path, data: Path | None = None) -> Pick:
    """Take the run at a path, or the best finished one below it.

    Parameters
    ----------
    path
        A run's folder, or a folder that holds runs at any depth.
    data
        Where all of them are scored anew, when their own valid photos differ.

    Returns
    -------
    Pick
        The run with the highest `dice_at_half`.

    Raises
    ------
    HumansegError
        There is no finished run, or the runs were scored on different photos and `data` is None.
    """
    if path.is_file() or (path / "config.yaml").is_file():
        return Pick(open_run(path), ["as asked for"])
    finished, others = _find(path)
    if not finished:
        also = f" ({others} unfinished or failed)" if others else ""
        raise HumansegError(
            f"There is no finished run under {path}{also}: train one, or name a run's folder."
        )
    valid_sets = {
        (read_summary(run.summary).get("data") or {}).get("valid_sha256") for run in finished
    }
    if len(valid_sets) > 1 and data is None:
        raise HumansegError(
            f"The {len(finished)} finished runs under {path} were scored on {len(valid_sets)} "
            "different sets of valid photos, so their Dice cannot be compared. Give --data ROOT to "
            "score all of them on its valid photos, or name one run."
        )
    scored_anew = len(valid_sets) > 1
    scores = {run: _score(run, data if scored_anew else None) for run in finished}
    ranked = sorted(finished, key=lambda run: scores[run], reverse=True)
    where = f" on the valid photos of {data}" if scored_anew else ""
    reasons = [
        f"Dice {scores[ranked[0]]:.4f} at 0.5{where}, the best of {len(finished)} finished runs"
        + (f"; {others} unfinished or failed passed over" if others else "")
    ]
    reasons += [f"then {scores[run]:.4f}  {run.path}" for run in ranked[1:_SHOWN]]
    if len(ranked) > _SHOWN:
        reasons.append(f"and {len(ranked) - _SHOWN} more")
    return Pick(ranked[0], reasons)


def _find(folder: Path) -> tuple[list[RunFolder], int]:
    """Find the finished runs below a folder, and count the others."""
    if not folder.is_dir():
        raise HumansegError(f"There is no folder {folder}: give that of a run, or of many.")
    finished, others = [], 0
    for path in sorted(folder.rglob("summary.json")):
        if not path.with_name("config.yaml").is_file():
            continue
        run, summary = open_run(path.parent), read_summary(path)
        if summary.get("status") == "finished" and isinstance(summary.get("dice_at_half"), float):
            finished.append(run)
        else:
            others += 1
    return finished, others


def _score(run: RunFolder, data: Path | None) -> float:
    if data is None:
        return float(read_summary(run.summary)["dice_at_half"])
    return evaluate_run(run.path, data, "valid", False, None).scores["dice_at_half"]
