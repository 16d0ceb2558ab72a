import os
import pickle
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from humanseg.data.cache import photos as photos_module
from humanseg.data.cache.buffer import PhotoCache
from humanseg.data.cache.photos import (
    CacheMode,
    Decoded,
    DecodedPhotos,
    UncachedPhotos,
    open_cache,
    scaled_size,
)
from humanseg.data.layout.folders import Item, list_items
from humanseg.io.images import read_mask, read_photo

CACHES: tuple[CacheMode, ...] = ("memory", "disk", "none")


@pytest.fixture(autouse=True)
def cache_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep disk caches within the test."""
    monkeypatch.setenv("HUMANSEG_CACHE", str(tmp_path / "caches"))
    return tmp_path / "caches"


@pytest.fixture
def mixed(tmp_path: Path, sample_root: Path) -> list[Item]:
    """The sample's train photos, the first of them of another size."""
    root = tmp_path / "mixed"
    shutil.copytree(sample_root, root)
    for path, way in ((root / "train/0.jpg", 2), (root / "train_mask/0.png", 0)):
        with Image.open(path) as image:
            resized = image.resize((33, 50), way)
        resized.save(path)
    return list_items(root, "train", masks=True)


def same(one: DecodedPhotos, other: DecodedPhotos) -> bool:
    if len(one) != len(other):
        return False
    for index in range(len(one)):
        for a, b in zip(one[index], other[index], strict=True):
            if a is None or b is None:
                if a is not b:
                    return False
            elif not np.array_equal(a, b):
                return False
    return True


@pytest.mark.parametrize("cache", CACHES)
def test_a_store_gives_what_the_files_hold(mixed: list[Item], cache: CacheMode) -> None:
    decoded = open_cache(mixed, cache)
    assert len(decoded) == len(mixed) == 6
    for index, item in enumerate(mixed):
        photo, mask = decoded[index]
        assert item.mask is not None and mask is not None
        assert photo.dtype == mask.dtype == np.uint8
        assert np.array_equal(photo, read_photo(item.photo))
        assert np.array_equal(mask, read_mask(item.mask))
        assert decoded.size(index) == mask.shape


@pytest.mark.parametrize("cache", CACHES)
def test_a_split_without_masks_has_none(sample_root: Path, cache: CacheMode) -> None:
    items = list_items(sample_root, "test", masks=False)
    decoded = open_cache(items, cache)
    for index, item in enumerate(items):
        photo, mask = decoded[index]
        assert mask is None
        assert np.array_equal(photo, read_photo(item.photo))


@pytest.mark.parametrize("cache", CACHES)
def test_a_split_may_be_empty(cache: CacheMode) -> None:
    assert len(open_cache([], cache)) == 0


def test_photos_are_decoded_once_and_then_kept(mixed: list[Item]) -> None:
    decoded = open_cache(mixed, "memory")
    before = [decoded[index][0].copy() for index in range(len(decoded))]
    for item in mixed:
        item.photo.unlink()
    assert all(np.array_equal(decoded[index][0], photo) for index, photo in enumerate(before))


@pytest.mark.parametrize("cache", ["memory", "disk"])
def test_more_than_the_bound_is_decoded_on_the_fly(
    mixed: list[Item], cache: CacheMode, cache_folder: Path
) -> None:
    pixels = sum(4 * read_mask(item.mask).size for item in mixed if item.mask is not None)
    bounded = open_cache(mixed, cache, bound_gb=(pixels - 1) / 1e9)
    assert isinstance(bounded, UncachedPhotos)
    assert not any(cache_folder.rglob("*.bin"))
    kept = open_cache(mixed, cache, bound_gb=pixels / 1e9)
    assert isinstance(kept, PhotoCache)
    assert same(bounded, kept)


