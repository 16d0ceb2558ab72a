"""The data module: the same batches whoever draws them, and folds that stay what they are."""

import multiprocessing
import shutil
import sys
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from humanseg.data.cache.buffer import PixelCache
from humanseg.data.module import PhotoData
from humanseg.data.transforms.copy_paste import CopyPaste
from humanseg.errors import HumansegError
from tests.data.conftest import Open, concerns, ids_of


def epoch_of(data: PhotoData, epoch: int, loader: Any = None) -> list[dict[str, Any]]:
    loader = loader or data.train_dataloader()
    loader.sampler.set_epoch(epoch)  # as the trainer does, also after a restart
    return list(loader)


def same(one: list[dict[str, Any]], other: list[dict[str, Any]]) -> bool:
    return len(one) == len(other) and all(
        a["id"] == b["id"]
        and torch.equal(a["image"], b["image"])
        and torch.equal(a["mask"], b["mask"])
        for a, b in zip(one, other, strict=True)
    )


def test_worker_processes_do_not_change_the_batches(opened: Open) -> None:
    alone, helped = opened(), opened(workers=2)
    loader = helped.train_dataloader()
    for epoch in (0, 1):  # the workers live on
        assert same(epoch_of(alone, epoch), epoch_of(helped, epoch, loader))


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not fork")
def test_workers_share_decoded_photos_whatever_python_starts_processes_by(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: PixelCache) -> Any:
        raise AssertionError("photos are copied")

    monkeypatch.setattr(PixelCache, "__reduce__", refuse)
    start_method = multiprocessing.get_start_method()
    multiprocessing.set_start_method("forkserver", force=True)  # the default of Python 3.14
    try:
        assert same(epoch_of(opened(workers=1), 0), epoch_of(opened(), 0))
    finally:
        multiprocessing.set_start_method(start_method, force=True)


def test_a_restart_draws_what_an_uninterrupted_training_draws(opened: Open) -> None:
    data = opened()
    loader = data.train_dataloader()
    epochs = [epoch_of(data, epoch, loader) for epoch in range(3)]
    assert same(epoch_of(data, 2, loader), epochs[2]), "a second pass differs"
    assert same(epoch_of(opened(), 2), epochs[2]), "a restart differs"
    assert same(epoch_of(opened(cache="none"), 2), epochs[2]), "the cache matters"


def test_copy_paste_depends_on_neither_workers_nor_restarts(opened: Open) -> None:
    scenes = CopyPaste(p_background=0.5, p_extra_person=0.5, p_blur=0.5)
    alone, helped = opened(scenes), opened(scenes, workers=2)
    epochs = [epoch_of(alone, epoch) for epoch in range(3)]
    loader = helped.train_dataloader()
    assert all(same(epochs[epoch], epoch_of(helped, epoch, loader)) for epoch in range(3))
    assert same(epoch_of(opened(scenes, batch_size=2), 2), epochs[2])
    assert not same(epoch_of(opened(), 2), epochs[2])


def test_epochs_and_seeds_differ(opened: Open) -> None:
    data = opened()
    first = {each["id"][0]: each for each in epoch_of(opened(batch_size=1), 0)}
    other = {each["id"][0]: each for each in epoch_of(opened(batch_size=1), 1)}
    seeded = {each["id"][0]: each for each in epoch_of(opened(batch_size=1, seed=1), 0)}
    for identity in first:
        assert not torch.equal(first[identity]["image"], other[identity]["image"])
        assert not torch.equal(first[identity]["image"], seeded[identity]["image"])
    orders = {tuple(ids_of(epoch_of(data, epoch))) for epoch in range(4)}
    assert len(orders) == 4


@pytest.mark.parametrize("batch_size", [1, 2, 3, 4, 6, 16])
def test_every_train_photo_comes_once_an_epoch(opened: Open, batch_size: int) -> None:
    counts = Counter(ids_of(epoch_of(opened(batch_size=batch_size), 0)))
    assert counts == Counter("012345")


def test_a_last_batch_of_one_photo_is_left_out(opened: Open) -> None:
    """Batch norm has no variance to take from one photo's 1×1 map."""
    batches = epoch_of(opened(batch_size=5), 0)
    assert [len(batch["id"]) for batch in batches] == [5]


def test_a_batch_is_what_the_house_says(opened: Open) -> None:
    batch = epoch_of(opened(), 0)[0]
    assert batch["image"].dtype == batch["mask"].dtype == torch.uint8
    assert batch["image"].shape == (2, 3, 64, 48) and batch["mask"].shape == (2, 1, 64, 48)
    assert set(batch["mask"].unique().tolist()) <= {0, 1}


