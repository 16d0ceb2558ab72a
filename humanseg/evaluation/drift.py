"""Whether a finished run still scores what it did: its photos may have changed since."""

from collections.abc import Mapping

from humanseg.errors import HumansegError
from humanseg.runs.folder import RunFolder
from humanseg.runs.record import read_run

_SAME = 0.01
"""Another machine turns a few pixels of a photo; another photo or mask changes far more."""
_NAMED = 5


def describe_drift(run: RunFolder, dice: Mapping[str, float], threshold: float) -> str:
    """Return a sentence on the valid photos that score otherwise than when a run ended.

    Empty where all is as it was, or the run has recorded no scores at this threshold.
    """
    try:
        record = read_run(run, run.path.name)
    except HumansegError:
        return ""
    if not record.ids or record.threshold != threshold:
        return ""
    former = dict(zip(record.ids, record.dice.tolist(), strict=True))
    changes = (
        ("otherwise", [id for id in former if id in dice and abs(former[id] - dice[id]) > _SAME]),
        ("not any more", [id for id in former if id not in dice]),
        ("for the first time", [id for id in dice if id not in former]),
    )
    parts = [
        f"{', '.join(ids[:_NAMED])}{' …' if len(ids) > _NAMED else ''} {change}"
        for change, ids in changes
        if ids
    ]
    if not parts:
        return ""
    return (
        f"the run's own scores.csv has another Dice, {record.dice.mean():.6f}: scored are "
        f"{'; '.join(parts)}. Photos or masks have changed since"
    )
