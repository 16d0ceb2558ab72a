"""Which photos are meant, and where their results go."""

import errno
import glob
import io
import os
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from humanseg.errors import HumansegError
from humanseg.inference.batch.collect import collect, count_kinds
from humanseg.inference.batch.provenance import FileIdentity, Provenance
from humanseg.inference.batch.search import CollectedInputs
from humanseg.io.images import write_image

MADE = Provenance("1", "2", "3", "4", {}, True).text()


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


def find(*words: str, listed: bytes = b"", out: str = "out") -> CollectedInputs:
    spool = Path("spool")
    spool.mkdir(exist_ok=True)
    return collect(words, Path(out), lambda: spool, lambda: listed)


def places(*words: str, listed: Iterable[str] = (), out: str = "out") -> list[tuple[str, str]]:
    found = find(*words, listed="\n".join(listed).encode(), out=out)
    assert not found.failures
    return [(each.path.as_posix(), each.stem.as_posix()) for each in found.inputs]


def test_a_folder_is_searched_to_the_bottom_and_keeps_its_structure() -> None:
    assert places("photos") == [
        ("photos/2.JPG", "2"),
        ("photos/10.jpg", "10"),
        ("photos/a/1.png", "a/1"),
        ("photos/a/b/1.webp", "a/b/1"),
    ]


def test_cameras_call_their_photos_by_other_names_too(photos: Path) -> None:
    for name in ("DSC1.HIF", "a.mpo", "b.jfif"):
        (photos / "c" / name).parent.mkdir(exist_ok=True)
        (photos / "c" / name).touch()
    assert [path for path, _ in places("photos/c")] == [
        "photos/c/DSC1.HIF",
        "photos/c/a.mpo",
        "photos/c/b.jfif",
    ]


def test_what_is_left_out_is_counted_by_kind() -> None:
    for name in ("1.nef", "2.NEF", "3.nef", "Makefile", "a/x.xcf", ".DS_Store"):
        Path("photos", name).touch()
    os.mkfifo("photos/pipe.jpg")
    write_image(Path("photos/a/r.png"), np.zeros((2, 2), np.uint8), MADE)
    found = find("photos")
    assert len(found.inputs) == 4
    assert found.left_out == {
        **{".nef": 3, ".xcf": 1, ".txt": 1, "no suffix": 1},
        **{"hidden": 1, "pipes and devices": 1, "results of humanseg": 1},
    }
    assert count_kinds(found.left_out).startswith(".nef 3, ")
    with pytest.raises(HumansegError, match=r"Left out: \.xcf 2, \.raw 1\."):
        Path("other").mkdir()
        for name in ("a.xcf", "b.xcf", "c.raw"):
            Path("other", name).touch()
        find("other")


def test_what_systems_keep_for_themselves_is_passed_over(photos: Path) -> None:
    names = [
        "@eaDir/10.jpg/SYNOPHOTO_THUMB_XL.jpg",
        "$RECYCLE.BIN/S-1-5/$R1.jpg",
        "a/#recycle/1.png",
    ]
    for name in names:
        (photos / name).parent.mkdir(parents=True)
        (photos / name).touch()
    assert len(places("photos")) == len(places("photos/**/*.*")) - 1 == 4
    assert len(places("photos/@eaDir")) == 1


def test_typescript_is_no_video(photos: Path) -> None:
    (photos / "web").mkdir()
    (photos / "web/app.ts").write_text("export const größe = 1;\n")
    (photos / "web/lib.mts").write_text("export {};\n" * 200)
    (photos / "web/film.ts").write_bytes(b"G@\0\x10\0" + b"\xff" * 183 + b"G" * 188)
    (photos / "web/empty.ts").touch()
    found = find("photos/web")
    assert [each.path.name for each in found.inputs] == ["empty.ts", "film.ts"]
    assert found.left_out == {".ts": 1, ".mts": 1}


def test_photos_that_a_mac_has_not_downloaded_are_counted(photos: Path) -> None:
    (photos / ".IMG_1.HEIC.icloud").touch()
    assert find("photos").left_out["not downloaded from iCloud"] == 1


