"""The files of the leaderboard's page; what it does in a browser is tested in tests/browser."""

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from humanseg.cli.compare import _photos
from humanseg.compare.leaderboard import Leaderboard, read_leaderboard
from humanseg.compare.page import page_data, plotly_script, write_leaderboard
from humanseg.compare.page_photos import LONGEST, PhotoFiles, write_photos
from humanseg.compare.ranking import COLUMNS, Group
from humanseg.errors import HumansegError
from humanseg.io.images import read_mask, write_image
from humanseg.io.rle import decode_rle
from humanseg.pages.folder import PageFolder
from humanseg.runs.settings import Shipped

WriteRun = Callable[..., Path]
HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def board(
    write_run: WriteRun,
    compared_root: Path,
    shipped: Shipped,
    tmp_path_factory: pytest.TempPathFactory,
) -> Leaderboard:
    runs = tmp_path_factory.mktemp("runs")
    write_run(runs / "sweep" / HOSTILE, compared_root, moved=1)
    write_run(runs / "second", compared_root, moved=3, noise=1, parts={"loss": "dice"})
    write_run(runs / "second again", compared_root, noise=2, seed=1, parts={"loss": "dice"})
    return read_leaderboard([runs], shipped)


@pytest.fixture(scope="module")
def sources(compared_root: Path) -> dict[str, PhotoFiles]:
    masks = compared_root / "valid_mask"
    return {
        photo.stem: PhotoFiles(photo, masks / f"{photo.stem}.png")
        for photo in (compared_root / "valid").iterdir()
    }


def script(path: Path) -> Any:
    """Return the value that a data file sets."""
    _, value = path.read_text(encoding="utf-8").rstrip(";\n").split(" = ", 1)
    return json.loads(value)


def test_the_page_and_its_files(
    board: Leaderboard, sources: dict[str, PhotoFiles], tmp_path: Path
) -> None:
    seen: list[tuple[int, int]] = []
    page = write_leaderboard(tmp_path, board, lambda group: sources, lambda *at: seen.append(at))
    files = tmp_path / "leaderboard_files"
    assert page == tmp_path / "leaderboard.html"
    assert sorted(path.name for path in tmp_path.iterdir()) == [page.name, files.name]
    assert (files / "plotly.min.js").read_bytes() == plotly_script().read_bytes()
    assert seen == [(1, 3), (2, 3), (3, 3)]
    # Photos stand once, however many runs there are.
    assert len(list((files / "photos" / "0").iterdir())) == 12
    data, (group,) = script(files / "data.js"), board.groups
    assert [run["name"] for run in data["runs"]] == [run.name for run in group.runs]
    for number, run in enumerate(group.runs):
        per_photo = script(files / "runs" / f"{number}.js")
        np.testing.assert_allclose(per_photo["dice"], run.dice, atol=1e-9)
        assert len(per_photo["masks"]) == 12
    photos = script(files / "photos" / "0.js")
    assert photos["note"] == "" and photos["sizes"] == [[64, 48]] * 12
    truth = decode_rle(photos["truth"][2], (64, 48))
    np.testing.assert_array_equal(truth, read_mask(sources["3"].mask).astype(bool))
    # A page from disk needs nothing else: no address is in it, and no name but in data.js.
    html = page.read_text(encoding="utf-8")
    assert "http" not in html and HOSTILE not in html


def test_each_set_of_valid_photos_has_its_own(
    write_run: WriteRun, compared_root: Path, shipped: Shipped, tmp_path: Path
) -> None:
    for train, masks in ((6, "same"), (3, "same"), (6, "other")):
        data = {"train": train, "valid_sha256": masks}
        write_run(tmp_path / "runs" / f"{train} {masks}", compared_root, data=data)
    board = read_leaderboard([tmp_path / "runs"], shipped)
    write_leaderboard(tmp_path, board, lambda group: "They are gone.")
    groups = script(tmp_path / "leaderboard_files" / "data.js")["groups"]
    assert [(group["photos"], len(group["entries"])) for group in groups] == [(0, 2), (1, 1)]
    assert len({group["name"] for group in groups}) == 2
    for number in (0, 1):
        note = script(tmp_path / "leaderboard_files" / "photos" / f"{number}.js")["note"]
        assert "They are gone." in note


def test_numbers_that_are_none_are_null(board: Leaderboard, tmp_path: Path) -> None:
    data = page_data(board, tmp_path)
    json.dumps(data, allow_nan=False)
    # A seed that is unfolded has a row of its own.
    assert all(set(COLUMNS) <= row.keys() for row in (*data["groups"][0]["entries"], *data["runs"]))
    entries = data["groups"][0]["entries"]
    assert [entry["spread"] is None for entry in entries] == [True, False] or [
        entry["spread"] is None for entry in entries
    ] == [False, True]


def test_pages_of_runs_are_linked_where_they_are(
    write_run: WriteRun, compared_root: Path, shipped: Shipped, tmp_path: Path
) -> None:
    run = write_run(tmp_path / "runs" / "100% #1", compared_root)
    (run / "valid.html").write_text("")
    data = page_data(read_leaderboard([tmp_path / "runs"], shipped), tmp_path / "out")
    assert data["runs"][0]["gallery"] == "../runs/100%25%20%231/valid.html"
    assert data["runs"][0]["test"] == ""