@pytest.mark.parametrize("name", ["train", "valid", "test"])
def test_whole_photos_come_once_as_they_are(root: Path, opened: Open, name: Any) -> None:
    first = sorted((root / name).iterdir())[0]
    Image.open(first).resize((30, 70)).save(first)
    if name != "test":
        mask = root / f"{name}_mask" / f"{first.stem}.png"
        Image.open(mask).resize((30, 70), 0).save(mask)
    data = opened(root=str(root), train_size=32, batch_size=4)
    batches = list(data.whole_photos(name))
    count = {"train": 6, "valid": 3, "test": 2}[name]
    assert len(ids_of(batches)) == len(set(ids_of(batches))) == count
    assert ("mask" in batches[0]) == (name != "test")
    sizes = {
        identity: tuple(batch["image"].shape[2:]) for batch in batches for identity in batch["id"]
    }
    assert sizes.pop(first.stem) == (70, 30)
    assert set(sizes.values()) == {(64, 48)}, "scores are taken at a photo's own size"


@pytest.mark.parametrize("fit", ["resize", "crop", "pad"])
@pytest.mark.parametrize("size", [[48, 32], [96, 80], None])
def test_mixed_photos_are_trained_on_at_one_size(
    root: Path, opened: Open, fit: Any, size: list[int] | None
) -> None:
    for folder, suffix, way in (("train", "jpg", 2), ("train_mask", "png", 0)):
        for name, shape in (("0", (100, 40)), ("1", (33, 35))):
            path = root / folder / f"{name}.{suffix}"
            Image.open(path).resize(shape, way).save(path)
    data = opened(root=str(root), crop_size=size, resize_mode=fit)
    batches = epoch_of(data, 0)
    assert sorted(ids_of(batches)) == list("012345")
    for batch in batches:
        assert list(batch["image"].shape[2:]) == (size or [64, 48])
        assert batch["mask"].shape[2:] == batch["image"].shape[2:]
        assert set(batch["mask"].unique().tolist()) <= {0, 1}
    assert same(batches, epoch_of(opened(root=str(root), crop_size=size, resize_mode=fit), 0))


def test_a_working_size_scales_the_training_samples(opened: Open) -> None:
    assert opened(train_size=32).sample_size() == (32, 24)
    assert epoch_of(opened(train_size=32), 0)[0]["image"].shape[2:] == (32, 24)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"fold": 5}, "data.fold=5 .* 0 to 4"),
        ({"fold": -1}, "data.fold=-1"),
    ],
)
def test_impossible_options_are_named(opened: Open, changes: dict[str, Any], named: str) -> None:
    with pytest.raises(HumansegError, match=named) as caught:
        opened(**changes)
    assert caught.value.code == "data.no_fold"


def test_the_record_changes_with_one_pixel_of_a_valid_mask(root: Path, opened: Open) -> None:
    before = opened(root=str(root)).record()
    assert before == opened(root=str(root), seed=5, train_size=32).record()
    assert {name: before[name] for name in ("train", "valid", "test")} == {
        "train": 6,
        "valid": 3,
        "test": 2,
    }
    path = root / "valid_mask" / "6.png"
    mask = np.array(Image.open(path))
    mask[0, 0] = 255 - mask[0, 0]
    Image.fromarray(mask).save(path)
    assert opened(root=str(root)).record()["valid_sha256"] != before["valid_sha256"]


def test_the_record_changes_with_a_valid_id_and_not_with_train(root: Path, opened: Open) -> None:
    before = opened(root=str(root)).record()["valid_sha256"]
    Image.new("RGB", (48, 64)).save(root / "train" / "0.jpg")
    assert opened(root=str(root)).record()["valid_sha256"] == before
    for folder, suffix in (("valid", "jpg"), ("valid_mask", "png")):
        (root / folder / f"6.{suffix}").rename(root / folder / f"60.{suffix}")
    assert opened(root=str(root)).record()["valid_sha256"] != before


@pytest.mark.parametrize("file", ["train/0.jpg", "train_mask/0.png", "valid/6.jpg"])
@pytest.mark.parametrize("cache", ["memory", "none"])
def test_one_pixel_of_any_photo_makes_them_others(
    root: Path, opened: Open, file: str, cache: str
) -> None:
    def look(**changes: Any) -> tuple[dict[str, Any], str]:
        data = opened(root=str(root), cache=cache, **changes)
        data.check()
        return data.record(), data.pixels_sha256()

    before = look()
    assert look(train_size=32, seed=3) == before
    Image.open(root / file).transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(root / file)
    record, pixels = look()
    assert record == before[0], "such runs would not be ranked together"
    assert pixels != before[1]


def test_the_check_says_how_far_it_is(opened: Open) -> None:
    steps: list[tuple[int, int]] = []
    opened().check(lambda done, total: steps.append((done, total)))
    assert steps == [(done, 11) for done in range(1, 12)]


class Trainer:
    """What a data module asks a trainer."""

    def __init__(self, device: str, rank: int = 0, processes: int = 1) -> None:
        self.strategy = SimpleNamespace(root_device=torch.device(device))
        self.global_rank, self.world_size = rank, processes


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_what_feeds_a_gpu_is_not_done_for_a_cpu(
    opened: Open, monkeypatch: pytest.MonkeyPatch, device: str
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 6)
    data = opened(workers=None)
    data.trainer = Trainer(device)  # type: ignore[assignment]
    loader = data.train_dataloader()
    assert loader.pin_memory == (device == "cuda")
    assert loader.num_workers == (5 if device == "cuda" else 1)


