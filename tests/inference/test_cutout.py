"""Cut-outs and new backgrounds from Python, and many photos at once."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import humanseg
from humanseg.errors import HumansegError
from humanseg.inference import Model
from humanseg.io.images import ImageError


@pytest.fixture(scope="module")
def model(red: Path) -> Model:
    return humanseg.load(red, threads=1)


def half_red(height: int = 24, width: int = 30) -> NDArray[np.uint8]:
    """A photo whose right half is a person, for this model."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[:, :] = (0, 60, 90)
    pixels[:, width // 2 :] = (255, 40, 40)
    return pixels


def test_a_cutout_is_rgba_and_shows_the_person_only(model: Model) -> None:
    cutout = model.cutout(half_red())
    assert (cutout.shape, cutout.dtype) == ((24, 30, 4), np.uint8)
    assert (cutout[:, 18:] == (255, 40, 40, 255)).all()
    assert (cutout[:, :12] == 0).all()


def test_what_a_photo_hid_stays_hidden(model: Model) -> None:
    photo = Image.fromarray(half_red()).convert("RGBA")
    photo.putalpha(
        Image.fromarray(np.repeat(np.array([[255], [0]], np.uint8), [12, 12], 0).repeat(30, 1))
    )
    cutout = model.cutout(photo)
    assert (cutout[:10, 18:, 3] == 255).all() and (cutout[14:, :, 3] == 0).all()


@pytest.mark.parametrize(
    ("background", "behind"),
    [
        ("white", (255, 255, 255)),
        ("#204060", (32, 64, 96)),
        ((1, 2, 3), (1, 2, 3)),
        (tuple(np.array([1, 2, 3], np.uint8)), (1, 2, 3)),
        (np.full((8, 9, 3), 77, np.uint8), (77, 77, 77)),
        (Image.new("RGB", (50, 40), (9, 8, 7)), (9, 8, 7)),
        ("blur:15", (0, 60, 90)),
    ],
    ids=["name", "code", "tuple", "pixel", "array", "image", "blur"],
)
def test_a_person_stands_before_any_background(
    model: Model, background: Any, behind: tuple[int, int, int]
) -> None:
    made = model.composite(half_red(), background)
    assert (made.shape, made.dtype) == ((24, 30, 3), np.uint8)
    assert (made[:, 18:] == (255, 40, 40)).all()
    assert (made[:, :10] == behind).all()


@pytest.mark.parametrize("background", ["no colour", (1, 2), (0, 0, 300)], ids=str)
def test_what_is_no_background_is_one_sentence(model: Model, background: Any) -> None:
    with pytest.raises(HumansegError) as caught:
        model.composite(half_red(), background)
    assert caught.value.code == "inference.bad_background"


@pytest.mark.parametrize("threshold", [0, 1, 2, "0.5"])
def test_a_threshold_without_two_sides_is_refused(model: Model, threshold: Any) -> None:
    with pytest.raises(ValueError, match="threshold="):
        model.cutout(half_red(), threshold=threshold)


def test_many_photos_keep_their_order_and_are_not_all_held(model: Model) -> None:
    taken = []

    def photos() -> Iterator[NDArray[np.uint8]]:
        for height in range(10, 40):
            taken.append(height)
            yield half_red(height)

    masks = model.batch(photos(), workers=2)
    assert next(masks).shape == (10, 30)
    assert len(taken) < 10
    assert [mask.shape[0] for mask in masks] == list(range(11, 40))
    cutouts = list(model.batch([half_red(10), half_red(11)], model.cutout))
    assert [each.shape for each in cutouts] == [(10, 30, 4), (11, 30, 4)]
    assert list(model.batch([])) == []


def test_a_broken_photo_is_raised_in_its_turn(model: Model) -> None:
    masks = model.batch([half_red(), b"broken", half_red()])
    assert next(masks).any()
    with pytest.raises(ImageError):
        next(masks)
