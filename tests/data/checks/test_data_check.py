import os
import shutil
import sys
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from humanseg.data.checks import data_check
from humanseg.data.checks.before_training import find_fatal
from humanseg.data.checks.concerns import BLANK, LEAKED
from humanseg.data.checks.data_check import check_data
from humanseg.data.checks.report import CheckReport
from humanseg.data.layout.folders import has_masks, scan
from humanseg.data.layout.mask_rule import MaskRule
from humanseg.data.small_components import find_small_components
from humanseg.errors import HumansegError
from humanseg.io.names import SPLITS

Put = Callable[[Path, np.ndarray], Path]
Draw = Callable[..., np.ndarray]


def found(report: CheckReport, kind: str) -> list[str]:
    """The ids that a kind names."""
    return [case.id for f in report.findings if f.kind == kind for case in f.cases]


def test_sound_data_has_no_finding(five_folders: Path) -> None:
    report = check_data(five_folders)
    assert report.findings == () and not report.stops_training
    text = report.text()
    assert "nothing is wrong" in text
    assert "60x80" in text and "25% (25% to 25%)" in text
    assert [(s.name, s.photos, s.masks) for s in report.splits] == [
        ("train", 4, 4),
        ("valid", 2, 2),
        ("test", 2, None),
    ]


def test_what_stops_is_what_training_would_refuse(five_folders: Path, put: Put) -> None:
    (five_folders / "train" / "1.jpg").write_bytes(b"")
    (five_folders / "train_mask" / "2.png").unlink()
    put(five_folders / "train" / "3.png", np.zeros((80, 60, 3), np.uint8))
    put(five_folders / "valid_mask" / "5.png", np.zeros((40, 30), np.uint8))
    put(five_folders / "train_mask" / "4.bmp", np.zeros((80, 60), np.uint8))
    (five_folders / "valid_mask" / "6.png").write_text("no mask")
    report = check_data(five_folders)
    scans = [scan(five_folders, split, has_masks(split)) for split in SPLITS]
    stops = {(f.kind, c.id) for f in report.findings if f.level == "stops" for c in f.cases}
    assert stops == {(problem.kind, problem.id) for problem in find_fatal(scans)}
    assert {kind for kind, _ in stops} == {
        "two photos with one stem",
        "two masks with one stem",
        "missing mask",
        "unreadable photo",
        "unusable mask",
        "sizes differ",
    }
    assert report.stops_training
    assert "6 problems stop a training" in report.text()
    for kind, _ in stops:
        assert kind in report.text()
    report.write_html(five_folders / "report.html")


def test_masks_that_are_empty_full_speckled_or_grey(five_folders: Path, put: Put) -> None:
    masks = five_folders / "train_mask"
    put(masks / "1.png", np.zeros((80, 60), np.uint8))
    put(masks / "2.png", np.full((80, 60), 255, np.uint8))
    speckled = np.asarray(Image.open(masks / "3.png")).copy()
    speckled[2:4, 2:4] = 255
    speckled[40, 30] = 0
    put(masks / "3.png", speckled)
    soft = np.asarray(Image.open(masks / "4.png")).copy()
    soft[20, 15:45] = 120
    put(masks / "4.png", soft)
    report = check_data(five_folders)
    assert found(report, data_check.EMPTY) == ["1"]
    assert found(report, data_check.FULL) == ["2"]
    assert found(report, data_check.SMALL) == ["3"]
    assert found(report, data_check.GREY) == ["4"]
    assert not report.stops_training
    assert "A training can start; 2 warnings" in report.text()


def test_splits_whose_masks_are_all_blank(five_folders: Path, put: Put) -> None:
    for path in (five_folders / "train_mask").iterdir():
        put(path, np.zeros((80, 60), np.uint8))
    report = check_data(five_folders)
    (case,) = (case for f in report.findings if f.kind == BLANK for case in f.cases)
    assert (case.split, case.id) == ("train", "")
    assert len(found(report, data_check.EMPTY)) == 4 and not report.stops_training


def test_small_components_are_dots_and_holes_but_not_a_small_person() -> None:
    mask = np.zeros((100, 100), np.uint8)
    mask[10:14, 10:14] = 1
    assert find_small_components(mask)[0] == 0, "the only part"
    mask[30:80, 30:80] = 1
    mask[50:52, 50:52] = 0
    count, where = find_small_components(mask)
    assert count == 2 and where.sum() == 16 + 4
    mask[90:97, 90:97] = 1
    assert find_small_components(mask)[0] == 3, "49 pixels"
    mask[97, 90] = 1
    assert find_small_components(mask)[0] == 2, "50 pixels"


