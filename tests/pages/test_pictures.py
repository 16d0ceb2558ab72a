import numpy as np
import pytest

from humanseg.pages.pictures import ADDED, MISSED, cutout, error_overlay

PHOTO = np.full((2, 2, 3), (200, 100, 50), np.uint8)


def test_cutout_keeps_the_person_and_nothing_else() -> None:
    result = cutout(PHOTO, np.array([[1, 0], [0, 255]], np.uint8))
    assert (result.dtype, result.shape) == (np.uint8, (2, 2, 4))
    assert result[0, 0].tolist() == result[1, 1].tolist() == [200, 100, 50, 255]
    assert not result[0, 1].any() and not result[1, 0].any()


@pytest.mark.parametrize("value", [0, 255])
def test_overlay_colours_each_kind_of_error(value: int) -> None:
    photo = np.full((2, 2, 3), value, np.uint8)
    prediction = np.array([[True, True], [False, False]])
    truth = np.array([[1, 0], [1, 0]], np.uint8)
    result = error_overlay(photo, prediction, truth)
    assert (result.dtype, result.shape) == (np.uint8, (2, 2, 3))
    shade = 0.85 if value == 0 else 1.0
    np.testing.assert_allclose(result[0, 1], np.array(ADDED) * shade, atol=1)
    np.testing.assert_allclose(result[1, 0], np.array(MISSED) * shade, atol=1)
    assert result[0, 0].tolist() == [value] * 3
    assert result[1, 1].tolist() == [round(0.4 * value)] * 3


def test_overlay_is_grey_where_the_masks_agree() -> None:
    mask = np.array([[1, 0], [1, 0]])
    result = error_overlay(PHOTO, mask, mask)
    assert (result == result[..., :1]).all()


def test_error_colours_differ_in_lightness_too() -> None:
    missed, added = (np.dot((0.2126, 0.7152, 0.0722), colour) for colour in (MISSED, ADDED))
    assert missed - added > 30


@pytest.mark.parametrize("shape", [(2, 3), (2, 2, 1)])
def test_sizes_that_do_not_fit_are_refused(shape: tuple[int, ...]) -> None:
    mask = np.zeros(shape)
    with pytest.raises(ValueError, match="do not fit"):
        cutout(PHOTO, mask)
    with pytest.raises(ValueError, match="do not fit"):
        error_overlay(PHOTO, np.zeros((2, 2)), mask)