def test_results_that_were_named_among_photos_are_left_out_but_not_alone() -> None:
    write_image(Path("photos/a/r.png"), np.zeros((2, 2), np.uint8), MADE)
    assert [path for path, _ in places("photos/a/1.png", "photos/a/r.png")] == ["photos/a/1.png"]
    assert places("photos/a/r.png") == [("photos/a/r.png", "r")]


def test_a_folder_that_cannot_be_read_is_a_failure_and_the_rest_is_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = os.scandir

    def scan(path: Path) -> Iterator[os.DirEntry[str]]:
        if str(path).endswith("b"):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", scan)
    for word, count in (("photos", 3), ("photos/**/*.*", 4)):
        found = find(word)
        assert len(found.inputs) == count
        (failure,) = found.failures
    assert failure.reason == "photos/a/b cannot be read: Permission denied. Check its permissions."


def test_linked_folders_are_followed_once(photos: Path) -> None:
    Path("elsewhere/deep").mkdir(parents=True)
    Path("elsewhere/deep/9.jpg").touch()
    (photos / "link").symlink_to(Path("elsewhere").absolute())
    (photos / "again").symlink_to(Path("elsewhere").absolute())
    (Path("elsewhere") / "back").symlink_to(photos)
    Path("outside.jpg").touch()
    (photos / "up").symlink_to(photos.parent)
    (photos / "a-link").symlink_to(photos / "a")
    (photos / "gone").symlink_to("nowhere")
    found = places("photos")
    assert len(found) == 5
    assert ("photos/a/1.png", "a/1") in found
    assert [stem for path, stem in found if path.endswith("9.jpg")] == ["again/deep/9"]


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


@pytest.mark.parametrize(
    "pattern",
    ["photos/**", "photos/**/*.jpg", "photos/*", "photos/*/*.png", "p*s/**/b/*", "**/[12]*.?*"],
)
def test_a_pattern_stands_for_what_it_does_elsewhere(pattern: str) -> None:
    wanted = [name for name in glob.glob(pattern, recursive=True) if Path(name).is_file()]
    assert sorted(path for path, _ in places(pattern)) == sorted(wanted)


def test_a_pattern_reads_each_folder_once_and_counts_folders(photos: Path) -> None:
    os.symlink(photos, photos / "a" / "loop")
    assert [path for path, _ in places("photos/**/1.*")] == ["photos/a/1.png", "photos/a/b/1.webp"]
    assert find("photos/*").left_out == {"folders": 1}


def test_a_file_that_looks_like_a_pattern_is_a_file() -> None:
    Path("[12].jpg").touch()
    Path("1.jpg").touch()
    assert places("[12].jpg") == [("[12].jpg", "[12]")]


def test_a_list_keeps_the_structure_below_the_common_folder() -> None:
    listed = ["photos/a/1.png", "", "photos/a/b/1.webp", "photos/a/gone.jpg"]
    # What is not there fails as a photo does: the rest of the list continues.
    assert places("-", listed=listed) == [
        ("photos/a/1.png", "1"),
        ("photos/a/b/1.webp", "b/1"),
        ("photos/a/gone.jpg", "gone"),
    ]
    assert places("-", listed=["photos/a/1.png"]) == [("photos/a/1.png", "1")]


@pytest.mark.parametrize("listed", [[".", "./photos", "./photos/a"], ["photos/a", "photos"]])
def test_a_list_may_hold_folders(listed: list[str]) -> None:
    assert sorted(path for path, _ in places("-", listed=listed)) == [
        "photos/10.jpg",
        "photos/2.JPG",
        "photos/a/1.png",
        "photos/a/b/1.webp",
    ]


def test_a_list_may_hold_pipes_and_results() -> None:
    os.mkfifo("pipe.jpg")
    Path("out").mkdir()
    Path("out/1_mask.png").touch()
    found = find("-", listed=b"pipe.jpg\nout/1_mask.png\nphotos/a/1.png")
    assert [each.path for each in found.inputs] == [Path("photos/a/1.png")]
    assert [each.path for each in found.failures] == [Path("pipe.jpg")]
    assert found.left_out == {"results of humanseg": 1}


