import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from humanseg.data.folders import list_items, scan
from humanseg.errors import HumansegError


def touch(folder: Path, *names: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).touch()


def test_items_are_joined_by_stem_and_sorted_naturally(tmp_path: Path) -> None:
    touch(tmp_path / "train", "10.jpg", "2.JPEG", "b.WebP", "a.bmp", "c d.png")
    touch(tmp_path / "train_mask", "a.png", "b.png", "c d.BMP", "2.png", "10.png", "unused.txt")
    items = list_items(tmp_path, "train", masks=True)
    assert [item.id for item in items] == ["2", "10", "a", "b", "c d"]
    assert all(item.mask is not None and item.mask.stem == item.photo.stem for item in items)
    assert items[0].split == "train"


def test_hidden_files_other_suffixes_and_folders_are_passed_over(tmp_path: Path) -> None:
    touch(tmp_path / "test", "1.jpg", ".2.jpg", "._1.jpg", "notes.txt", "Thumbs.db", "3.gif")
    (tmp_path / "test" / "folder.jpg").mkdir()
    assert [item.id for item in list_items(tmp_path, "test", masks=False)] == ["1"]


def test_masks_are_not_looked_at_unless_asked_for(tmp_path: Path) -> None:
    touch(tmp_path / "train", "1.jpg")
    assert list_items(tmp_path, "train", masks=False)[0].mask is None


def test_a_stem_may_hold_dots(tmp_path: Path) -> None:
    touch(tmp_path / "train", "a.b.jpg", "a.jpg")
    touch(tmp_path / "train_mask", "a.png", "a.b.png")
    items = list_items(tmp_path, "train", masks=True)
    assert {item.id: item.mask.name for item in items if item.mask} == {
        "a": "a.png",
        "a.b": "a.b.png",
    }


def test_one_letter_written_in_two_ways_is_one_id(tmp_path: Path) -> None:
    composed, decomposed = "caf\u00e9", "cafe\u0301"
    touch(tmp_path / "train", f"{decomposed}.jpg")
    touch(tmp_path / "train_mask", f"{composed}.png")
    assert [item.id for item in list_items(tmp_path, "train", masks=True)] == [composed]


def test_all_problems_are_named_at_once(tmp_path: Path) -> None:
    touch(tmp_path / "train", "1.jpg", "2.jpg", "2.png", "3.jpg", "4.jpg")
    touch(tmp_path / "train_mask", "2.png", "3.png", "3.bmp")
    with pytest.raises(HumansegError) as caught:
        list_items(tmp_path, "train", masks=True)
    message = str(caught.value)
    assert "1.jpg has no mask" in message and "4.jpg has no mask" in message
    assert "2.jpg and 2.png" in message and "3.bmp and 3.png" in message


def test_a_long_list_is_cut_but_counted(tmp_path: Path) -> None:
    touch(tmp_path / "train", *(f"{number}.jpg" for number in range(50)))
    touch(tmp_path / "train_mask", "0.png")
    with pytest.raises(HumansegError, match="and 29 more"):
        list_items(tmp_path, "train", masks=True)


def test_missing_folders_and_empty_splits_are_named(tmp_path: Path) -> None:
    with pytest.raises(HumansegError, match="nowhere does not exist"):
        list_items(tmp_path / "nowhere", "train", masks=True)
    with pytest.raises(HumansegError, match="train does not exist"):
        list_items(tmp_path, "train", masks=True)
    touch(tmp_path / "train", "readme.txt")
    with pytest.raises(HumansegError, match=r"train holds no photo .*\n.*train_mask does not"):
        list_items(tmp_path, "train", masks=True)
    touch(tmp_path / "train", "1.jpg")
    with pytest.raises(HumansegError, match="train_mask does not exist") as caught:
        list_items(tmp_path, "train", masks=True)
    assert "1.jpg" not in str(caught.value), "one missing folder is not a thousand missing masks"


def test_the_root_may_not_be_a_file(tmp_path: Path) -> None:
    touch(tmp_path, "archive.zip")
    with pytest.raises(HumansegError, match="is a file"):
        list_items(tmp_path / "archive.zip", "train", masks=True)


def test_a_mask_without_a_photo_is_no_obstacle(
    five_folders: Path, put: Callable[[Path, np.ndarray], Path]
) -> None:
    put(five_folders / "train_mask" / "99.png", np.zeros((4, 4), np.uint8))
    items, problems = scan(five_folders, "train", masks=True)
    assert [item.id for item in items] == ["1", "2", "3", "4"]
    assert [(p.kind, p.id, p.fatal) for p in problems] == [("mask without a photo", "99", False)]
    assert len(list_items(five_folders, "train", masks=True)) == 4


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux keeps names that are not UTF-8")
def test_a_name_that_is_not_utf8_is_named_in_printable_words(five_folders: Path) -> None:
    test = five_folders / "test"
    shutil.copy(test / "7.jpg", test / os.fsdecode(b"\xff\n.jpg"))
    with pytest.raises(HumansegError, match="not UTF-8") as caught:
        list_items(five_folders, "test", masks=False)
    str(caught.value).encode()
    assert r"\udcff\n.jpg" in str(caught.value)
