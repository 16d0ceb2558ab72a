"""Collages: scenes that follow from the generator, with masks that say who is in them."""

import cv2
import numpy as np
import pytest

from humanseg.config.checking.signatures import node_mistakes
from humanseg.data.labelled_photo import LabelledPhoto
from humanseg.data.transforms.copy_paste import CopyPaste, blur_background, covering, placement
from humanseg.data.transforms.copy_paste_pixels import warp
from humanseg.errors import HumansegError


def people(shape: tuple[int, int], green: int) -> LabelledPhoto:
    """Draw somebody in one green, whom the lower edge cuts off, before noise without green."""
    generator = np.random.default_rng(green)
    mask = np.zeros(shape, np.uint8)
    centre = (shape[1] // 2, shape[0])
    cv2.ellipse(mask, centre, (shape[1] // 5, shape[0] * 2 // 3), 0, 0, 360, 1, -1)
    photo = generator.integers(60, 140, (*shape, 3)).astype(np.uint8)
    photo[..., 1] = 0
    photo[mask == 1] = (90, green, 90)
    return LabelledPhoto(photo, mask)


PICTURES = [people((80, 60), 180), people((80, 60), 220), people((50, 70), 250)]


def draw(generator: np.random.Generator) -> LabelledPhoto:
    return PICTURES[int(generator.integers(len(PICTURES)))]


def scenes(collage: CopyPaste, count: int = 40) -> list[LabelledPhoto]:
    return [collage(PICTURES[0], draw, np.random.default_rng(seed)) for seed in range(count)]


@pytest.mark.parametrize(
    "collage",
    [
        CopyPaste(p_background=1, p_extra_person=0),
        CopyPaste(p_background=0, p_blur=1, p_extra_person=0),
        CopyPaste(p_background=0, p_blur=0, p_extra_person=1),
        CopyPaste(p_background=1, p_extra_person=1),
    ],
)
def test_the_mask_says_who_is_in_the_scene(collage: CopyPaste) -> None:
    for scene in scenes(collage):
        assert scene.photo.shape == (80, 60, 3) and scene.mask.shape == (80, 60)
        assert scene.photo.dtype == scene.mask.dtype == np.uint8
        assert set(np.unique(scene.mask)) <= {0, 1}
        green = scene.photo[..., 1] > 70
        assert (green == (scene.mask == 1)).mean() > 0.95


def test_the_generator_alone_decides() -> None:
    collage = CopyPaste(p_background=0.5, p_extra_person=0.5, p_blur=0.5)
    first, again = scenes(collage), scenes(collage)[::-1]
    for one, other in zip(first, again[::-1], strict=True):
        np.testing.assert_array_equal(one.photo, other.photo)
        np.testing.assert_array_equal(one.mask, other.mask)
    assert len({one.photo.tobytes() for one in first}) > 20


def test_nothing_happens_at_probability_zero() -> None:
    collage = CopyPaste(p_background=0, p_extra_person=0, p_blur=0)
    assert collage(PICTURES[0], draw, np.random.default_rng(0)) is PICTURES[0]


def test_photos_are_not_written_into() -> None:
    before = [one.map(np.copy) for one in PICTURES]
    scenes(CopyPaste(p_background=1, p_extra_person=1))
    scenes(CopyPaste(p_background=0, p_extra_person=1, p_blur=1))
    for one, other in zip(before, PICTURES, strict=True):
        np.testing.assert_array_equal(one.photo, other.photo)
        np.testing.assert_array_equal(one.mask, other.mask)


@pytest.mark.parametrize(
    "collage",
    [CopyPaste(p_background=1, p_extra_person=0), CopyPaste(p_background=0, p_extra_person=1)],
)
def test_people_keep_their_light_where_all_backgrounds_are_alike(collage: CopyPaste) -> None:
    """Of a person who is put at a smaller scale too: beyond the edges of its photo nothing is."""
    mask = np.zeros((80, 60), np.uint8)
    mask[20:, 15:45] = 1
    photo = np.where(mask[..., None] == 1, np.uint8(90), np.full((80, 60, 3), 120, np.uint8))
    picture = LabelledPhoto(photo, mask)
    for seed in range(20):
        scene = collage(picture, lambda _: picture, np.random.default_rng(seed))
        assert abs(np.median(scene.photo[scene.mask == 1]) - 90) <= 2, seed


def test_people_become_small_and_large() -> None:
    collage = CopyPaste(p_background=1, p_extra_person=0, scale=(0.2, 1.0))
    shares = [scene.mask.mean() / PICTURES[0].mask.mean() for scene in scenes(collage, 80)]
    assert min(shares) < 0.08 and max(shares) > 0.6


def test_company_adds_people() -> None:
    collage = CopyPaste(p_background=0, p_extra_person=1, p_blur=0)
    alone = PICTURES[0].mask
    assert all((scene.mask >= alone).all() for scene in scenes(collage))
    assert np.mean([scene.mask.sum() > alone.sum() for scene in scenes(collage)]) > 0.8


def test_a_teachers_opinion_goes_where_its_person_goes() -> None:
    soft = [one._replace(soft=one.mask * np.uint8(255)) for one in PICTURES]
    collage = CopyPaste(p_background=0.5, p_extra_person=0.5)
    for seed in range(30):
        scene = collage(
            soft[0], lambda generator: soft[int(generator.integers(3))], np.random.default_rng(seed)
        )
        assert scene.soft is not None
        assert ((scene.soft > 127) == (scene.mask == 1)).mean() > 0.99


def test_who_is_cut_off_mostly_stays_at_the_edge() -> None:
    generator, at_edge = np.random.default_rng(0), 0
    for _ in range(100):
        matrix = placement(PICTURES[0], (80, 60), 0.4, generator)
        mask = warp(PICTURES[0], matrix, (80, 60)).mask
        at_edge += bool(mask[-1].any())
    assert 70 < at_edge < 98


def test_a_background_is_blurred_and_the_person_is_not() -> None:
    picture = PICTURES[0]
    blurred = blur_background(picture, 3.0)
    inside = cv2.erode(picture.mask, np.ones((9, 9), np.uint8)) == 1
    outside = cv2.dilate(picture.mask, np.ones((9, 9), np.uint8)) == 0
    np.testing.assert_array_equal(blurred.photo[inside], picture.photo[inside])
    assert blurred.photo[outside][:, 0].std() < 0.3 * picture.photo[outside][:, 0].std()
    np.testing.assert_array_equal(blurred.mask, picture.mask)


@pytest.mark.parametrize("size", [(80, 60), (60, 80), (5, 90), (1, 1)])
def test_a_window_covers_the_scene(size: tuple[int, int]) -> None:
    for seed in range(20):
        window = covering(PICTURES[2], size, np.random.default_rng(seed))
        assert window.size == size
        assert (window.photo.max(axis=2) > 0).all()


@pytest.mark.parametrize("shape", [(8, 5), (3, 40), (1, 1)])
def test_tiny_photos_and_photos_without_anybody(shape: tuple[int, int]) -> None:
    tiny = LabelledPhoto(np.full((*shape, 3), 99, np.uint8), np.zeros(shape, np.uint8))
    collage = CopyPaste(p_background=1, p_extra_person=1)
    for seed in range(10):
        scene = collage(tiny, lambda _: tiny, np.random.default_rng(seed))
        assert scene.size == shape and not scene.mask.any()


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"p_background": 1.5}, "p_background: 1.5 is not a number from 0 to 1"),
        ({"p_extra_person": -0.1}, "p_extra_person: -0.1 is not a number from 0 to 1"),
        ({"scale": [0, 1]}, "scale: [0, 1] is not a list of 2"),
        ({"extra_scale": [0.5]}, "extra_scale: [0.5] is not a list of 2"),
    ],
)
def test_impossible_options_are_named(options: dict, named: str) -> None:
    node = {"_target_": "humanseg.data.transforms.copy_paste.CopyPaste", **options}
    (mistake,) = node_mistakes(node, "augmentation.copy_paste")
    assert mistake.startswith(f"augmentation.copy_paste.{named}")


def test_the_smaller_scale_comes_first() -> None:
    with pytest.raises(HumansegError, match=r"copy_paste.scale=\[1.2, 0.5\]"):
        CopyPaste(scale=(1.2, 0.5))
