from pathlib import Path
from typing import cast

import albumentations as A  # noqa: N812
import numpy as np
import pytest
import torch

from humanseg.data.cache.photos import DecodedPhotos, open_cache
from humanseg.data.dataset import TrainPhotos, WholePhotos, collate
from humanseg.data.layout.folders import list_items
from humanseg.data.photo_sets import LabelledPhotos, PhotoSet
from humanseg.data.transforms.augmentation import Augmentation
from humanseg.data.transforms.copy_paste import CopyPaste

SIZE = (64, 48)


@pytest.fixture(scope="module")
def store(sample_root: Path) -> DecodedPhotos:
    return open_cache(list_items(sample_root, "train", masks=True))


@pytest.fixture(scope="module")
def ids(sample_root: Path) -> list[str]:
    return [item.id for item in list_items(sample_root, "train", masks=True)]


def flipping(ids: list[str], store: DecodedPhotos, seed: int = 0) -> TrainPhotos:
    transforms = [A.HorizontalFlip(p=0.5), A.RandomBrightnessContrast(p=1)]
    scenes = CopyPaste(p_background=0.5, p_extra_person=0.5)
    pictures = LabelledPhotos(PhotoSet(ids, store))
    return TrainPhotos(pictures, Augmentation(transforms, scenes), SIZE, "resize", seed)


def test_a_sample_is_pixels_with_their_id(ids: list[str], store: DecodedPhotos) -> None:
    sample = flipping(ids, store)[0, 2, 0]
    assert sample["id"] == "2"
    assert sample["image"].dtype == sample["mask"].dtype == torch.uint8
    assert sample["image"].shape == (3, *SIZE) and sample["mask"].shape == (1, *SIZE)
    assert set(sample["mask"].unique().tolist()) == {0, 1}


def test_without_augmentation_a_sample_is_the_photo(ids: list[str], store: DecodedPhotos) -> None:
    photos = TrainPhotos(LabelledPhotos(PhotoSet(ids, store)), Augmentation([]), SIZE, "resize", 0)
    whole = WholePhotos(ids, store)
    for index in range(len(photos)):
        sample = photos[3, index, 0]
        photo, mask = store[index]
        assert np.array_equal(sample["image"].permute(1, 2, 0).numpy(), photo)
        assert mask is not None and np.array_equal(sample["mask"][0].numpy(), mask)
        assert sample["id"] == whole[index]["id"] == ids[index]
        assert torch.equal(sample["image"], whole[index]["image"])


def test_a_sample_follows_from_seed_epoch_and_id(ids: list[str], store: DecodedPhotos) -> None:
    photos = flipping(ids, store)
    first = photos[1, 3, 0]["image"]
    photos[2, 4, 0], photos[1, 0, 0]  # what was drawn in between does not matter
    assert torch.equal(photos[1, 3, 0]["image"], first)
    assert not torch.equal(photos[2, 3, 0]["image"], first)
    assert not torch.equal(flipping(ids, store, seed=1)[1, 3, 0]["image"], first)


def test_a_sample_follows_its_id_not_its_place(ids: list[str], store: DecodedPhotos) -> None:
    class Reversed:
        def __len__(self) -> int:
            return len(store)

        def __getitem__(self, index: int) -> tuple:
            return store[len(store) - 1 - index]

        def size(self, index: int) -> tuple[int, int]:
            return store.size(len(store) - 1 - index)

    turned = flipping(ids[::-1], cast(DecodedPhotos, Reversed()))[5, 0, 0]
    straight = flipping(ids, store)[5, len(ids) - 1, 0]
    assert turned["id"] == straight["id"]
    assert torch.equal(turned["image"], straight["image"])
    assert torch.equal(turned["mask"], straight["mask"])


def test_samples_do_not_write_into_the_store(ids: list[str], store: DecodedPhotos) -> None:
    before = store[0][0].copy()
    for photos in (WholePhotos(ids, store)[0], flipping(ids, store)[0, 0, 0]):
        photos["image"].zero_()
        photos["mask"].zero_()
    assert np.array_equal(store[0][0], before)


def test_a_train_photo_without_a_mask_is_named(sample_root: Path) -> None:
    items = list_items(sample_root, "test", masks=False)
    pictures = LabelledPhotos(PhotoSet(["9", "10"], open_cache(items)))
    photos = TrainPhotos(pictures, Augmentation([]), SIZE, "resize", 0)
    with pytest.raises(ValueError, match="photo 10 has no mask"):
        photos[0, 1, 0]


def test_a_batch_stacks_samples_with_their_ids(ids: list[str], store: DecodedPhotos) -> None:
    whole = WholePhotos(ids, store)
    batch = collate([whole[4], whole[1]])
    assert batch["id"] == ["4", "1"]
    assert batch["image"].shape == (2, 3, *SIZE) and batch["mask"].shape == (2, 1, *SIZE)
    assert torch.equal(batch["mask"][1], whole[1]["mask"])


def test_a_batch_without_masks_has_none(sample_root: Path) -> None:
    items = list_items(sample_root, "test", masks=False)
    whole = WholePhotos(["9", "10"], open_cache(items))
    assert set(collate([whole[0], whole[1]])) == {"image", "id"}
