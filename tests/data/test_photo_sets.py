"""The photos of a training: labelled, with soft labels, unlabelled."""

import shutil
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from humanseg.data.cache import photos as cache
from humanseg.data.cache.buffer import LayerCache, in_memory
from humanseg.data.cache.photos import DecodedPhotos, open_cache, scaled_layers
from humanseg.data.layout.folders import Item, list_items, scan_unlabelled
from humanseg.data.photo_sets import LabelledPhotos, PhotoSet
from humanseg.data.pseudo_labels import confidence, filter_pseudo_labels, find_leaked
from humanseg.errors import HumansegError


def soft_labels(decoded: DecodedPhotos, levels: list[int]) -> LayerCache:
    """One level for the upper half of each photo, and 0 for the lower one."""
    sizes = np.array([decoded.size(index) for index in range(len(decoded))], dtype=np.int64)

    def fill(layers: LayerCache) -> None:
        for index, level in enumerate(levels):
            layers[index][...] = 0
            layers[index][: sizes[index, 0] // 2] = level

    return in_memory(LayerCache, sizes, 1, fill)


@pytest.fixture
def folder(sample_root: Path, tmp_path: Path) -> Path:
    """Three unlabelled photos: two test photos, and a brighter copy of a valid one."""
    folder = tmp_path / "more"
    shutil.copytree(sample_root / "test", folder)
    with Image.open(sample_root / "valid/6.jpg") as photo:
        photo.point(lambda value: min(255, value + 8)).save(folder / "a.png")
    return folder


def test_sets_follow_one_another_with_what_is_selected(sample_root: Path) -> None:
    items = list_items(sample_root, "train", masks=True)
    train = open_cache(items)
    test = open_cache(list_items(sample_root, "test", masks=False))
    photos = LabelledPhotos(
        PhotoSet([item.id for item in items], train, soft_labels(train, [250] * 6)),
        PhotoSet(["x", "y"], test, soft_labels(test, [100, 200]), selected=[1]),
    )
    assert photos.ids == ["0", "1", "2", "3", "4", "5", "y"] and len(photos) == 7
    photo, mask, soft = photos[2]
    drawn, outline = train[2]
    assert outline is not None
    assert np.array_equal(photo, drawn) and np.array_equal(mask, outline)
    assert soft is not None and (soft[:32] == 250).all() and (soft[32:] == 0).all()
    photo, mask, soft = photos[6]
    assert np.array_equal(photo, test[1][0])
    assert (mask[:32] == 1).all() and (mask[32:] == 0).all(), "the teacher's mask"
    assert soft is not None and (soft[:32] == 200).all()


def test_masks_take_the_place_of_missing_soft_labels(sample_root: Path) -> None:
    train = open_cache(list_items(sample_root, "train", masks=True))
    valid = open_cache(list_items(sample_root, "valid", masks=True))
    distilled = PhotoSet(list("abcdef"), train, soft_labels(train, [250] * 6))
    plain = PhotoSet(["v", "w"], valid)
    photos = LabelledPhotos(distilled, plain)
    _, mask, soft = photos[6]
    assert soft is not None and soft.dtype == np.uint8
    assert 0 < mask.mean() < 1 and np.array_equal(soft, mask * 255)
    assert LabelledPhotos(plain)[0].soft is None


def test_soft_labels_are_scaled_with_their_photos(sample_root: Path) -> None:
    items = list_items(sample_root, "test", masks=False)
    soft = soft_labels(open_cache(items), [255, 100])
    assert scaled_layers(soft, open_cache(items)) is soft
    small = scaled_layers(soft, open_cache(items, train_size=32))
    assert small.size(0) == (32, 24)
    assert (small[1][:16] == 100).all() and (small[1][16:] == 0).all()


def test_photos_without_masks_have_names_of_their_own(folder: Path) -> None:
    items = scan_unlabelled(folder).items
    assert [item.id for item in items] == ["more/9.jpg", "more/10.jpg", "more/a.png"]
    assert all(item.mask is None for item in items)


@pytest.mark.parametrize("exists", [False, True])
def test_a_folder_without_photos_is_named(tmp_path: Path, exists: bool) -> None:
    if exists:
        (tmp_path / "none").mkdir()
    with pytest.raises(HumansegError, match="distillation.unlabelled_dir.*none") as caught:
        scan_unlabelled(tmp_path / "none")
    assert caught.value.code == "data.no_unlabelled_photos"


def test_copies_of_held_out_photos_are_left_out(folder: Path, sample_root: Path) -> None:
    decoded = open_cache(scan_unlabelled(folder).items)
    valid = open_cache(list_items(sample_root, "valid", masks=True))
    test = open_cache(list_items(sample_root, "test", masks=False))
    assert find_leaked([valid], decoded) == {2}
    assert find_leaked([valid, test], decoded) == {0, 1, 2}
    unlabelled = PhotoSet(["a", "b", "c"], decoded, soft_labels(decoded, [255, 140, 255]))
    kept, counts = filter_pseudo_labels(unlabelled, [valid], 0.9)
    assert kept.selected == [0] and counts == {"unlabelled": 1, "copies": 1, "unsure": 1}
    kept, counts = filter_pseudo_labels(unlabelled, [valid, test], 0.0)
    assert kept.selected == [] and counts == {"unlabelled": 0, "copies": 3, "unsure": 0}


def test_photos_without_a_cache_are_compared_in_threads(
    sample_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    readers: set[threading.Thread] = set()

    def read(item: Item) -> Any:
        readers.add(threading.current_thread())
        return decode(item)

    decode = cache._read
    monkeypatch.setattr(cache, "_read", read)
    valid = open_cache(list_items(sample_root, "valid", masks=True), "none")
    assert find_leaked([], valid) == set()
    assert readers - {threading.main_thread()}


def test_confidence_is_the_dice_of_probabilities_with_their_own_mask() -> None:
    soft = np.zeros((4, 4), np.uint8)
    assert confidence(soft) == 0.0, "no person is predicted"
    soft[:2] = 255
    assert confidence(soft) == 1.0
    soft[:2] = 153  # 0.6 in 8 pixels: 2 * 4.8 / (4.8 + 8)
    assert confidence(soft) == pytest.approx(0.75)
    soft[2:] = 102  # 0.4 in 8 more: 2 * 4.8 / (8 + 8)
    assert confidence(soft) == pytest.approx(0.6)