def test_leaks_and_repeats(five_folders: Path, put: Put, photo_of: Draw) -> None:
    shutil.copy(five_folders / "test" / "7.jpg", five_folders / "test" / "70.jpg")
    Image.open(five_folders / "train" / "3.jpg").save(five_folders / "valid" / "6.jpg", quality=40)
    report = check_data(five_folders)
    assert found(report, LEAKED) == ["6"]
    assert found(report, data_check.REPEATED) == ["70"]
    assert "train/3.jpg = valid/6.jpg (re-encoded" in report.text()
    assert "test/7.jpg = test/70.jpg (identical)" in report.text()
    assert not report.stops_training


def test_unusual_photo_files(five_folders: Path, photo_of: Draw) -> None:
    test = five_folders / "test"
    photo = Image.fromarray(photo_of(30))
    photo.convert("CMYK").save(test / "cmyk.jpg")
    Image.fromarray(photo_of(31)).quantize(16).save(test / "palette.png")
    Image.fromarray(photo_of(32)).convert("RGBA").save(test / "alpha.png")
    deep = photo_of(33)[..., 0].astype(np.uint16) * 257
    Image.fromarray(deep).save(test / "deep.png")
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(photo_of(34)).save(test / "turned.jpg", exif=exif)
    exif_of_tiff = {274: 8}
    Image.fromarray(photo_of(35)).save(test / "turned too.tif", tiffinfo=exif_of_tiff)
    frames = [Image.fromarray(photo_of(number)) for number in (36, 37)]
    frames[0].save(test / "moving.webp", save_all=True, append_images=frames[1:])
    frames[0].transpose(Image.Transpose.ROTATE_90).save(test / "short.jpg")
    (test / "short.jpg").write_bytes((test / "short.jpg").read_bytes()[:-2])
    report = check_data(five_folders)
    said = {c.id: c.message for f in report.findings if f.kind == data_check.ODD for c in f.cases}
    words = {
        "cmyk": "CMYK",
        "palette": "palette",
        "alpha": "with transparency",
        "deep": "16-bit",
        "turned": "turned by EXIF",
        "turned too": "turned by EXIF",
        "moving": "animated",
        "short": "cut off at its end",
    }
    assert said.keys() == words.keys()
    assert all(words[id] in said[id] for id in words)
    test_summary = report.splits[-1]
    assert test_summary.sizes == {(80, 60): 7, (60, 80): 3}, "sizes as a person sees them"


def test_a_mask_without_a_photo_is_a_warning(five_folders: Path, put: Put) -> None:
    put(five_folders / "valid_mask" / "99.png", np.zeros((5, 5), np.uint8))
    report = check_data(five_folders)
    assert found(report, "mask without a photo") == ["99"] and not report.stops_training


def test_folders_without_masks_are_still_looked_at(
    tmp_path: Path, put: Put, photo_of: Draw
) -> None:
    put(tmp_path / "train" / "a.png", photo_of(1))
    put(tmp_path / "train" / "b.png", photo_of(1))
    report = check_data(tmp_path)
    assert report.stops_training
    assert found(report, data_check.REPEATED) == ["b"]
    assert [split.name for split in report.splits] == ["train"]


def test_no_such_folder(tmp_path: Path) -> None:
    with pytest.raises(HumansegError, match="does not exist"):
        check_data(tmp_path / "nowhere")


def test_progress_is_told(five_folders: Path) -> None:
    told: list[tuple[int, int]] = []
    check_data(five_folders, lambda done, total: told.append((done, total)))
    assert told == [(done, 8) for done in range(1, 9)]


