import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from humanseg.metrics.scores import boundary_band, boundary_dice, dice, iou

masks = hnp.arrays(bool, (9, 8))


@settings(deadline=None)
@given(masks, masks)
def test_dice_is_the_formula(first: np.ndarray, second: np.ndarray) -> None:
    expected = 2 * (first * second).sum() / (first.sum() + second.sum() + 1e-10)
    assert dice(first, second) == expected
    assert dice(first, second) == dice(second, first)
    assert dice(first.astype(np.uint8), second.astype(np.float32)) == expected


@settings(deadline=None)
@given(masks, masks)
def test_iou_and_dice_say_the_same_in_other_numbers(first: np.ndarray, second: np.ndarray) -> None:
    overlap = iou(first, second)
    assert dice(first, second) == pytest.approx(2 * overlap / (1 + overlap), abs=1e-9)


def test_two_empty_masks_score_zero() -> None:
    empty = np.zeros((4, 4), bool)
    assert dice(empty, empty) == 0
    assert iou(empty, empty) == 0


def test_large_masks_do_not_overflow() -> None:
    full = np.ones((320, 240), np.uint8)
    assert dice(full, full) == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("score", [dice, iou, boundary_dice])
def test_masks_of_two_sizes_have_no_score(score) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match="shape"):
        score(np.ones((4, 4)), np.ones((4, 1)))


def slow_band(truth: np.ndarray, radius: float) -> np.ndarray:
    """Measure from each centre to each side between two pixels that differ."""
    height, width = truth.shape
    sides = [
        (y + 0.5, y + 0.5, x - 0.5, x + 0.5)
        for y in range(height - 1)
        for x in range(width)
        if truth[y, x] != truth[y + 1, x]
    ] + [
        (y - 0.5, y + 0.5, x + 0.5, x + 0.5)
        for y in range(height)
        for x in range(width - 1)
        if truth[y, x] != truth[y, x + 1]
    ]
    band = np.zeros_like(truth)
    for y in range(height):
        for x in range(width):
            for top, bottom, left, right in sides:
                away = math.hypot(max(top - y, y - bottom, 0), max(left - x, x - right, 0))
                band[y, x] |= away <= radius
    return band


@settings(deadline=None)
@given(
    hnp.arrays(bool, hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=10)),
    st.sampled_from([0.5, 1, 2, 3, 4, 6.5]),
)
def test_the_band_is_measured_to_the_sides_of_pixels(truth: np.ndarray, radius: float) -> None:
    np.testing.assert_array_equal(boundary_band(truth, radius), slow_band(truth, radius))


def test_a_straight_boundary_has_three_pixels_on_each_side() -> None:
    truth = np.zeros((10, 20), bool)
    truth[:, 8:] = True
    assert np.flatnonzero(boundary_band(truth)[5]).tolist() == [5, 6, 7, 8, 9, 10]


def test_the_frame_is_no_boundary() -> None:
    assert not boundary_band(np.ones((9, 9))).any()
    assert not boundary_band(np.zeros((9, 9))).any()


def test_boundary_dice_looks_only_at_the_band() -> None:
    truth = np.zeros((20, 20), bool)
    truth[:, 10:] = True
    wrong_far_away = truth.copy()
    wrong_far_away[:, 0] = True
    assert boundary_dice(wrong_far_away, truth) == pytest.approx(1)
    shifted = np.roll(truth, 1, axis=1)
    shifted[:, 0] = False
    assert boundary_dice(shifted, truth) == pytest.approx(2 * 2 / (2 + 3))


@pytest.mark.parametrize("truth", [np.zeros((5, 5)), np.ones((5, 5))])
def test_without_a_boundary_there_is_no_boundary_score(truth: np.ndarray) -> None:
    assert math.isnan(boundary_dice(truth, truth))
