import os
from pathlib import Path

import numpy as np
import pytest

from humanseg.errors import HumansegError
from humanseg.io.files import write_text
from humanseg.io.images import read_photo
from humanseg.io.temporary_files import boot_id
from humanseg.pages.folder import PageFolder, picture_name

PICTURE = np.zeros((4, 4, 3), np.uint8)
NAMES = ["1", "\"'", "a b", "100%", "#?&", "<b>", "写真", ".hidden", "..", "back\\slash", "x\udcff"]


@pytest.mark.parametrize("id", NAMES)
def test_names_are_the_ids_wherever_they_can_be(id: str, tmp_path: Path) -> None:
    assert picture_name(id, "_img.jpg") == f"{id}_img.jpg"
    folder = PageFolder(tmp_path, "test")
    folder.start()
    assert folder.add(id, "_img.png", PICTURE) == f"test/{id}_img.png"
    folder.finish(lambda path: write_text(path, "page"))
    assert os.listdir(tmp_path / "test") == [f"{id}_img.png"]


def test_names_that_no_disk_takes_are_cut_and_stay_apart(tmp_path: Path) -> None:
    ids = ["a" * 251, "a" * 250 + "b", "ü" * 125, "ü" * 124 + "uu", "a/b", "a_b", "a\0b"]
    names = [picture_name(id, "_pred_mask.png") for id in ids]
    assert len(set(names)) == len(ids)
    assert names[0].startswith("aaa") and all(name.endswith("_pred_mask.png") for name in names)
    folder = PageFolder(tmp_path, "test")
    folder.start()
    for id in ids:
        folder.add(id, "_pred_mask.png", PICTURE)
    folder.finish(lambda path: write_text(path, "page"))
    assert sorted(os.listdir(tmp_path / "test")) == sorted(names)
    assert read_photo(tmp_path / "test" / names[0]).shape == (4, 4, 3)


def test_ids_that_differ_in_capitals_have_pictures_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def exists(path: Path) -> bool:
        # As on a Mac or Windows.
        return path.name.lower() in map(str.lower, os.listdir(path.parent))

    monkeypatch.setattr(Path, "exists", exists)
    folder = PageFolder(tmp_path, "test")
    folder.start()
    names = [folder.add(id, ending, PICTURE) for id in "Aa" for ending in ("_i.jpg", "_m.png")]
    assert names[:2] == ["test/A_i.jpg", "test/A_m.png"]
    assert len({name.lower() for name in names}) == 4


def make(root: Path, *ids: str) -> None:
    folder = PageFolder(root, "test")
    folder.start()
    for id in ids:
        folder.add(id, ".png", PICTURE)
    folder.finish(lambda path: write_text(path, " ".join(ids)))


def content(root: Path) -> tuple[str, list[str], list[str]]:
    pictures = sorted(path.name for path in (root / "test").iterdir())
    return (root / "test.html").read_text(), pictures, sorted(os.listdir(root))


def test_a_new_page_leaves_nothing_of_the_old_one(tmp_path: Path) -> None:
    make(tmp_path, "1", "2")
    make(tmp_path, "2", "3")
    assert content(tmp_path) == ("2 3", ["2.png", "3.png"], ["test", "test.html"])


def test_a_page_that_was_not_finished_changes_nothing(tmp_path: Path) -> None:
    make(tmp_path, "1")
    folder = PageFolder(tmp_path, "test")
    folder.start()
    folder.add("2", ".png", PICTURE)
    page, pictures, _ = content(tmp_path)
    assert (page, pictures) == ("1", ["1.png"])
    folder.close()
    assert content(tmp_path) == ("1", ["1.png"], ["test", "test.html"])


def test_what_a_killed_run_left_beside_a_page_is_removed(tmp_path: Path) -> None:
    leftovers = [tmp_path / f".humanseg-{boot_id()}-{digit * 12}.partial" for digit in "01"]
    leftovers[0].mkdir()
    leftovers[1].touch()
    make(tmp_path, "3")
    assert content(tmp_path) == ("3", ["3.png"], ["test", "test.html"])


def test_a_page_that_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    make(tmp_path, "1")
    folder = PageFolder(tmp_path, "test")
    folder.start()

    def fail(path: Path) -> None:
        raise HumansegError("full")

    with pytest.raises(HumansegError):
        folder.finish(fail)
    folder.close()
    assert content(tmp_path) == ("1", ["1.png"], ["test", "test.html"])


def test_no_page_stands_beside_pictures_of_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path, "1")
    states = []
    replace = Path.replace

    def watched(self: Path, target: Path) -> Path:
        result = replace(self, target)
        if target.is_dir():
            states.append((tmp_path / "test.html").exists())
        return result

    monkeypatch.setattr(Path, "replace", watched)
    make(tmp_path, "2")
    assert states == [False, False]


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(HumansegError, match="file"):
        PageFolder(tmp_path / "file" / "run", "test").start()
