import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from humanseg.data.layout.folders import list_items, scan
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


def test_hidden_files_other_suffixes_and_folders_are_skipped(tmp_path: Path) -> None:
    touch(tmp_path / "test", "1.jpg", ".2.jpg", "._1.jpg", "notes.txt", "Thumbs.db", "3.doc")
    touch(tmp_path / "test" / "folder.jpg", "4.jpg", ".5.jpg", "6.txt")
    found = scan(tmp_path, "test", masks=False)
    (problem,) = found.problems
    assert [item.id for item in found.items] == ["1"]
    assert not problem.fatal
    assert "2 files of other kinds (1 doc, 1 txt)" in problem.message
    assert "1 sub-folder (folder.jpg: 1 photo)" in problem.message


def test_what_systems_leave_in_a_folder_is_not_spoken_of(tmp_path: Path) -> None:
    touch(tmp_path / "test", "1.jpg", ".DS_Store", "Thumbs.db", "desktop.ini")
    touch(tmp_path / "test" / "__MACOSX", "1.jpg")
    assert scan(tmp_path, "test", masks=False).problems == []


@pytest.mark.parametrize("suffix", ["tif", "TIFF", "gif", "jfif", "JPE", "avif", "jp2", "ppm"])
def test_photos_and_masks_of_every_format_are_found(tmp_path: Path, suffix: str) -> None:
    touch(tmp_path / "train", f"1.{suffix}")
    touch(tmp_path / "train_mask", f"1.{suffix}")
    assert [item.id for item in list_items(tmp_path, "train", masks=True)] == ["1"]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads all")
def test_a_sub_folder_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    touch(tmp_path / "test", "1.jpg")
    touch(tmp_path / "test" / "more", "2.jpg")
    (tmp_path / "test" / "more").chmod(0)
    (problem,) = scan(tmp_path, "test", masks=False).problems
    (tmp_path / "test" / "more").chmod(0o700)
    assert "more: cannot be read" in problem.message


@pytest.mark.parametrize(
    ("there", "missing"),
    [
        ("train_masks", "train_mask"),
        ("Train_Mask", "train_mask"),
        ("trainmask", "train_mask"),
        ("masks/train", "train_mask"),
        ("train/labels", "train_mask"),
        ("Train", "train"),
        ("images/train", "train"),
        ("val", "valid"),
        ("validation", "valid"),
        ("SegmentationTrain", "train_mask"),
    ],
)
def test_a_folder_of_a_near_name_is_offered(tmp_path: Path, there: str, missing: str) -> None:
    touch(tmp_path / there, "1.png")
    if missing == "train_mask":
        touch(tmp_path / "train", "1.jpg")
    with pytest.raises(HumansegError, match="does not exist") as caught:
        list_items(tmp_path, missing.removesuffix("_mask"), masks=True)
    assert f"did you mean {tmp_path / there}? Then call it {missing}" in str(caught.value)


def test_nothing_is_offered_where_nothing_or_several_are_near(tmp_path: Path) -> None:
    touch(tmp_path / "cats", "1.png")
    with pytest.raises(HumansegError) as caught:
        list_items(tmp_path, "train", masks=True)
    touch(tmp_path / "Train", "1.png")
    touch(tmp_path / "images" / "train", "1.png")
    with pytest.raises(HumansegError) as twice:
        list_items(tmp_path, "train", masks=True)
    assert "did you mean" not in str(caught.value) + str(twice.value)


def test_a_root_one_too_high_or_too_deep_is_named(tmp_path: Path) -> None:
    touch(tmp_path / "mine" / "train", "1.png")
    with pytest.raises(HumansegError) as above:
        list_items(tmp_path, "train", masks=False)
    assert f"did you mean the data folder {tmp_path / 'mine'}?" in str(above.value)
    with pytest.raises(HumansegError) as below:
        list_items(tmp_path / "mine" / "train", "train", masks=False)
    assert f"did you mean the folder above, {tmp_path / 'mine'}?" in str(below.value)


@pytest.mark.parametrize(
    ("photo", "mask"),
    [
        ("{}", "{}_mask"),
        ("{}", "{}-mask"),
        ("{}", "{}.mask"),
        ("{}", "mask_{}"),
        ("{}", "{}_seg"),
        ("{}_sat", "{}_mask"),
        ("img_{}", "mask_{}"),
        ("a {}", "a {} (mask)"),
    ],
)
def test_masks_that_are_named_otherwise_in_one_way_are_read(
    tmp_path: Path, photo: str, mask: str
) -> None:
    numbers = ["7", "10", "071"]
    touch(tmp_path / "train", *(f"{photo.format(number)}.jpg" for number in numbers))
    touch(tmp_path / "train_mask", *(f"{mask.format(number)}.png" for number in numbers))
    found = scan(tmp_path, "train", masks=True)
    (problem,) = found.problems
    assert {item.id: item.mask and item.mask.stem for item in found.items} == {
        photo.format(number): mask.format(number) for number in numbers
    }
    assert (problem.kind, problem.fatal) == ("masks of other names", False)