def test_a_disk_cache_is_mapped_and_used_again(
    mixed: list[Item], cache_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = open_cache(mixed, "disk")
    monkeypatch.setattr(photos_module, "read_photo", refuse)
    (file,) = cache_folder.rglob("*.bin")
    written = file.stat().st_ino
    second = open_cache(mixed, "disk")
    assert file.stat().st_ino == written
    assert isinstance(second, PhotoCache) and isinstance(second.buffer, np.memmap)
    assert not second.buffer.flags.writeable
    assert same(first, second)


def test_pixels_that_are_at_hand_are_not_decoded_again(
    mixed: list[Item], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = open_cache(mixed)
    decoded: Decoded = {item: first[index] for index, item in enumerate(mixed)}
    monkeypatch.setattr(photos_module, "read_photo", refuse)
    assert same(open_cache(mixed, decoded=decoded), first)
    assert not decoded, "pixels are held twice"


def refuse(path: Path) -> None:
    raise AssertionError(f"{path} was decoded again")


def test_a_mapped_file_is_shared_with_spawned_processes(mixed: list[Item]) -> None:
    decoded = open_cache(mixed, "disk")
    sent = pickle.dumps(decoded)
    assert len(sent) < 2000, "the photos themselves were sent"
    received = pickle.loads(sent)
    assert isinstance(received.buffer, np.memmap) and same(decoded, received)
    kept = open_cache(mixed, "memory")
    assert same(pickle.loads(pickle.dumps(kept)), kept)


@pytest.mark.parametrize("part", ["photo", "mask"])
def test_a_disk_cache_is_made_anew_when_a_file_changes(mixed: list[Item], part: str) -> None:
    open_cache(mixed, "disk")
    changed = mixed[1].photo if part == "photo" else mixed[1].mask
    assert changed is not None
    with Image.open(changed) as image:
        flipped = image.transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    flipped.save(changed)
    os.utime(changed, ns=(1, 1))
    assert same(open_cache(mixed, "disk"), UncachedPhotos(mixed))


def test_a_disk_cache_that_is_cut_short_is_made_anew(mixed: list[Item], cache_folder: Path) -> None:
    open_cache(mixed, "disk")
    (file,) = cache_folder.rglob("*.bin")
    file.write_bytes(b"too short")
    assert same(open_cache(mixed, "disk"), UncachedPhotos(mixed))


def test_photos_in_which_nobody_is_have_a_disk_cache_of_their_own(
    mixed: list[Item], cache_folder: Path
) -> None:
    photos = [replace(item, mask=None) for item in mixed]
    for no_person in (False, True, False):
        items = [replace(item, no_person=no_person) for item in photos]
        mask = open_cache(items, "disk")[0][1]
        assert (mask is not None and not mask.any()) if no_person else mask is None
    assert len(list((cache_folder / "photos").iterdir())) == 2


def test_each_working_size_has_a_disk_cache_of_its_own(mixed: list[Item]) -> None:
    for longer_side in (32, 16, None):
        decoded = open_cache(mixed, "disk", train_size=longer_side)
        assert same(decoded, UncachedPhotos(mixed, longer_side))


@pytest.mark.parametrize("cache", CACHES)
@pytest.mark.parametrize("longer_side", [32, 96])
def test_the_longer_side_is_scaled_and_the_shape_kept(
    mixed: list[Item], cache: CacheMode, longer_side: int
) -> None:
    decoded = open_cache(mixed, cache, train_size=longer_side)
    plain = UncachedPhotos(mixed)
    for index in range(len(mixed)):
        (photo, mask), (_, whole) = decoded[index], plain[index]
        assert mask is not None and whole is not None
        assert max(photo.shape[:2]) == longer_side
        assert photo.shape[:2] == mask.shape == decoded.size(index)
        assert set(np.unique(mask)) <= {0, 1}
        aspect = whole.shape[0] / whole.shape[1]
        assert mask.shape[0] / mask.shape[1] == pytest.approx(aspect, rel=0.05)
        assert mask.mean() == pytest.approx(whole.mean(), abs=0.03)


@pytest.mark.parametrize(
    ("size", "longer_side", "scaled"),
    [
        ((320, 240), None, (320, 240)),
        ((320, 240), 160, (160, 120)),
        ((240, 320), 640, (480, 640)),
        ((1000, 1), 100, (100, 1)),
    ],
)
def test_scaled_size(
    size: tuple[int, int], longer_side: int | None, scaled: tuple[int, int]
) -> None:
    assert scaled_size(size, longer_side) == scaled


def test_a_mask_pixel_is_person_where_most_below_it_is(tmp_path: Path) -> None:
    mask = np.zeros((4, 4), np.uint8)
    mask[0:2, 0:2] = 255
    mask[0, 0] = 0  # three of four
    mask[2, 2] = 255  # one of four
    Image.fromarray(mask).save(tmp_path / "mask.png")
    Image.fromarray(np.zeros((4, 4, 3), np.uint8)).save(tmp_path / "photo.png")
    item = Item("a", tmp_path / "photo.png", tmp_path / "mask.png")
    _, small = UncachedPhotos([item], train_size=2)[0]
    assert small is not None
    assert small.tolist() == [[1, 0], [0, 0]]


@pytest.mark.parametrize("cache", CACHES)
def test_specks_are_taken_out_where_that_is_asked_for(mixed: list[Item], cache: CacheMode) -> None:
    path = mixed[2].mask
    assert path is not None
    mask = np.array(Image.open(path))
    mask[1:4, 1:4] = 255
    Image.fromarray(mask).save(path)
    for below, left in ((0, True), (9, True), (10, False)):
        found = open_cache(mixed, cache, min_component_area=below)[2][1]
        assert found is not None and bool(found[:6, :6].any()) == left
        assert found[6:].any(), "the person is no speck"
