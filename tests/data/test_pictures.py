"""What is learnt from: photos with masks, a teacher's answers, photos without masks."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from humanseg.data.cache.buffer import PackedLayers, in_memory
from humanseg.data.cache.store import PhotoStore, open_store, scaled_layers
from humanseg.data.layout.folders import list_items
from humanseg.data.pictures import Pictures, Source
from humanseg.data.pseudo_labels import confidence, copies_of, trustworthy, unlabelled_items
from humanseg.errors import HumansegError


def answers(store: PhotoStore, levels: list[int]) -> PackedLayers:
    """Answer one level for the upper half of each photo, and 0 for the lower one."""
    sizes = np.array([store.size(index) for index in range(len(store))], dtype=np.int64)

    def fill(layers: PackedLayers) -> None:
        for index, level in enumerate(levels):
            layers[index][...] = 0
            layers[index][: sizes[index, 0] // 2] = level

    return in_memory(PackedLayers, sizes, 1, fill)


@pytest.fixture
def folder(sample_root: Path, tmp_path: Path) -> Path:
    """Three photos without masks: two test photos, and a brighter copy of a valid one."""
    folder = tmp_path / "more"
    shutil.copytree(sample_root / "test", folder)
    with Image.open(sample_root / "valid/6.jpg") as photo:
        photo.point(lambda value: min(255, value + 8)).save(folder / "a.png")
    return folder


def test_sources_follow_one_another_and_keep_what_is_kept(sample_root: Path) -> None:
    items = list_items(sample_root, "train", masks=True)
    train = open_store(items)
    test = open_store(list_items(sample_root, "test", masks=False))
    pictures = Pictures(
        Source([item.id for item in items], train, answers(train, [250] * 6)),
        Source(["x", "y"], test, answers(test, [100, 200]), kept=[1]),
    )
    assert pictures.ids == ["0", "1", "2", "3", "4", "5", "y"] and len(pictures) == 7
    photo, mask, soft = pictures[2]
    drawn, outline = train[2]
    assert outline is not None
    assert np.array_equal(photo, drawn) and np.array_equal(mask, outline)
    assert soft is not None and (soft[:32] == 250).all() and (soft[32:] == 0).all()
    photo, mask, soft = pictures[6]
    assert np.array_equal(photo, test[1][0])
    assert (mask[:32] == 1).all() and (mask[32:] == 0).all(), "the teacher's mask"
    assert soft is not None and (soft[:32] == 200).all()


def test_answers_are_scaled_with_their_photos(sample_root: Path) -> None:
    items = list_items(sample_root, "test", masks=False)
    soft = answers(open_store(items), [255, 100])
    assert scaled_layers(soft, open_store(items)) is soft
    small = scaled_layers(soft, open_store(items, long_side=32))
    assert small.size(0) == (32, 24)
    assert (small[1][:16] == 100).all() and (small[1][16:] == 0).all()


def test_photos_without_masks_have_names_of_their_own(folder: Path) -> None:
    items = unlabelled_items(folder)
    assert [item.id for item in items] == ["more/9.jpg", "more/10.jpg", "more/a.png"]
    assert all(item.mask is None for item in items)


@pytest.mark.parametrize("exists", [False, True])
def test_a_folder_without_photos_is_named(tmp_path: Path, exists: bool) -> None:
    if exists:
        (tmp_path / "none").mkdir()
    with pytest.raises(HumansegError, match="data.unlabelled: there is no photo in .*none"):
        unlabelled_items(tmp_path / "none")


def test_copies_of_held_out_photos_are_left_out(folder: Path, sample_root: Path) -> None:
    store = open_store(unlabelled_items(folder))
    valid = open_store(list_items(sample_root, "valid", masks=True))
    test = open_store(list_items(sample_root, "test", masks=False))
    assert copies_of([valid], store) == {2}
    assert copies_of([valid, test], store) == {0, 1, 2}
    source = Source(["a", "b", "c"], store, answers(store, [255, 140, 255]))
    kept, counts = trustworthy(source, [valid], 0.9)
    assert kept.kept == [0] and counts == {"unlabelled": 1, "copies": 1, "unsure": 1}
    kept, counts = trustworthy(source, [valid, test], 0.0)
    assert kept.kept == [] and counts == {"unlabelled": 0, "copies": 3, "unsure": 0}


def test_confidence_is_the_dice_of_probabilities_with_their_own_mask() -> None:
    soft = np.zeros((4, 4), np.uint8)
    assert confidence(soft) == 0.0, "nobody is seen"
    soft[:2] = 255
    assert confidence(soft) == 1.0
    soft[:2] = 153  # 0.6 in 8 pixels: 2 * 4.8 / (4.8 + 8)
    assert confidence(soft) == pytest.approx(0.75)
    soft[2:] = 102  # 0.4 in 8 more: 2 * 4.8 / (8 + 8)
    assert confidence(soft) == pytest.approx(0.6)