def test_a_pipe_that_is_named_is_read_once() -> None:
    os.mkfifo("pipe")
    buffer = io.BytesIO()
    Image.new("RGB", (5, 4)).save(buffer, "PNG")
    writer = threading.Thread(target=Path("pipe").write_bytes, args=(buffer.getvalue(),))
    writer.start()
    (source,) = find("pipe").inputs
    writer.join()
    assert source.path.read_bytes() == buffer.getvalue()
    assert (source.path.suffix, source.stem, source.stream) == (".png", Path("pipe"), "pipe")
    failure = source.failure(HumansegError(f"{source.path} is broken."))
    assert failure.reason == "pipe is broken."


@pytest.mark.skipif(not os.path.isdir("/dev/shm"), reason="this system has no disk in memory")
def test_photos_on_a_disk_in_memory_are_files() -> None:
    with TemporaryDirectory(dir="/dev/shm") as folder:
        names = [f"{folder}/1.jpg", f"{folder}/2.jpg"]
        for name in names:
            Path(name).touch()
        assert places(*names) == [(names[0], "1"), (names[1], "2")]


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


@pytest.mark.parametrize("out", [".", ".."])
def test_results_may_go_to_a_folder_around_the_photos(out: str) -> None:
    write_image(Path("photos/a/r.png"), np.zeros((2, 2), np.uint8), MADE)
    assert places("photos", out=out) == places("photos")
    assert places("photos/**/*.*", out=out) == places("photos/**/*.*")
    listed = ["photos/a/1.png", "photos/10.jpg"]
    assert places("-", listed=listed, out=out) == places("-", listed=listed)
    assert places("-", listed=["photos/a"], out=out) == places("-", listed=["photos/a"])
    assert find("photos", out=out).left_out["results of humanseg"] == 1


def test_a_folder_of_results_in_a_list_is_left_out() -> None:
    Path("out").mkdir()
    Path("out/1_mask.png").touch()
    found = find("-", listed=b"out\nphotos/a")
    assert [each.path.name for each in found.inputs] == ["1.png", "1.webp"]
    assert found.left_out == {"results of humanseg": 1}


def test_a_pattern_passes_over_pipes() -> None:
    os.mkfifo("photos/pipe.jpg")
    found = find("photos/*.jpg")
    assert [each.path for each in found.inputs] == [Path("photos/10.jpg")]
    assert found.left_out == {"pipes and devices": 1}


