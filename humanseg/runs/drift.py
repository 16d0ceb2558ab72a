"""Whether a finished run still scores what it did: its photos may have changed since."""

from collections.abc import Mapping

from humanseg.errors import HumansegError
from humanseg.runs.folder import RunFolder
from humanseg.runs.record import read_run

_SAME = 0.01
"""Another machine turns a few pixels of a photo; another photo or mask changes far more."""
_NAMED = 5


def say_drift(run: RunFolder, dice: Mapping[str, float], threshold: float) -> str:
    """Say which of a run's valid photos score otherwise than when it ended.

    Parameters
    ----------
    run
        A run.
    dice
        Of each photo by its id, now.
    threshold
        At which a pixel is person in it.

    Returns
    -------
    str
        A sentence; empty where all is as it was, or the run has recorded no scores at that
        threshold.
    """
    try:
        record = read_run(run, run.path.name)
    except HumansegError:
        return ""
    if not record.ids or record.threshold != threshold:
        return ""
    then = dict(zip(record.ids, record.dice.tolist(), strict=True))
    said = [
        f"{', '.join(ids[:_NAMED])}{' …' if len(ids) > _NAMED else ''} {what}"
        for ids, what in (
            ([id for id in then if id in dice and abs(then[id] - dice[id]) > _SAME], "otherwise"),
            ([id for id in then if id not in dice], "not any more"),
            ([id for id in dice if id not in then], "for the first time"),
        )
        if ids
    ]
    return (
        f"the run's own scores.csv has another Dice, {record.dice.mean():.6f}: scored are "
        f"{'; '.join(said)}. Photos or masks have changed since"
        if said
        else ""
    )
