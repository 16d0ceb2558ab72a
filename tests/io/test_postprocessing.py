"""Post-processing of masks, and of the soft edge around what was changed."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from humanseg.io.postprocessing import (
    drop_small_components,
    fill_mask_holes,
    keep_largest_component,
    postprocess,
)


def drawn(*rows: str) -> NDArray[np.uint8]:
    return np.array([[sign == "#" for sign in row] for row in rows], np.uint8)


TWO = drawn("##....", "#...#.", "...###", "....#.")


def test_the_largest_figure_stays() -> None:
    np.testing.assert_array_equal(
        keep_largest_component(TWO), drawn("......", "....#.", "...###", "....#.")
    )
    corner = drawn("#..", ".#.", "..#")
    np.testing.assert_array_equal(keep_largest_component(corner), corner)


def test_of_figures_of_one_size_one_stays() -> None:
    assert keep_largest_component(drawn("..#", "#..")).sum() == 1


def test_small_figures_are_removed() -> None:
    np.testing.assert_array_equal(drop_small_components(TWO, 3), TWO)
    np.testing.assert_array_equal(drop_small_components(TWO, 4), keep_largest_component(TWO))
    assert not drop_small_components(TWO, 6).any()


def test_what_is_enclosed_is_filled() -> None:
    holes = drawn("####.", "#..#.", "##.#.", "####.")
    np.testing.assert_array_equal(fill_mask_holes(holes), drawn(*["####."] * 4))
    # Diagonal pixels close a figure; a way over an edge of the photo leaves it open.
    np.testing.assert_array_equal(
        fill_mask_holes(drawn(".#.", "#.#", ".#.")), drawn(".#.", "###", ".#.")
    )
    bay = drawn("###", "#.#", "#.#")
    np.testing.assert_array_equal(fill_mask_holes(bay), bay)


@pytest.mark.parametrize("value", [0, 1])
@pytest.mark.parametrize("size", [(1, 1), (1, 5), (7, 4)])
def test_empty_and_full_masks_stay(size: tuple[int, int], value: int) -> None:
    mask = np.full(size, value, np.uint8)
    for result in (
        keep_largest_component(mask),
        fill_mask_holes(mask),
        drop_small_components(mask, 1),
    ):
        np.testing.assert_array_equal(result, mask)
        assert result is not mask and result.dtype == np.uint8


MASKS = arrays(
    np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9)), elements=st.integers(0, 1)
)


@settings(deadline=None)
@given(MASKS)
def test_each_step_done_twice_is_done_once(mask: NDArray[np.uint8]) -> None:
    steps = keep_largest_component, fill_mask_holes, partial(drop_small_components, area=3)
    for step in steps:
        once = step(mask)
        np.testing.assert_array_equal(step(once), once)
    assert (keep_largest_component(mask) <= mask).all() and (fill_mask_holes(mask) >= mask).all()


@settings(deadline=None)
@given(
    arrays(np.float32, (8, 9), elements=st.floats(0, 1, width=32)),
    st.booleans(),
    st.booleans(),
    st.sampled_from([0.0, 0.05]),
)
def test_above_the_threshold_lies_the_tidied_mask(
    probability: NDArray[np.float32], largest: bool, holes: bool, share: float
) -> None:
    wanted = (probability > 0.3).astype(np.uint8)
    wanted = drop_small_components(wanted, 4) if share else wanted  # 5 % of 72 pixels are 3.6
    wanted = keep_largest_component(wanted) if largest else wanted
    wanted = fill_mask_holes(wanted) if holes else wanted
    before = probability.copy()
    result = postprocess(probability, 0.3, min_area=share, keep_largest=largest, fill_holes=holes)
    np.testing.assert_array_equal(result > 0.3, wanted)
    np.testing.assert_array_equal(probability, before)


def test_a_soft_edge_goes_with_its_figure() -> None:
    soft = np.array([0.2, 0.9, 0.2, 0.1, 0.2, 0.9, 0.9, 0.2], np.float32)
    probability = np.tile(soft, (3, 1))
    result = postprocess(probability, 0.5, keep_largest=True)
    np.testing.assert_array_equal(result[1], [0, 0, 0, *soft[3:]])


def test_a_filled_hole_has_no_soft_rim() -> None:
    probability = np.full((9, 9), 0.99, np.float32)
    probability[3:6, 3:6] = 0.7
    probability[4, 4] = 0.1
    probability[[0, -1]] = probability[:, [0, -1]] = 0.2
    result = postprocess(probability, 0.5, fill_holes=True)
    assert (result[3:6, 3:6] == 1).all()
    np.testing.assert_array_equal(result[0], probability[0])
    np.testing.assert_array_equal(result[1, 1:8], probability[1, 1:8])