def test_processes_share_the_valid_photos(opened: Open) -> None:
    shares = []
    for rank in range(2):
        data = opened()
        data.trainer = Trainer("cpu", rank, 2)  # type: ignore[assignment]
        shares.append(ids_of(list(data.val_dataloader())))
    assert shares == [["6", "8"], ["7"]]


@pytest.mark.parametrize("train_size", [None, 96])
def test_small_components_are_taken_out_of_train_masks_alone(
    root: Path, opened: Open, train_size: int | None
) -> None:
    for name, identity in (("train", "0"), ("valid", "6")):
        path = root / f"{name}_mask" / f"{identity}.png"
        mask = np.array(Image.open(path))
        mask[1:4, 1:4] = 255  # nine pixels, in a corner without anybody
        Image.fromarray(mask).save(path)
    data = opened(root=str(root), min_component_area=10, train_size=train_size)
    plain = opened(root=str(root), train_size=train_size)

    def corner(data: PhotoData, name: Any) -> bool:
        _, mask = data.split(name).photos[0]
        assert mask is not None
        return bool(mask[:6, :6].any())

    assert not corner(data, "train") and corner(plain, "train")
    assert corner(data, "valid")
    assert data.record() == plain.record(), "what is scored is the same"
    whole = list(data.whole_photos("train"))[0]
    assert whole["id"][0] == "0" and whole["mask"][0, 0, 2, 2] == 1


def test_photos_are_decoded_once(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    data = opened()
    data.check()

    def refuse(path: Path) -> None:
        raise AssertionError(f"{path} was decoded again")

    monkeypatch.setattr("humanseg.data.cache.photos.read_photo", refuse)
    for name in ("train", "valid", "test"):
        data.split(name)


def test_what_the_check_decodes_is_not_kept_beyond_the_bound(opened: Open) -> None:
    data = opened(cache_gb=1e-9)
    data.check()
    assert not data.splits._decoded


def test_a_set_without_test_photos_has_a_loader_of_none(root: Path, opened: Open) -> None:
    shutil.rmtree(root / "test")
    data = opened(root=str(root))
    assert concerns(data) == [f"the folder {root}/test does not exist: there will be no test page."]
    assert data.record()["test"] == 0
    assert list(data.whole_photos("test")) == []


def test_photos_keep_their_masks_where_they_are_unlabelled_ones_too(
    sample_root: Path, opened: Open
) -> None:
    data = opened(unlabelled=str(sample_root / "train"))
    data.check()
    train = data.split("train")
    for index, item in enumerate(train.items):
        np.testing.assert_array_equal(train.photos[index][1], item.read_mask(None))


def classes(root: Path, values: tuple[int, int, int]) -> None:
    """Give masks three values: background, and the upper and lower part of the person."""
    for folder in ("train_mask", "valid_mask"):
        for path in (root / folder).iterdir():
            person = np.asarray(Image.open(path).convert("L")) > 127
            upper = np.arange(person.shape[0])[:, None] < person.shape[0] // 2
            drawn = np.where(person, np.where(upper, values[1], values[2]), values[0])
            Image.fromarray(drawn.astype(np.uint8)).save(path)


@pytest.mark.parametrize("values", [(0, 1, 2), (0, 128, 255), (255, 15, 1)])
def test_the_values_of_the_person_can_be_named(
    root: Path, opened: Open, values: tuple[int, int, int]
) -> None:
    plain = opened(root=str(root))
    plain.check()
    classes(root, values)
    with pytest.raises(HumansegError, match=r"data\.person_values=\[1\]"):
        opened(root=str(root)).check()
    both = opened(root=str(root), person_values=values[1:])
    both.check()
    assert both.valid_sha256() == plain.valid_sha256()
    both.require_sound("valid")
    one = opened(root=str(root), person_values=values[1:2])
    one.check()
    masks = [data.split("valid").photos[0][1] for data in (one, plain)]
    assert masks[0] is not None and masks[1] is not None
    assert 0 < masks[0].sum() < masks[1].sum()


@pytest.mark.parametrize("cache", ["memory", "disk", "none"])
def test_inverted_masks_can_be_turned_round(
    root: Path, opened: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cache: str
) -> None:
    monkeypatch.setenv("HUMANSEG_CACHE", str(tmp_path / "cache"))
    plain = opened(root=str(root), cache=cache).valid_sha256()
    for path in [*(root / "train_mask").iterdir(), *(root / "valid_mask").iterdir()]:
        Image.fromarray(255 - np.asarray(Image.open(path))).save(path)
    wrong = opened(root=str(root), cache=cache)
    assert any("data.invert_masks=true" in said for said in concerns(wrong))
    wrong_mask = wrong.split("train").photos[0][1]
    right = opened(root=str(root), cache=cache, invert_masks=True)
    assert concerns(right) == []
    assert right.valid_sha256() == plain
    right_mask = right.split("train").photos[0][1]
    assert wrong_mask is not None and right_mask is not None
    np.testing.assert_array_equal(wrong_mask, 1 - right_mask)