@pytest.mark.parametrize(
    "masks",
    [
        ["1_mask", "2"],  # one is called like its photo
        ["1_edge", "2_edge", "1_depth", "2_depth"],  # two ways
        ["1_mask", "3_mask"],  # not all
        ["11", "21"],  # numbers make other names
        ["x1", "y2"],
    ],
)
def test_masks_whose_names_follow_in_no_one_way_are_not_guessed(
    tmp_path: Path, masks: list[str]
) -> None:
    touch(tmp_path / "train", "1.jpg", "2.jpg")
    touch(tmp_path / "train_mask", *(f"{mask}.png" for mask in masks))
    with pytest.raises(HumansegError, match=r"1.jpg has no mask: put 1.png .*") as caught:
        list_items(tmp_path, "train", masks=True)
    assert ("it holds " in str(caught.value)) == any("1" in mask for mask in masks)


def test_of_two_ways_to_name_masks_the_one_that_says_so_counts(tmp_path: Path) -> None:
    touch(tmp_path / "train", "1.jpg", "2.jpg")
    touch(tmp_path / "train_mask", "1_edge.png", "2_edge.png", "1_mask.png", "2_mask.png")
    items = scan(tmp_path, "train", masks=True).items
    assert [item.mask and item.mask.name for item in items] == ["1_mask.png", "2_mask.png"]


def test_test_photos_are_not_needed(tmp_path: Path) -> None:
    touch(tmp_path / "train", "1.jpg")
    assert list_items(tmp_path, "test", masks=False) == []
    (tmp_path / "test").mkdir()
    assert list_items(tmp_path, "test", masks=False) == []


def test_a_folder_that_is_a_broken_link_is_called_so(tmp_path: Path) -> None:
    (tmp_path / "train").symlink_to("nowhere")
    with pytest.raises(HumansegError, match="train is a link that leads nowhere"):
        list_items(tmp_path, "train", masks=True)


def test_without_valid_photos_a_fold_is_offered(tmp_path: Path) -> None:
    touch(tmp_path / "train", "1.jpg")
    with pytest.raises(HumansegError, match="data.fold=0"):
        list_items(tmp_path, "valid", masks=True)


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
    with pytest.raises(HumansegError, match=r"train holds no photo, .*\n.*train_mask does not"):
        list_items(tmp_path, "train", masks=True)
    touch(tmp_path / "train", "1.jpg")
    with pytest.raises(HumansegError, match="train_mask does not exist") as caught:
        list_items(tmp_path, "train", masks=True)
    assert "1.jpg" not in str(caught.value), "one missing folder is not a thousand missing masks"


def test_a_data_folder_of_a_near_name_is_offered(tmp_path: Path) -> None:
    (tmp_path / "Photos").mkdir()
    with pytest.raises(HumansegError, match=rf"did you mean {tmp_path}/Photos\?"):
        list_items(tmp_path / "photo", "train", masks=True)
    with pytest.raises(HumansegError, match="does not exist: give"):
        list_items(tmp_path / "sample", "train", masks=True)


def test_the_root_may_not_be_a_file(tmp_path: Path) -> None:
    touch(tmp_path, "archive.zip")
    with pytest.raises(HumansegError, match="is a file"):
        list_items(tmp_path / "archive.zip", "train", masks=True)


def test_a_mask_without_a_photo_is_no_obstacle(
    five_folders: Path, put: Callable[[Path, np.ndarray], Path]
) -> None:
    put(five_folders / "train_mask" / "99.png", np.zeros((4, 4), np.uint8))
    found = scan(five_folders, "train", masks=True)
    assert [item.id for item in found.items] == ["1", "2", "3", "4"]
    assert [(p.kind, p.id, p.fatal) for p in found.problems] == [
        ("mask without a photo", "99", False)
    ]
    assert len(list_items(five_folders, "train", masks=True)) == 4


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux keeps names that are not UTF-8")
def test_a_name_that_is_not_utf8_is_named_in_printable_words(five_folders: Path) -> None:
    test = five_folders / "test"
    shutil.copy(test / "7.jpg", test / os.fsdecode(b"\xff\n.jpg"))
    with pytest.raises(HumansegError, match="not UTF-8") as caught:
        list_items(five_folders, "test", masks=False)
    str(caught.value).encode()
    assert r"\udcff\n.jpg" in str(caught.value)
