"""More labelled photos: by source, with weights, without what is held out."""

import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from humanseg.data.cache.buffer import LayerCache
from humanseg.data.layout.extra import Extra
from humanseg.data.module import PhotoData
from humanseg.data.sampling import SeededOrder
from humanseg.data.transforms.augmentation import Augmentation
from humanseg.errors import HumansegError

Put = Callable[[Path, np.ndarray], Path]


@pytest.fixture
def more(tmp_path: Path, put: Put, photo_of: Callable[..., np.ndarray]) -> Path:
    """Photos 20 to 23 of source a and 30 of source b; 40 and 41 without people."""
    root = tmp_path / "more"
    mask = np.zeros((80, 60), np.uint8)
    mask[:40] = 255
    for name in ("a_20", "a_21", "a_22", "a_23", "b_30"):
        put(root / "train/image" / f"{name}.jpg", photo_of(int(name[2:])))
        put(root / "train/mask" / f"{name}.png", mask)
    for seed in (40, 41):
        put(root / "empty" / f"{seed}.jpg", photo_of(seed, (60, 80)))
    return root


def data(root: Path, more: Path, extra: Extra, **options: object) -> PhotoData:
    return PhotoData(
        str(root),
        Augmentation([]),
        extra=extra,
        extra_root=str(more),
        **options,  # type: ignore[arg-type]
    )


A: Extra = {"a": {"folder": "train", "match": "a_*", "weight": 1.5}}
ALL: Extra = {
    **A,
    "b": {"folder": "train", "match": "b_*", "weight": 3},
    "nobody": {"folder": "empty", "no_person": True},
}


def drawn(photos: PhotoData, epoch: int = 0) -> list[str]:
    loader = photos.train_dataloader()
    loader.sampler.set_epoch(epoch)  # type: ignore[attr-defined]
    return [id for batch in loader for id in batch["id"]]


def test_each_source_is_drawn_as_often_as_its_weight_says(five_folders: Path, more: Path) -> None:
    photos = data(five_folders, more, ALL, crop_size=(48, 48))
    photos.check()
    counts = Counter(id.partition("/")[0] for id in drawn(photos))
    assert counts["a"] == 6 and counts["b"] == 3 and counts["nobody"] == 2
    assert sum(counts[str(id)] for id in (1, 2, 3, 4)) == 4
    assert photos.count_batches()[0] == 1 and photos.extra_sources() == {
        "a": 4,
        "b": 1,
        "nobody": 2,
    }


def test_where_nobody_is_the_mask_is_background(five_folders: Path, more: Path) -> None:
    photos = data(five_folders, more, ALL, crop_size=(48, 48))
    batch = next(iter(photos.train_dataloader()))
    people = {id: bool(mask.any()) for id, mask in zip(batch["id"], batch["mask"], strict=True)}
    assert {id for id, some in people.items() if not some} == {"nobody/40", "nobody/41"}


def test_duplicates_of_held_out_photos_are_not_trained_on(
    five_folders: Path, more: Path, put: Put, photo_of: Callable[..., np.ndarray]
) -> None:
    put(
        more / "train/image/a_23.jpg", np.clip(photo_of(5).astype(int) + 4, 0, 255).astype(np.uint8)
    )
    photos = data(five_folders, more, A)
    photos.check()
    assert "a/a_23" not in drawn(photos)
    assert photos.record()["extra"] == {"a": 3} and photos.record()["extra_leaked"] == 1


def test_train_photos_that_sources_are_scored_on_are_pointed_out(
    five_folders: Path, more: Path, put: Put, photo_of: Callable[..., np.ndarray]
) -> None:
    scored: Extra = {"a": {**A["a"], "invert_masks": True}}
    photos = data(five_folders, more, {}, extra_valid=scored)
    photos.check()
    assert photos.concerns() == []
    put(more / "train/image/a_23.jpg", photo_of(2))
    photos = data(five_folders, more, {}, extra_valid=scored)
    photos.check()
    (text,) = photos.concerns()
    assert text.startswith("1 train photo (2) is in data.extra_valid too, ")


def test_a_photo_without_its_mask_stops_the_training_by_name(
    five_folders: Path, more: Path
) -> None:
    (more / "train/mask/a_21.png").unlink()
    (more / "train/mask/b_30.png").unlink()
    with pytest.raises(HumansegError, match="a_21") as error:
        data(five_folders, more, A).check()
    assert error.value.code == "data.missing_mask" and "b_30" not in str(error.value)


