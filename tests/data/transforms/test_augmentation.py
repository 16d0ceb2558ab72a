"""Augmentation: drawn from the seed alone, alike for photo and mask, and strict."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import albumentations as A  # noqa: N812
import cv2
import numpy as np
import pytest
from hydra.utils import instantiate
from omegaconf import OmegaConf

from humanseg.data.labelled_photo import LabelledPhoto
from humanseg.data.transforms.augmentation import Augmentation, sample_seed
from humanseg.data.transforms.copy_paste import CopyPaste
from humanseg.errors import HumansegError

GROUP = sorted((Path(__file__).parents[3] / "conf" / "augmentation").glob("*.yaml"))
NAMES = [path.stem for path in GROUP]
RANDOM = [name for name in NAMES if name != "none"]


def build(name: str) -> Augmentation:
    path = next(path for path in GROUP if path.stem == name)
    augmentation = instantiate(OmegaConf.load(path), _convert_="all")
    assert isinstance(augmentation, Augmentation)
    return augmentation


@pytest.fixture(scope="module")
def pair() -> LabelledPhoto:
    mask = np.zeros((80, 60), np.uint8)
    cv2.ellipse(mask, (28, 45), (14, 30), 10, 0, 360, 1, -1)
    image = np.random.default_rng(0).integers(60, 120, (80, 60, 3)).astype(np.uint8)
    image[mask == 1] += 100
    return LabelledPhoto(image, mask)


def test_the_group_is_complete() -> None:
    assert {"none", "light", "standard", "heavy", "robust"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_shape_type_and_two_values(name: str, pair: LabelledPhoto) -> None:
    image, mask, _ = pair
    before = image.copy(), mask.copy()
    augment = build(name)
    for seed in range(60):
        photo, outline, _ = augment(LabelledPhoto(image, mask), seed)
        assert photo.dtype == outline.dtype == np.uint8
        assert photo.shape == image.shape and outline.shape == mask.shape
        assert photo.flags["C_CONTIGUOUS"] and outline.flags["C_CONTIGUOUS"]
        assert set(np.unique(outline)) <= {0, 1}
    np.testing.assert_array_equal(image, before[0])
    np.testing.assert_array_equal(mask, before[1])


def test_whether_one_change_is_made_says_nothing_of_the_others() -> None:
    corner = np.array([[1, 0], [0, 0]], np.uint8)
    flips = [
        A.HorizontalFlip(p=0.5),
        A.OneOf([A.VerticalFlip(p=1.0), A.VerticalFlip(p=1.0)], p=0.5),
    ]
    augment = Augmentation(flips)
    picture = LabelledPhoto(np.repeat(corner[..., None], 3, axis=2), corner)
    places = [int(augment(picture, seed).mask.argmax()) for seed in range(400)]
    # Neither, one, the other, both: a quarter each.
    assert all(60 < count < 140 for count in np.bincount(places, minlength=4)), places


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("shape", [(8, 5), (7, 300), (33, 50)])
def test_small_and_odd_photos(name: str, shape: tuple[int, int]) -> None:
    augment = build(name)
    picture = LabelledPhoto(np.full((*shape, 3), 99, np.uint8), np.ones(shape, np.uint8))
    for seed in range(40):
        photo, outline, _ = augment(picture, seed)
        assert photo.shape == (*shape, 3) and outline.shape == shape


def test_none_changes_nothing(pair: LabelledPhoto) -> None:
    photo, outline, _ = build("none")(pair, seed=3)
    np.testing.assert_array_equal(photo, pair[0])
    np.testing.assert_array_equal(outline, pair[1])


@pytest.mark.parametrize("name", RANDOM)
def test_the_seed_alone_decides(name: str, pair: LabelledPhoto) -> None:
    forward, other = build(name), build(name)
    np.random.seed(7)
    draws = [forward(pair, seed) for seed in range(12)]
    np.random.seed(8)
    for seed in reversed(range(12)):
        photo, outline, _ = other(pair, seed)
        np.testing.assert_array_equal(photo, draws[seed][0])
        np.testing.assert_array_equal(outline, draws[seed][1])
    # An augmentation that only flips has two results.
    assert len({draw[0].tobytes() for draw in draws}) > 1


def fingerprint() -> str:
    augment = build("standard")
    image = (np.arange(80 * 60 * 3) % 251).reshape(80, 60, 3).astype(np.uint8)
    picture = LabelledPhoto(image, image[..., 0] % 2)
    draws = [augment(picture, sample_seed(1, epoch, "x")) for epoch in range(9)]
    return hashlib.sha256(b"".join(one.photo.tobytes() for one in draws)).hexdigest()


def test_a_fresh_process_draws_the_same_and_stays_off_network_and_threads() -> None:
    code = (
        "import os, runpy, sys\n"
        "from humanseg.data.transforms import augmentation\n"
        "import cv2\n"
        "assert os.environ['NO_ALBUMENTATIONS_UPDATE'] == '1'\n"
        "assert cv2.getNumThreads() == 1, cv2.getNumThreads()\n"
        "print(runpy.run_path(sys.argv[1])['fingerprint']())\n"
    )
    env = {key: value for key, value in os.environ.items() if key != "NO_ALBUMENTATIONS_UPDATE"}
    env["PYTHONHASHSEED"] = "1"
    done = subprocess.run(
        [sys.executable, "-c", code, __file__], env=env, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == fingerprint()


@pytest.mark.parametrize("name", RANDOM)
def test_geometry_is_the_same_for_photo_and_mask(name: str) -> None:
    mask = np.zeros((160, 120), np.uint8)
    cv2.ellipse(mask, (50, 90), (30, 60), 10, 0, 360, 1, -1)
    image = np.repeat(mask[..., None] * 255, 3, axis=2)
    augment = build(name)
    for seed in range(60):
        photo, outline, _ = augment(LabelledPhoto(image, mask), seed)
        seen = photo.mean(axis=2)
        bright, dark = seen[outline == 1], seen[outline == 0]
        # Light, noise and holes change single pixels; a mask that moved apart changes the means.
        assert np.median(bright) > np.median(dark) + 60
        middle = (np.median(bright) + np.median(dark)) / 2
        assert ((seen > middle) == (outline == 1)).mean() > 0.85


def test_geometry_moves_the_mask(pair: LabelledPhoto) -> None:
    flip = Augmentation([A.HorizontalFlip(p=1)])
    photo, outline, _ = flip(pair, seed=0)
    np.testing.assert_array_equal(photo, pair[0][:, ::-1])
    np.testing.assert_array_equal(outline, pair[1][:, ::-1])


@pytest.mark.parametrize("name", NAMES)
def test_a_teachers_opinion_moves_with_the_mask(name: str, pair: LabelledPhoto) -> None:
    augment, alone = build(name), build(name)
    taught = pair._replace(soft=pair.mask * np.uint8(255))
    for seed in range(40):
        photo, outline, soft = augment(taught, seed, lambda _: taught)
        assert soft is not None and soft.dtype == np.uint8 and soft.flags["C_CONTIGUOUS"]
        assert ((soft > 127) == (outline == 1)).mean() > 0.985
        # A teacher changes neither the photo nor the mask.
        photo_alone, outline_alone, _ = alone(pair, seed, lambda _: pair)
        np.testing.assert_array_equal(photo, photo_alone)
        np.testing.assert_array_equal(outline, outline_alone)


def test_a_collage_comes_first_and_only_with_others(pair: LabelledPhoto) -> None:
    augment = Augmentation([A.HorizontalFlip(p=1)], CopyPaste(p_background=1))
    flipped = pair.map(lambda layer: layer[:, ::-1])
    np.testing.assert_array_equal(augment(pair, 1).photo, flipped.photo)
    scene = augment(pair, 1, lambda _: pair)
    collage = CopyPaste(p_background=1)(pair, lambda _: pair, np.random.default_rng([1, 2]))
    np.testing.assert_array_equal(scene.photo, collage.photo[:, ::-1])
    np.testing.assert_array_equal(scene.mask, collage.mask[:, ::-1])


def test_the_output_is_contiguous_whatever_the_input_and_the_transform(
    pair: LabelledPhoto,
) -> None:
    turned = pair.map(lambda layer: layer[:, ::-1])
    for transforms in (
        [],
        [A.HorizontalFlip(p=0)],
        [A.CenterCrop(20, 30, p=1)],
        [A.Transpose(p=1)],
    ):
        photo, outline, _ = Augmentation(transforms)(turned, seed=0)
        assert photo.flags["C_CONTIGUOUS"] and outline.flags["C_CONTIGUOUS"]


def test_an_unknown_argument_is_refused() -> None:
    with pytest.warns(UserWarning, match="not valid"):
        flip = A.HorizontalFlip(probability=0.5)
    with pytest.raises(HumansegError, match=r"HorizontalFlip \(entry 1\).*probability"):
        Augmentation([A.VerticalFlip(), flip])
    with pytest.raises(HumansegError, match="probability"):
        Augmentation([A.OneOf([A.Sequential([flip])])])


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", NAMES)
def test_the_shipped_groups_build_without_a_warning(name: str) -> None:
    build(name)


def test_something_else_than_a_transform_is_refused() -> None:
    with pytest.raises(HumansegError, match="entry 0 holds dict"):
        Augmentation([{"_target_": "albumentations.HorizontalFlip"}])


def test_a_transform_that_leaves_8_bit_is_refused(pair: LabelledPhoto) -> None:
    with pytest.raises(HumansegError, match="float32"):
        Augmentation([A.Normalize()])(pair, seed=0)


def test_a_value_to_ignore_in_a_mask_is_refused(pair: LabelledPhoto) -> None:
    """A loss would take 255 as a target, without a word."""
    with pytest.raises(HumansegError, match="the value 255 .*fill_mask") as caught:
        Augmentation([A.Affine(translate_px=9, border_mode=0, fill_mask=255, p=1)])(pair, seed=0)
    assert caught.value.code == "data.augmented_mask"


@pytest.mark.parametrize(
    ("transform", "reason"),
    [
        (A.RandomCrop(512, 512), "exceeds image dimensions"),
        (A.CropNonEmptyMaskIfExists(512, 512), "larger than image"),
        (A.OverlayElements(p=1), "overlay_metadata"),
    ],
)
def test_a_transform_that_cannot_take_a_photo_is_explained(
    transform: A.BasicTransform, reason: str, pair: LabelledPhoto
) -> None:
    height, width = pair.size
    with pytest.raises(HumansegError, match=rf"a photo of {width}x{height} .*{reason}") as caught:
        Augmentation([transform])(pair, seed=0)
    assert caught.value.code == "data.augmentation_failed"


def test_sample_seed_is_fixed_and_spreads() -> None:
    # A fixed value: another one would change every training that is resumed.
    assert sample_seed(0, 0, "17") == 936392392
    drawn = {sample_seed(s, e, str(i)) for s in range(3) for e in range(5) for i in range(200)}
    assert len(drawn) == 3000 and all(0 <= seed < 2**32 for seed in drawn)
    assert sample_seed(1, 11, "1") != sample_seed(11, 1, "1")
    assert sample_seed(0, 0, "bad\udcff") != sample_seed(0, 0, "bad")