class Page(HTMLParser):
    """The images and the attributes that a page holds."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.sources: list[str] = []
        self.attributes: set[str] = set()
        self.links: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.attributes |= set(values)
        if tag == "img":
            self.sources.append(values["src"])
        if "href" in values:
            self.links.append(values["href"])


def test_the_page_stands_alone_and_escapes_names(five_folders: Path, tmp_path: Path) -> None:
    evil = "<img src=x onerror=alert(1)>"
    shutil.copy(five_folders / "test" / "7.jpg", five_folders / "test" / f"{evil}.jpg")
    (five_folders / "train" / "1.jpg").write_bytes(b"")
    page = tmp_path / "out" / "report.html"
    check_data(five_folders).write_html(page)
    assert os.listdir(page.parent) == ["report.html"]
    html = page.read_text(encoding="utf-8")
    parsed = Page(html)
    assert "onerror" not in parsed.attributes
    assert "&lt;img src=x onerror=alert(1)&gt;" in html
    assert len(parsed.sources) == 3, "the two copies, and the mask of the broken photo"
    assert all(source.startswith("data:image/") for source in parsed.sources)
    assert all(link.startswith(("#", "data:")) for link in parsed.links)
    assert "cannot be read" in html
    assert "1 problem stops a training" in html


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux keeps names that are not UTF-8")
def test_names_that_are_not_utf8_can_be_printed(five_folders: Path, tmp_path: Path) -> None:
    test = five_folders / "test"
    shutil.copy(test / "7.jpg", test / os.fsdecode(b"\xff[red]\x1b[31m.jpg"))
    report = check_data(five_folders)
    text = report.text()
    text.encode()
    assert "\x1b" not in text and "[red]" in text
    report.write_html(tmp_path / "report.html")


def test_many_cases_are_counted_not_listed(five_folders: Path, put: Put, photo_of: Draw) -> None:
    for number in range(100, 140):
        put(five_folders / "train" / f"{number}.jpg", photo_of(number))
    report = check_data(five_folders)
    assert len(found(report, "missing mask")) == 40
    text = report.text()
    assert "and 20 more" in text and "40 problems stop" in text
    report.write_html(five_folders / "report.html")
    html = (five_folders / "report.html").read_text(encoding="utf-8")
    assert html.count("<article") == 24 and "16 more" in html


def test_no_test_photos_and_other_names_of_masks_are_notes(five_folders: Path) -> None:
    shutil.rmtree(five_folders / "test")
    for mask in (five_folders / "train_mask").iterdir():
        mask.rename(mask.with_name(f"{mask.stem}_mask.png"))
    report = check_data(five_folders)
    assert {f.kind: f.level for f in report.findings} == {
        "no test photos": "note",
        "masks of other names": "note",
    }
    assert "A training can start" in report.verdict() and "notes" in report.verdict()
    assert report.splits[0].foreground == (0.25,) * 4


def test_skipped_files_are_a_warning(five_folders: Path, put: Put) -> None:
    put(five_folders / "train" / "more" / "9.jpg", np.zeros((80, 60, 3), np.uint8))
    (finding,) = check_data(five_folders).findings
    assert (finding.kind, finding.level) == ("skipped files", "warning")
    assert "more: 1 photo" in finding.cases[0].message


@pytest.mark.parametrize("ids", [(1, 2), (1, 2, 3, 4)])
def test_inverted_masks_are_a_warning(five_folders: Path, put: Put, ids: tuple[int, ...]) -> None:
    inverted = np.full((80, 60), 255, np.uint8)
    inverted[20:60, 15:45] = 0
    for id in ids:
        put(five_folders / "train_mask" / f"{id}.png", inverted)
    (finding,) = check_data(five_folders).findings
    assert (finding.kind, finding.level) == ("inverted mask", "warning")
    # Where most are, it is one thing to put right.
    assert [case.id for case in finding.cases] == ([""] if len(ids) > 3 else ["1", "2"])


def test_photos_that_would_be_squeezed_are_a_warning(
    five_folders: Path, photo_of: Draw, put: Put
) -> None:
    put(five_folders / "train" / "1.jpg", photo_of(1, (60, 80)))
    put(five_folders / "train_mask" / "1.png", np.pad(np.full((20, 40), 255, np.uint8), 20))
    (finding,) = check_data(five_folders).findings
    assert (finding.kind, finding.level) == ("photos of several shapes", "warning")
    assert "1 of 4 train photos" in finding.cases[0].message
    assert "1.8 times" in finding.cases[0].message


def test_photos_of_many_pixels_are_a_warning(five_folders: Path, photo_of: Draw, put: Put) -> None:
    mask = np.zeros((1600, 1200), np.uint8)
    mask[400:1600, 300:900] = 255
    for id in (1, 2, 3, 4):
        put(five_folders / "train" / f"{id}.jpg", photo_of(id, mask.shape))
        put(five_folders / "train_mask" / f"{id}.png", mask)
    (finding,) = check_data(five_folders).findings
    assert (finding.kind, finding.level) == ("large photos", "warning")
    assert "data.train_size=640" in finding.cases[0].message


def test_masks_of_classes_are_shown_as_they_are_read(five_folders: Path, tmp_path: Path) -> None:
    for folder in ("train_mask", "valid_mask"):
        for path in (five_folders / folder).iterdir():
            mask = np.asarray(Image.open(path)) // 255
            mask[0, 0] = 2 * (path.name == "1.png")
            Image.fromarray(mask).save(path)
    page = tmp_path / "report.html"
    check_data(five_folders, rule=MaskRule((1, 2))).write_html(page)
    assert len(Page(page.read_text(encoding="utf-8")).sources) == 2, "a photo, and its mask"
