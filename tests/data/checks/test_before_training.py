import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from humanseg.data.checks.before_training import CheckedPhoto, find_fatal, read_item
from humanseg.data.layout.folders import Scan, has_masks, list_items, scan
from humanseg.data.splits import DatasetSplits
from humanseg.errors import HumansegError
from humanseg.io.names import SPLITS
from humanseg.system.threads import map_in_order

Put = Callable[[Path, np.ndarray], Path]


def scans(root: Path, *splits: str) -> list[Scan]:
    return [scan(root, split, has_masks(split)) for split in splits or SPLITS]


def test_sound_data_passes_and_is_handed_on(five_folders: Path) -> None:
    kept: list[CheckedPhoto] = []
    assert find_fatal(scans(five_folders), kept.append) == []
    assert [checked.item.id for checked in kept] == list("12345678")
    photo, mask = kept[0].photo, kept[0].mask
    assert photo is not None and photo.shape == (80, 60, 3) and photo.dtype == np.uint8
    assert mask is not None and mask.shape == (80, 60) and set(np.unique(mask)) == {0, 1}
    assert kept[-1].mask is None
    DatasetSplits(five_folders).check()


def test_every_broken_file_is_named_in_one_error(five_folders: Path, put: Put) -> None:
    train, valid = five_folders / "train", five_folders / "valid"
    whole = (train / "1.jpg").read_bytes()
    (train / "1.jpg").write_bytes(whole[: len(whole) // 2])
    (train / "2.jpg").write_bytes(b"")
    (train / "3.jpg").write_text("not a photo")
    put(five_folders / "train_mask" / "4.png", np.zeros((40, 60), np.uint8))
    grey = np.tile(np.arange(60, dtype=np.uint8) * 4, (80, 1))
    put(five_folders / "valid_mask" / "5.png", grey)
    (five_folders / "valid_mask" / "6.png").unlink()
    (five_folders / "test" / "7.jpg").write_bytes(b"\xff\xd8\xff")
    problems = find_fatal(scans(five_folders))
    assert {(problem.kind, problem.split, problem.id) for problem in problems} == {
        ("unreadable photo", "train", "1"),
        ("unreadable photo", "train", "2"),
        ("unreadable photo", "train", "3"),
        ("sizes differ", "train", "4"),
        ("unusable mask", "valid", "5"),
        ("missing mask", "valid", "6"),
        ("unreadable photo", "test", "7"),
    }
    assert all(problem.fatal for problem in problems)
    with pytest.raises(HumansegError, match="7 problems") as caught:
        DatasetSplits(five_folders).check()
    assert caught.value.code == "data.unsound"
    for name in ("1.jpg", "2.jpg", "3.jpg", "4.png", "5.png", "6.jpg", "7.jpg"):
        assert name in str(caught.value)
    assert "60x40, but its photo is 60x80" in str(caught.value)
    assert str(valid) in str(caught.value)


def test_a_mask_that_is_not_turned_as_its_photo_is_says_what_to_do(five_folders: Path) -> None:
    photo = five_folders / "train" / "1.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6  # a quarter turn, which a program that draws masks may not have made
    Image.open(photo).save(photo, exif=exif)
    (problem,) = find_fatal(scans(five_folders, "train"))
    assert problem.kind == "sizes differ" and "turned by its EXIF data" in problem.message


@pytest.mark.parametrize(
    ("file", "content", "code"),
    [
        ("train_mask/1.png", None, "data.missing_mask"),
        ("train/1.jpg", b"", "data.unreadable_photo"),
        ("valid_mask/5.png", b"", "data.unusable_mask"),
    ],
)
def test_problems_of_one_kind_have_a_code_of_their_own(
    five_folders: Path, file: str, content: bytes | None, code: str
) -> None:
    (five_folders / file).unlink() if content is None else (five_folders / file).write_bytes(
        content
    )
    with pytest.raises(HumansegError) as caught:
        DatasetSplits(five_folders).check()
    assert caught.value.code == code


def test_broken_pairs_are_not_handed_on(five_folders: Path) -> None:
    (five_folders / "train" / "2.jpg").write_bytes(b"")
    kept: list[CheckedPhoto] = []
    find_fatal(scans(five_folders, "train"), kept.append)
    assert [checked.item.id for checked in kept] == ["1", "3", "4"]


def test_photo_and_mask_of_one_id_are_both_named(five_folders: Path) -> None:
    (five_folders / "train" / "2.jpg").write_bytes(b"")
    (five_folders / "train_mask" / "2.png").write_bytes(b"")
    assert [p.path.name for p in find_fatal(scans(five_folders, "train"))] == ["2.jpg", "2.png"]


def test_missing_splits_are_all_named(tmp_path: Path) -> None:
    found = find_fatal(scans(tmp_path))
    # A training needs no test photos.
    assert [(p.kind, p.split) for p in found] == [
        ("missing folder", split) for split in ("train", "valid")
    ]


def test_an_unused_mask_stops_nothing(five_folders: Path, put: Put) -> None:
    put(five_folders / "train_mask" / "99.png", np.zeros((3, 3), np.uint8))
    assert find_fatal(scans(five_folders, "train")) == []


@pytest.mark.parametrize("workers", [1, 3])
def test_order_does_not_depend_on_workers(five_folders: Path, workers: int) -> None:
    items = list_items(five_folders, "train", masks=True)
    assert [checked.item for checked in map_in_order(read_item, items, workers)] == items


def test_only_a_few_values_are_read_ahead() -> None:
    taken: list[int] = []

    def values() -> Iterator[int]:
        for value in range(1000):
            taken.append(value)
            yield value

    results = map_in_order(lambda value: value * 2, values(), workers=2)
    assert [next(results), next(results)] == [0, 2]
    assert len(taken) < 20
    results.close()
    assert threading.active_count() < 10


def test_an_error_in_a_thread_is_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        list(map_in_order(lambda value: 1 // value, [1, 0, 1], workers=2))
