"""Which photos are meant, and where their results go."""

import os
from collections.abc import Iterable
from pathlib import Path

import pytest

from humanseg.errors import HumansegError
from humanseg.inference.sources import collect


@pytest.fixture(autouse=True)
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of empty files: nothing is read here."""
    monkeypatch.chdir(tmp_path)
    names = ["10.jpg", "2.JPG", "a/1.png", "a/b/1.webp", "letter.txt", ".hidden.jpg", ".t/3.jpg"]
    for name in names:
        path = tmp_path / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path / "photos"


def places(*words: str, listed: Iterable[str] = (), out: str = "out") -> list[tuple[str, str]]:
    found = collect(words, listed, Path(out))
    return [(each.path.as_posix(), each.place.as_posix()) for each in found]


def test_a_folder_is_searched_to_the_bottom_and_keeps_its_structure() -> None:
    assert places("photos") == [
        ("photos/2.JPG", "2"),
        ("photos/10.jpg", "10"),
        ("photos/a/1.png", "a/1"),
        ("photos/a/b/1.webp", "a/b/1"),
    ]


def test_a_file_goes_by_its_name_whatever_its_suffix() -> None:
    Path("scan.x.dat").touch()
    assert places("photos/a/1.png", "scan.x.dat") == [
        ("photos/a/1.png", "1"),
        ("scan.x.dat", "scan.x"),
    ]


def test_a_pattern_keeps_the_structure_below_its_fixed_part() -> None:
    assert places("photos/**/*.jpg") == [("photos/10.jpg", "10")]
    assert places("photos/*/**/1.*") == [
        ("photos/a/1.png", "a/1"),
        ("photos/a/b/1.webp", "a/b/1"),
    ]


def test_a_file_that_looks_like_a_pattern_is_a_file() -> None:
    Path("[12].jpg").touch()
    Path("1.jpg").touch()
    assert places("[12].jpg") == [("[12].jpg", "[12]")]


def test_a_list_keeps_the_structure_below_the_common_folder() -> None:
    listed = ["photos/a/1.png", "", "photos/a/b/1.webp", "photos/a/gone.jpg"]
    # What is not there fails as a photo does: the rest of the list goes on.
    assert places("-", listed=listed) == [
        ("photos/a/1.png", "1"),
        ("photos/a/b/1.webp", "b/1"),
        ("photos/a/gone.jpg", "gone"),
    ]
    assert places("-", listed=["photos/a/1.png"]) == [("photos/a/1.png", "1")]


def test_each_file_comes_once() -> None:
    named = places("photos", "photos/a/1.png", str(Path("photos/10.jpg").absolute()))
    assert [path for path, _ in named] == [path for path, _ in places("photos")]


def test_results_are_no_photos() -> None:
    Path("photos/out/a").mkdir(parents=True)
    Path("photos/out/a/1_mask.png").touch()
    without = places("photos")
    assert places("photos", out="photos/out") == [
        each for each in without if not each[0].startswith("photos/out")
    ]
    assert places("photos/**/*.png", out="photos/out") == [("photos/a/1.png", "a/1")]


def test_a_loop_of_links_ends(photos: Path) -> None:
    os.symlink(photos, photos / "a" / "loop")
    assert len(places("photos")) == 4


@pytest.mark.parametrize(
    ("words", "out", "message"),
    [
        (["nowhere", "photos", "no*.jpg"], "out", r"There is no nowhere; no\*\.jpg: name photos"),
        (["photos"], "photos", "--out photos is the folder of the photos itself"),
        (["photos"], "photos/a/..", "is the folder of the photos itself"),
        (["photos/a/1.png", "photos/a/b/1.webp"], "out", r"1\.png and photos/a/b/1\.webp"),
        (["-"], "out", "No photos or videos in -"),
    ],
)
def test_what_cannot_work_is_said_before_the_start(
    words: list[str], out: str, message: str
) -> None:
    with pytest.raises(HumansegError, match=message):
        places(*words, out=out)


def test_photos_that_differ_by_suffix_only_are_named() -> None:
    Path("photos/a/1.jpg").touch()
    with pytest.raises(HumansegError, match=r"photos/a/1\.jpg and photos/a/1\.png"):
        places("photos")


def test_a_folder_without_photos_is_named() -> None:
    Path("empty").mkdir()
    Path("empty/letter.txt").touch()
    with pytest.raises(HumansegError, match="No photos or videos in empty: .* jpg"):
        places("empty")


def test_long_lists_of_trouble_are_cut() -> None:
    with pytest.raises(HumansegError, match="; and 15 more"):
        places(*(f"gone{number}" for number in range(25)))