def test_masks_of_a_source_are_read_as_it_says(five_folders: Path, more: Path, put: Put) -> None:
    """Those of `data` are of the five folders alone: a source may have masks of another kind."""
    mask = np.full((80, 60), 255, np.uint8)
    mask[20:, 20:40] = 0
    for path in (more / "train/mask").glob("a_*"):
        put(path, mask)
    classes = mask // 255 * 2
    classes[20:, 20:30] = 1
    put(more / "train/mask/b_30.png", classes)
    inverted = data(five_folders, more, A)
    inverted.check()
    assert [line for line in inverted.concerns() if "data.extra.a.invert_masks=true" in line]
    with pytest.raises(HumansegError, match=r"person_values: \[1\] of their source"):
        data(five_folders, more, {"b": ALL["b"]}, person_values=[255]).check()
    right: Extra = {
        "a": {**A["a"], "invert_masks": True},
        "b": {**ALL["b"], "person_values": [1]},
    }
    photos = data(five_folders, more, right)
    photos.check()
    assert not [line for line in photos.concerns() if "invert" in line]
    shares = {
        id: float(layer.float().mean())
        for batch in photos.train_dataloader()
        for id, layer in zip(batch["id"], batch["mask"], strict=True)
    }
    assert shares["a/a_20"] == pytest.approx(0.25) and shares["b/b_30"] == pytest.approx(0.125)


def test_masks_without_photos_of_a_source_are_said_where_they_are(
    five_folders: Path, more: Path
) -> None:
    (more / "train/image/a_20.jpg").unlink()
    (more / "train/image/a_21.jpg").unlink()
    photos = data(five_folders, more, {"a": {**A["a"], "invert_masks": True}})
    photos.check()
    (text,) = photos.concerns()
    assert "2 in data.extra.a (a_20, a_21); such as: " in text and "humanseg check" not in text


def test_a_source_without_a_photo_is_named(five_folders: Path, more: Path) -> None:
    with pytest.raises(HumansegError, match=r"data\.extra\.c") as error:
        data(five_folders, more, {"c": {"folder": "train", "match": "c_*"}}).check()
    assert error.value.code == "data.no_extra_photos"


def test_a_source_whose_name_would_not_be_told_from_a_photo_is_named(
    five_folders: Path, more: Path
) -> None:
    with pytest.raises(HumansegError, match=r"data\.extra\.lab/a") as error:
        data(five_folders, more, {"lab/a": A["a"]}).check()
    assert error.value.code == "data.source_name"


def test_other_photos_of_a_source_are_another_training(
    five_folders: Path, more: Path, put: Put, photo_of: Callable[..., np.ndarray]
) -> None:
    def digests() -> list[str]:
        photos = data(five_folders, more, A)
        photos.check()
        record = photos.record()
        return [record["root_sha256"], record["extra_sha256"], photos.pixels_sha256()]

    first = digests()
    put(more / "train/image/a_20.jpg", photo_of(99))
    second = digests()
    assert [old == new for old, new in zip(first, second, strict=True)] == [True, False, False]
    put(five_folders / "train/2.jpg", photo_of(98))
    third = digests()
    assert [old == new for old, new in zip(second, third, strict=True)] == [False, True, False]


def test_weighted_draws_follow_from_seed_and_epoch_and_average_to_the_weight() -> None:
    weights = [0.25, 1.5, 3.0, 1.25]
    order = SeededOrder(4, seed=1, weights=weights)
    counts: Counter[int] = Counter()
    for epoch in range(400):
        order.set_epoch(epoch)
        draws = list(order)
        assert len(draws) == len(order) == 6 and list(order) == draws
        assert len(set(draws)) == 6, "two draws of a photo in an epoch differ in their number"
        counts.update(index for _, index, _ in draws)
    assert [counts[index] / 400 for index in range(4)] == pytest.approx(weights, abs=0.1)
    shares = []
    for rank in range(2):
        share = SeededOrder(4, 1, rank, 2, weights)
        share.set_epoch(399)
        shares += list(share)
    assert sorted(shares) == sorted(draws)


def test_unlabelled_photos_are_none_of_those_that_sources_are_scored_on(
    five_folders: Path, more: Path, tmp_path: Path
) -> None:
    unlabelled = tmp_path / "unlabelled"
    unlabelled.mkdir()
    for name in ("a_20.jpg", "b_30.jpg"):
        shutil.copy(more / "train/image" / name, unlabelled)
    photos = data(
        five_folders,
        more,
        {},
        extra_valid={"b": {"folder": "train", "match": "b_*"}},
        unlabelled=str(unlabelled),
    )
    counts = photos.use_soft_labels(
        {
            name: LayerCache(
                np.full(len(photos.items(name)) * 80 * 60, 255, np.uint8),
                np.array([(80, 60)] * len(photos.items(name))),
                1,
            )
            for name in photos.splits.train_names
        }
    )
    assert counts == {"unlabelled": 1, "copies": 1, "unsure": 0}
