from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra import numpy as hnp

from humanseg.metrics.scores import dice
from humanseg.submission.assignment import best_assignment, dice_matrix, misplaced, thumbnail


@settings(deadline=None)
@given(
    hnp.array_shapes(min_dims=1, max_dims=1, min_side=1, max_side=6).flatmap(
        lambda shape: hnp.arrays(np.float64, shape * 2, elements={"min_value": 0, "max_value": 1})
    )
)
def test_the_assignment_is_the_best_of_all(fit: np.ndarray) -> None:
    found = best_assignment(fit)
    rows = np.arange(len(fit))
    assert sorted(found) == rows.tolist()
    best = max(fit[rows, list(columns)].sum() for columns in permutations(rows))
    assert fit[rows, found].sum() == pytest.approx(best, abs=1e-9)


@settings(deadline=None)
@given(hnp.arrays(bool, (4, 5, 6)), hnp.arrays(bool, (4, 5, 6)))
def test_the_matrix_holds_dice_of_every_pair(first: np.ndarray, second: np.ndarray) -> None:
    flat = [np.stack([thumbnail(mask) for mask in masks]) for masks in (first, second)]
    expected = [[dice(one, other) for other in second] for one in first]
    np.testing.assert_allclose(dice_matrix(*flat), expected, atol=1e-9)


def test_a_thumbnail_is_small() -> None:
    assert 4000 < thumbnail(np.ones((3000, 4000), bool)).size < 10_000


def test_only_cycles_that_gain_much_are_misplaced() -> None:
    fit = np.full((5, 5), 0.5)
    np.fill_diagonal(fit, 0.9)
    assert misplaced(fit) == {}
    fit[0, 0] = fit[1, 1] = 0.5
    fit[0, 1] = fit[1, 0] = 0.9
    # Row 2 fits 3 much better, but row 3 would lose as much.
    fit[2, 2], fit[2, 3] = 0.6, 0.8
    assert misplaced(fit) == {0: 1, 1: 0}
