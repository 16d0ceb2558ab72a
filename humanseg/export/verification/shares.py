"""Scores by how much of a photo is person."""

import math
from collections.abc import Sequence
from typing import Any

SHARES = (0.0, 0.1, 0.2, 0.4, 0.6, 1.0)
"""Bounds between groups of photos, by the share that is person."""


def by_share(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Group scores by how much of the photo is person.

    Parameters
    ----------
    rows
        With `foreground`, `dice` and `boundary_dice`, one per photo.

    Returns
    -------
    list of dict
        `share` in words, `photos`, and the means of `dice` and `boundary_dice`, for each group
        that has photos.
    """
    groups = []
    for low, high in zip(SHARES, SHARES[1:], strict=False):
        inside = [
            row
            for row in rows
            if low < row["foreground"] <= high or (low == row["foreground"] == 0)
        ]
        if inside:
            groups.append(
                {
                    "share": f"{low:.0%} to {high:.0%}".replace("%", " %"),
                    "photos": len(inside),
                    "dice": mean([row["dice"] for row in inside]),
                    "boundary_dice": mean([row["boundary_dice"] for row in inside]),
                }
            )
    return groups


def mean(values: Sequence[float]) -> float:
    """Mean of the values that are numbers; NaN without any."""
    numbers = [value for value in values if not math.isnan(value)]
    return math.fsum(numbers) / len(numbers) if numbers else math.nan