def test_a_page_that_cannot_be_written_leaves_the_old_one(
    board: Leaderboard, sources: dict[str, PhotoFiles], tmp_path: Path
) -> None:
    page = write_leaderboard(tmp_path, board, lambda group: sources)
    before = page.stat().st_mtime_ns

    def fail(done: int, total: int) -> None:
        raise HumansegError("full")

    with pytest.raises(HumansegError, match="full"):
        write_leaderboard(tmp_path, board, lambda group: sources, fail)
    assert page.stat().st_mtime_ns == before
    assert len(list(tmp_path.iterdir())) == 2


def written(
    group: Group, data: Mapping[str, PhotoFiles] | str, folder: Path
) -> tuple[dict[str, Any], Path]:
    pages = PageFolder(folder, "page", "files")
    pages.start()
    photos = write_photos(pages, "photos", group, data)
    pages.finish(Path.touch)
    return photos, folder / "files" / "photos"


def test_photos_that_every_browser_shows_are_copied(
    board: Leaderboard, sources: dict[str, PhotoFiles], tmp_path: Path
) -> None:
    photos, folder = written(board.groups[0], sources, tmp_path)
    assert photos["names"][0] == "photos/0.jpg"
    assert (folder / "0.jpg").read_bytes() == sources["1"].photo.read_bytes()


def test_large_and_turned_photos_are_made_small_and_upright(
    write_run: WriteRun, shipped: Shipped, tmp_path: Path
) -> None:
    root, sizes = tmp_path / "data", {"large": (900, 600), "turned": (90, 60)}
    (root / "valid").mkdir(parents=True)
    for id, size in sizes.items():
        pixels = np.zeros((*size, 3), np.uint8)
        pixels[: size[0] // 3] = 255
        write_image(root / "valid_mask" / f"{id}.png", pixels[..., 0])
        write_image(root / "valid" / f"{id}.jpg", pixels)
    exif = Image.Exif()
    exif[0x0112] = 6
    lying = Image.open(root / "valid" / "turned.jpg").transpose(Image.Transpose.ROTATE_90)
    lying.save(root / "valid" / "turned.jpg", exif=exif)
    write_run(tmp_path / "runs" / "run", root)
    (group,) = read_leaderboard([tmp_path / "runs"], shipped).groups
    found = {
        id: PhotoFiles(root / "valid" / f"{id}.jpg", root / "valid_mask" / f"{id}.png")
        for id in sizes
    }
    photos, folder = written(group, found, tmp_path / "page")
    # Masks are drawn at the photo's own size.
    assert photos["sizes"] == [[900, 600], [90, 60]]
    shown = [Image.open(folder / f"{number}.jpg") for number in (0, 1)]
    assert [image.size for image in shown] == [(427, LONGEST), (60, 90)]
    assert shown[1].getexif().get(0x0112, 1) == 1


def test_masks_that_have_changed_since_are_not_shown(
    board: Leaderboard, sources: dict[str, PhotoFiles], tmp_path: Path
) -> None:
    other = tmp_path / "5.png"
    write_image(other, np.tri(64, 48, dtype=np.uint8) * 255)
    changed = sources | {"5": PhotoFiles(sources["5"].photo, other)}
    photos, folder = written(board.groups[0], changed, tmp_path / "page")
    assert "has changed since the runs were made" in photos["note"]
    assert photos["names"] == photos["truth"] == photos["sizes"] == []
    assert not folder.exists()


def test_without_the_data_the_gallery_of_a_run_has_the_photos(
    write_run: WriteRun,
    compared_root: Path,
    shipped: Shipped,
    sources: dict[str, PhotoFiles],
    tmp_path: Path,
) -> None:
    run = write_run(tmp_path / "runs" / "run", compared_root)
    cut = write_run(tmp_path / "runs" / "best", compared_root, changes={"optimizer.lr": 0.1})
    for folder in (run, cut):
        (folder / "valid").mkdir()
        for id, source in sources.items():
            (folder / "valid" / f"{id}_img.jpg").write_bytes(source.photo.read_bytes())
    (cut / "valid" / "7_img.jpg").write_bytes(b"")
    (group,) = read_leaderboard([tmp_path / "runs"], shipped).groups
    photos, folder = written(group, "They are gone.", tmp_path / "page")
    assert photos["note"] == "The true masks are not shown. They are gone."
    assert photos["sizes"] == [[64, 48]] * 12 and photos["truth"] == []
    assert len(list(folder.iterdir())) == 12


def test_without_any_photos_the_page_says_so(board: Leaderboard, tmp_path: Path) -> None:
    photos, folder = written(board.groups[0], "They are gone.", tmp_path)
    assert photos["note"] == "The photos are not shown. They are gone."
    assert photos["names"] == [] and not folder.exists()


def test_masks_are_read_as_the_runs_have_read_them(
    write_run: WriteRun, compared_root: Path, shipped: Shipped, tmp_path: Path
) -> None:
    root = tmp_path / "data"
    shutil.copytree(compared_root, root)
    for mask in (root / "valid_mask").iterdir():
        write_image(mask, (1 - read_mask(mask)) * 255)
    changes = {"data.root": str(root), "data.invert_masks": True}
    write_run(tmp_path / "runs/inverted", compared_root, moved=1, changes=changes)
    (group,) = read_leaderboard([tmp_path / "runs"], shipped).groups
    photos, _ = written(group, _photos(group, None), tmp_path)
    assert photos["note"] == ""
    true = read_mask(compared_root / "valid_mask/3.png").astype(bool)
    np.testing.assert_array_equal(decode_rle(photos["truth"][2], (64, 48)), true)
