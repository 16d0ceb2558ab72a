"""Scores by how much of a photo is person."""

from itertools import pairwise
from typing import Any

import pandas as pd

SHARES = [0.0, 0.1, 0.2, 0.4, 0.6, 1.0]
"""Bounds between groups of photos, by the share that is person."""


def by_share(scores: pd.DataFrame) -> list[dict[str, Any]]:
    """Group scores by how much of the photo is person.

    Parameters
    ----------
    scores
        With `foreground`, `dice` and `boundary_dice`, a row per photo.

    Returns
    -------
    list of dict
        `share` in words, `photos`, and the means of `dice` and `boundary_dice`, for each group
        that has photos.
    """
    names = [f"{low:.0%} to {high:.0%}".replace("%", " %") for low, high in pairwise(SHARES)]
    group = pd.cut(scores["foreground"], SHARES, labels=names, include_lowest=True)
    return [
        {
            "share": name,
            "photos": len(rows),
            "dice": rows["dice"].mean(),
            "boundary_dice": rows["boundary_dice"].mean(),
        }
        for name, rows in scores.groupby(group, observed=True)
    ]
