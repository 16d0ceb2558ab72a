"""Fitting a photo to the training size: the wanted size, one geometry, two values."""

import cv2
import numpy as np
import pytest

from humanseg.data.labelled_photo import LabelledPhoto
from humanseg.data.transforms.resize import ResizeMode, resize_to

MODES: list[ResizeMode] = ["resize", "crop", "pad"]


def pair(shape: tuple[int, int]) -> LabelledPhoto:
    mask = np.zeros(shape, np.uint8)
    cv2.circle(mask, (shape[1] // 2, shape[0] // 2), min(shape) // 3, 1, -1)
    return LabelledPhoto(np.repeat(mask[..., None] * 200, 3, axis=2), mask, mask * np.uint8(200))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("shape", [(320, 240), (240, 320), (50, 400), (1, 1), (97, 61)])
@pytest.mark.parametrize("size", [(64, 48), (320, 240), (33, 100)])
def test_the_size_is_the_wanted_one_and_the_mask_stays_on_the_person(
    mode: ResizeMode, shape: tuple[int, int], size: tuple[int, int]
) -> None:
    photo, outline, soft = resize_to(pair(shape), size, mode, seed=3)
    assert soft is not None
    assert photo.shape == (*size, 3) and outline.shape == soft.shape == size
    for layer in (photo, outline, soft):
        assert layer.dtype == np.uint8 and layer.flags["C_CONTIGUOUS"]
    assert set(np.unique(outline)) <= {0, 1}
    assert ((photo[..., 0] > 100) == (outline == 1)).mean() > 0.99
    np.testing.assert_array_equal(soft, photo[..., 0])


@pytest.mark.parametrize("mode", MODES)
def test_a_photo_of_the_size_is_left_alone(mode: ResizeMode) -> None:
    image, mask, _ = pair((64, 48))
    photo, outline, _ = resize_to(LabelledPhoto(image, mask), (64, 48), mode, seed=1)
    np.testing.assert_array_equal(photo, image)
    np.testing.assert_array_equal(outline, mask)


def test_resize_keeps_the_share_of_the_person() -> None:
    image, mask, _ = pair((320, 240))
    _, outline, _ = resize_to(LabelledPhoto(image, mask), (80, 60), "resize")
    assert outline.mean() == pytest.approx(mask.mean(), abs=0.005)


def test_crop_takes_a_window_that_the_seed_chooses() -> None:
    rows, columns = np.mgrid[:40, :30].astype(np.uint8)
    image = np.stack([rows, columns, rows], axis=2)
    mask = (columns % 2).astype(np.uint8)
    places = set()
    for seed in range(200):
        photo, outline, _ = resize_to(LabelledPhoto(image, mask), (38, 29), "crop", seed)
        top, left = int(photo[0, 0, 0]), int(photo[0, 0, 1])
        np.testing.assert_array_equal(photo, image[top : top + 38, left : left + 29])
        np.testing.assert_array_equal(outline, mask[top : top + 38, left : left + 29])
        np.testing.assert_array_equal(
            photo, resize_to(LabelledPhoto(image, mask), (38, 29), "crop", seed).photo
        )
        places.add((top, left))
    assert places == {(top, left) for top in range(3) for left in range(2)}


def test_crop_pads_a_side_that_is_too_short_by_repeating_it() -> None:
    image, mask, _ = pair((20, 90))
    image[0], mask[0] = 77, 1
    photo, outline, _ = resize_to(LabelledPhoto(image, mask), (40, 50), "crop", seed=5)
    assert (photo[:11] == 77).all() and (outline[:11] == 1).all()
    assert (photo[11] != 77).any()


def test_pad_keeps_the_whole_photo_and_its_shape() -> None:
    image = np.full((100, 50, 3), 10, np.uint8)
    image[40:60, 16:36] = 250
    mask = (image[..., 0] == 250).astype(np.uint8)
    photo, outline, _ = resize_to(LabelledPhoto(image, mask), (50, 60), "pad")
    rows, columns = np.flatnonzero(outline.any(1)), np.flatnonzero(outline.any(0))
    # Scaled by a half: 10 x 10, in the middle of the padded photo.
    assert (rows[0], rows[-1]) == (20, 29) and len(columns) == 10
    assert abs((columns[0] + columns[-1]) / 2 - 29.5) <= 1
    small = resize_to(LabelledPhoto(image[:10, :10], mask[:10, :10]), (30, 30), "pad").photo
    assert (small == 10).all()


def test_pad_does_not_enlarge() -> None:
    image, mask, _ = pair((20, 20))
    _, outline, _ = resize_to(LabelledPhoto(image, mask), (60, 60), "pad")
    assert outline.sum() == mask.sum()
    np.testing.assert_array_equal(outline[20:40, 20:40], mask)
