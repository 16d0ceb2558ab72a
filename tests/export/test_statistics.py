import math

import numpy as np
import pytest

from humanseg.export.statistics import bootstrap_interval, by_share


def test_the_interval_is_that_of_a_mean() -> None:
    scores = np.random.default_rng(1).normal(0.9, 0.1, 400)
    low, high = bootstrap_interval(scores.tolist())
    # The normal approximation: 1.96 standard errors.
    assert (low, high) == pytest.approx(
        (scores.mean() - 0.0098, scores.mean() + 0.0098), abs=1.5e-3
    )
    assert bootstrap_interval(scores.tolist()) == (low, high)
    assert bootstrap_interval([0.5]) == (0.5, 0.5)


def test_every_photo_is_in_one_group() -> None:
    shares = [0.0, 0.05, 0.1, 0.15, 0.2, 0.6, 0.61, 1.0]
    rows = [
        {"foreground": share, "dice": share, "boundary_dice": math.nan if share == 1 else 0.5}
        for share in shares
    ]
    groups = by_share(rows)
    assert [group["photos"] for group in groups] == [3, 2, 1, 2]
    assert groups[0]["share"] == "0 % to 10 %"
    assert groups[-1]["dice"] == pytest.approx(0.805)
    assert groups[-1]["boundary_dice"] == 0.5
