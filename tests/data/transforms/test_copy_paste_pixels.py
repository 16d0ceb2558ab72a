"""Pasting people: what the mask says is what the pixels show."""

import cv2
import numpy as np
import pytest

from humanseg.data.labelled_photo import LabelledPhoto
from humanseg.data.transforms.copy_paste_pixels import (
    blend,
    feathered,
    light,
    paste,
    warp,
    without_people,
)

RED, BLUE = (220, 30, 30), (30, 30, 220)


def disc(
    centre: tuple[int, int], radius: int, colour: tuple[int, int, int], ground: int = 90
) -> LabelledPhoto:
    mask = np.zeros((80, 60), np.uint8)
    cv2.circle(mask, centre, radius, 1, -1)
    photo = np.full((80, 60, 3), ground, np.uint8)
    photo[mask == 1] = colour
    return LabelledPhoto(photo, mask, mask * np.uint8(255))


def test_what_is_pasted_is_what_the_mask_says() -> None:
    scene, person = disc((20, 20), 12, BLUE), disc((40, 55), 15, RED, ground=200)
    both = paste(scene, person, feather=0.7)
    assert (both.mask == (scene.mask | person.mask)).mean() > 0.995
    red = both.photo[..., 0].astype(int) - both.photo[..., 2] > 100
    assert (red == (person.mask == 1)).mean() > 0.99
    assert both.soft is not None
    np.testing.assert_array_equal(both.soft > 127, both.mask == 1)
    # The pasted photo's background stays where it was.
    assert (both.photo == 200).all(axis=2).sum() == 0


def test_the_seam_is_about_a_pixel_wide() -> None:
    scene, person = disc((20, 20), 0, BLUE), disc((30, 40), 18, RED)
    photo = paste(scene, person, feather=0.7).photo
    edge = cv2.morphologyEx(person.mask, cv2.MORPH_GRADIENT, np.ones((7, 7), np.uint8)) == 1
    far = ~edge
    expected = np.where(person.mask[..., None] == 1, person.photo, scene.photo)
    np.testing.assert_array_equal(photo[far], expected[far])
    assert len(np.unique(photo[edge][:, 0])) > 2


def test_whoever_is_behind_is_hidden_by_who_stands_in_front() -> None:
    scene, person = disc((30, 40), 15, BLUE), disc((30, 40), 25, RED)
    front, behind = paste(scene, person, 0.5), paste(scene, person, 0.5, behind=True)
    assert tuple(front.photo[40, 30]) == RED and tuple(behind.photo[40, 30]) == BLUE
    assert tuple(behind.photo[40, 50]) == RED
    np.testing.assert_array_equal(front.mask, behind.mask)


def test_nothing_is_written_into_what_is_given() -> None:
    scene, person = disc((20, 20), 12, BLUE), disc((40, 55), 15, RED)
    before = [layer.copy() for one in (scene, person) for layer in one if layer is not None]
    paste(scene, person, 0.7)
    light(person, scene, 1.0)
    without_people([scene, person])
    warp(scene, np.array([[0.5, 0, 3], [0, 0.5, 2]]), (30, 30))
    after = [layer for one in (scene, person) for layer in one if layer is not None]
    for one, other in zip(before, after, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("scale", [0.1, 0.3, 0.69, 0.71, 1.0, 2.5])
def test_layers_move_together(scale: float) -> None:
    person = disc((30, 40), 20, RED, ground=0)
    middle = np.array([[scale, 0, 30 - scale * 30], [0, scale, 40 - scale * 40]])
    moved = warp(person, middle, (80, 60))
    assert moved.photo.shape == (80, 60, 3) and moved.mask.shape == (80, 60)
    assert set(np.unique(moved.mask)) <= {0, 1} and moved.soft is not None
    np.testing.assert_array_equal(moved.mask, moved.soft > 127)
    assert ((moved.photo[..., 0] > 110) == (moved.mask == 1)).mean() > 0.98
    share = min(1.0, np.pi * (20 * scale) ** 2 / (80 * 60))
    assert abs(moved.mask.mean() - share) < 0.03 or scale > 2


def test_an_without_people_shows_no_person() -> None:
    one, other = disc((20, 40), 15, RED), disc((40, 40), 15, RED, ground=120)
    room = without_people([one, other])
    assert room.shape == (80, 60, 3) and room.dtype == np.uint8
    assert (room[..., 0].astype(int) - room[..., 2] < 20).all(), "there is red left"
    assert (room[40, 15] == 120).all(), "the second photo's background fills the first one's hole"
    assert (room[70, 50] == 90).all()


def test_a_hole_takes_the_colours_around_it() -> None:
    """However large it is: no other colour may come in."""
    mask = np.zeros((80, 60), np.uint8)
    mask[10:, 5:55] = 1
    photo = np.full((80, 60, 3), (240, 200, 20), np.uint8)
    photo[mask == 1] = 0
    room = without_people([LabelledPhoto(photo, mask)]).astype(int)
    assert np.abs(room - (240, 200, 20)).max() < 6


def test_a_room_without_any_background_is_grey() -> None:
    everywhere = LabelledPhoto(np.full((9, 7, 3), 200, np.uint8), np.ones((9, 7), np.uint8))
    assert (without_people([everywhere]) == 127).all()


def test_light_follows_the_backgrounds() -> None:
    dark, bright = disc((30, 40), 15, (100, 100, 100), 60), disc((30, 40), 15, RED, 90)
    lit = light(dark, bright, 1.0)
    assert tuple(lit[40, 30]) == (150, 150, 150)
    assert light(dark, bright, 0.0) is dark.photo
    everywhere = dark._replace(mask=np.ones_like(dark.mask))
    np.testing.assert_array_equal(light(everywhere, bright, 1.0), dark.photo)


def test_a_feathered_edge_lies_at_a_half() -> None:
    mask = np.zeros((20, 20), np.uint8)
    mask[:, 10:] = 1
    soft = feathered(mask, 1.0)
    np.testing.assert_array_equal(soft > 0.5, mask == 1)
    assert soft[5, 0] == 0 and soft[5, 19] == 1
    white, black = np.full((20, 20), 255, np.uint8), np.zeros((20, 20), np.uint8)
    np.testing.assert_allclose(blend(black, white, soft), soft * 255, atol=1)
