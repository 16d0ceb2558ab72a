"""Small components of masks, and masks without them."""

import numpy as np

from humanseg.data.small_components import clean_mask, find_small_components

AREA = 50


def test_what_is_nested_in_a_dot_or_in_a_hole_goes_with_it() -> None:
    mask = np.zeros((60, 60), np.uint8)
    mask[30:, :30] = 1
    person = mask.copy()
    mask[5:12, 5:12], mask[7:10, 7:10] = 1, 0  # a dot with a hole
    mask[40:45, 10:15], mask[42, 12] = 0, 1  # a hole with a dot
    cleaned = clean_mask(mask, AREA)
    assert np.array_equal(cleaned, person)
    assert find_small_components(cleaned, AREA)[0] == 0


def test_of_several_small_people_the_largest_stays() -> None:
    mask = np.zeros((60, 60), np.uint8)
    mask[5:11, 5:11], mask[40:45, 40:45] = 1, 1
    assert find_small_components(mask, AREA)[0] == 1
    cleaned = clean_mask(mask, AREA)
    assert cleaned.sum() == 36 and cleaned[5:11, 5:11].all()