def test_a_drive_that_numbers_no_files_is_searched_too(
    photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.symlink(photos, photos / "a" / "loop")
    stat = os.stat

    def without_number(path: Any, **options: Any) -> SimpleNamespace:
        values = stat(path, **options)
        names = (name for name in dir(values) if name.startswith("st_"))
        return SimpleNamespace(**{name: getattr(values, name) for name in names} | {"st_ino": 0})

    monkeypatch.setattr(os, "stat", without_number)
    assert len(places("photos")) == len(places("photos/**/*.*")) - 1 == 4
    first, other = (photos / name for name in ("10.jpg", "2.JPG"))
    assert FileIdentity(first).is_file(first) and not FileIdentity(first).is_file(other)


def test_a_loop_of_links_ends(photos: Path) -> None:
    os.symlink(photos, photos / "a" / "loop")
    assert len(places("photos")) == 4


@pytest.mark.parametrize(
    ("words", "out", "message"),
    [
        (["nowhere", "photos", "no*.jpg"], "out", r"There is no nowhere; no\*\.jpg: name photos"),
        (["photos"], "photos", "--out photos is the folder of the photos itself"),
        (["photos"], "photos/a/..", "is the folder of the photos itself"),
        (["-"], "out", "Standard input is empty"),
        (['C:\\My Photos" -o cut'], "out", "On Windows, leave out the"),
    ],
)
def test_what_cannot_work_is_said_before_the_start(
    words: list[str], out: str, message: str
) -> None:
    with pytest.raises(HumansegError, match=message):
        places(*words, out=out)


def test_files_that_differ_by_suffix_only_are_named_by_the_whole_file() -> None:
    for name in ("a/1.jpg", "a/c.mov", "a/c.mp4", "a/d.jpg", "a/d.mov"):
        Path("photos", name).touch()
    assert places("photos/a") == [
        ("photos/a/1.jpg", "1.jpg"),
        ("photos/a/1.png", "1.png"),
        ("photos/a/b/1.webp", "b/1"),
        ("photos/a/c.mov", "c.mov"),
        ("photos/a/c.mp4", "c.mp4"),
        ("photos/a/d.jpg", "d"),
        ("photos/a/d.mov", "d"),
    ]
    assert ("photos/a/1.png", "a/1.png") in places("photos")


def test_files_of_one_name_that_are_named_one_by_one_keep_their_folders() -> None:
    assert places("photos/a/1.png", "photos/a/b/1.webp", "photos/10.jpg") == [
        ("photos/a/1.png", "1"),
        ("photos/a/b/1.webp", "b/1"),
        ("photos/10.jpg", "10"),
    ]
    assert places("photos/a", "photos/a/b", "photos/a/../2.JPG") == [
        ("photos/a/1.png", "1"),
        ("photos/a/b/1.webp", "b/1"),
        ("photos/a/../2.JPG", "2"),
    ]


def test_a_place_that_was_given_to_a_twin_is_nobody_elses() -> None:
    for name in ("1.jpg", "1.png.webp", "1.png.webp.gif"):
        Path("photos/a", name).touch()
    assert sorted(stem for _, stem in places("photos/a")) == [
        "1.jpg",
        "1.png",
        "1.png.webp",
        "1.png.webp.gif",
        "b/1",
    ]


def test_folders_of_one_name_below_others_are_kept_apart() -> None:
    for name in ("x/a/1.jpg", "y/a/1.jpg", "z/a/1.jpg", "x/a/2.jpg"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).touch()
    assert places("x/a/1.jpg", "y", "z/a") == [
        ("x/a/1.jpg", "x/a/1"),
        ("y/a/1.jpg", "a/1"),
        ("z/a/1.jpg", "z/a/1"),
    ]


def test_what_has_no_place_of_its_own_is_named_and_the_rest_is_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # As on two drives of Windows.
    monkeypatch.setattr("humanseg.inference.batch.input_files.common_folder", lambda _: None)
    found = find("photos/a/1.png", "photos/a/b/1.webp", "photos/10.jpg")
    assert [each.stem.as_posix() for each in found.inputs] == ["1", "10"]
    (failure,) = found.failures
    assert failure.path == Path("photos/a/b/1.webp") and "would overwrite" in failure.reason


@pytest.mark.parametrize("ignores_case", [False, True])
def test_names_that_differ_in_capitals_are_kept_apart_where_the_disk_does_not(
    ignores_case: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    exists = Path.exists
    if ignores_case:
        # As on a Mac: the name in capitals is that of the file.
        monkeypatch.setattr(
            Path, "exists", lambda path: exists(path) or exists(path.with_name(path.name.lower()))
        )
    for name in ("1.jpg", "1.JPG"):
        Path(name).touch()
    assert len(find("1.jpg", "1.JPG").failures) == ignores_case
    Path("photos/a/X.jpg").touch()
    Path("photos/a/x.png").touch()
    Path("photos/a/X.png").touch()
    collected = find("photos/a")
    stems = {source.path.name: source.stem.name for source in collected.inputs}
    if ignores_case:
        assert stems == {"1.png": "1", "1.webp": "1", "X.jpg": "X.jpg", "X.png": "X.png"}
        (failure,) = collected.failures
        assert failure.path.name == "x.png" and failure.code == "inference.same_output"
    else:
        assert not collected.failures and stems["x.png"] == "x"


def test_a_folder_without_photos_is_named() -> None:
    Path("empty").mkdir()
    Path("empty/letter.txt").touch()
    with pytest.raises(HumansegError, match="No photos or videos in empty: .* jpg"):
        places("empty")


def test_long_lists_of_trouble_are_cut() -> None:
    with pytest.raises(HumansegError, match="; and 15 more"):
        places(*(f"gone{number}" for number in range(25)))
