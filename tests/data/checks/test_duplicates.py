import io
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from humanseg.data.checks.duplicates import Duplicates, are_duplicates, find_duplicates, hash_photo
from humanseg.data.layout.folders import list_items
from humanseg.io.images import read_photo
from humanseg.io.names import SPLITS

REAL = Path(__file__).parents[3] / ".." / "shared" / "data" / "mil"
Draw = Callable[..., np.ndarray]


def copies_among(photos: Sequence[np.ndarray]) -> list[Duplicates]:
    return find_duplicates([hash_photo(photo) for photo in photos], lambda index: photos[index])


def reencoded(photo: np.ndarray, quality: int) -> np.ndarray:
    buffer = io.BytesIO()
    Image.fromarray(photo).save(buffer, "JPEG", quality=quality)
    return np.asarray(Image.open(buffer).convert("RGB"))


def resized(photo: np.ndarray, scale: float) -> np.ndarray:
    return cv2.resize(photo, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)


CHANGES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "re-encoded": lambda photo: reencoded(photo, 30),
    "halved": lambda photo: resized(photo, 0.5),
    "enlarged": lambda photo: resized(photo, 1.7),
    "brighter": lambda photo: np.clip(photo * 1.1 + 8, 0, 255).astype(np.uint8),
    "grey": lambda photo: cv2.cvtColor(cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB),
    "mirrored": lambda photo: reencoded(np.ascontiguousarray(photo[:, ::-1]), 80),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_copy_is_found(change: str, photo_of: Draw) -> None:
    for seed in range(5):
        photo = photo_of(seed, (160, 120))
        found = copies_among([photo_of(100 + seed), photo, CHANGES[change](photo)])
        assert found == [Duplicates((1, 2), identical=False)]


def test_identical_photos_are_one_group(photo_of: Draw) -> None:
    photos = [photo_of(0), photo_of(1), photo_of(0), photo_of(2), photo_of(0)]
    assert copies_among(photos) == [Duplicates((0, 2, 4), identical=True)]


def test_a_group_with_a_near_copy_is_not_called_identical(photo_of: Draw) -> None:
    photos = [photo_of(0), photo_of(0), reencoded(photo_of(0), 50)]
    assert copies_among(photos) == [Duplicates((0, 1, 2), identical=False)]


def test_different_photos_are_never_copies(photo_of: Draw) -> None:
    assert copies_among([photo_of(seed) for seed in range(200)]) == []


def test_two_pictures_of_one_scene_are_not_copies(photo_of: Draw) -> None:
    scene = photo_of(0, (320, 240))
    stands, moved = scene.copy(), scene.copy()
    cv2.circle(stands, (100, 200), 22, (240, 200, 170), -1)
    cv2.circle(moved, (130, 200), 22, (240, 200, 170), -1)
    assert hash_photo(stands).digest != hash_photo(moved).digest
    assert not are_duplicates(stands, moved)
    assert copies_among([stands, moved]) == []


def test_flat_photos_are_copies_only_when_identical() -> None:
    black, nearly, white = (np.full((60, 40, 3), value, np.uint8) for value in (0, 1, 255))
    assert copies_among([black, nearly, white, black.copy()]) == [
        Duplicates((0, 3), identical=True)
    ]


def test_other_proportions_are_another_picture(photo_of: Draw) -> None:
    photo = photo_of(0, (160, 120))
    assert not are_duplicates(photo, np.asarray(cv2.resize(photo, (160, 160)), np.uint8))


def test_tiny_photos_do_not_crash() -> None:
    photos = [np.zeros((1, 1, 3), np.uint8), np.full((1, 50, 3), 9, np.uint8)]
    assert copies_among(photos) == []
    assert copies_among([]) == []


@pytest.mark.skipif(not REAL.is_dir(), reason="the task's own data is not at ../shared/data/mil")
def test_the_known_copies_of_the_real_data_are_found_and_no_others() -> None:
    items = [item for split in SPLITS for item in list_items(REAL, split, masks=False)]
    prints = [hash_photo(read_photo(item.photo)) for item in items]
    found = find_duplicates(prints, lambda index: read_photo(items[index].photo))
    assert {tuple(items[index].id for index in copies.members) for copies in found} == {
        ("163", "1465"),
        ("207", "1537"),
        ("376", "1479"),
        ("496", "1488"),
        ("517", "1489"),
        ("667", "1533"),
        ("916", "1490"),
        ("1524", "1546"),
    }
