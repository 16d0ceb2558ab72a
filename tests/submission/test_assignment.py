import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from humanseg.metrics.scores import dice
from humanseg.submission.assignment import dice_matrix, misplaced, thumbnail


@settings(deadline=None)
@given(st.permutations(range(8)))
def test_rows_in_another_order_are_put_back(order: list[int]) -> None:
    truths = np.random.default_rng(0).random((8, 40)) > 0.5
    fit = dice_matrix(truths[order].astype(np.float32), truths.astype(np.float32))
    moved = {row: place for row, place in enumerate(order) if row != place}
    assert misplaced(fit) == moved


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
