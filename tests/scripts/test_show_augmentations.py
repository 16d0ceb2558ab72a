"""The contact sheet: its size, what it shows, and what it says when it cannot."""

import argparse
import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from humanseg.data.layout.folders import list_items
from humanseg.data.synthetic import write_sample
from humanseg.data.transforms.augmentation import Augmentation
from humanseg.io.images import read_photo

SCRIPT = Path(__file__).parents[2] / "scripts" / "show_augmentations.py"
sheet = SimpleNamespace(**runpy.run_path(str(SCRIPT)))


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    write_sample(folder, train=3, valid=1, test=1, size=(64, 48))
    return folder


def test_the_sheet_of_any_data(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    out = tmp_path / "deep" / "sheet.png"
    call = ["augmentation=light", "--data", str(root), "--out", str(out), "--photos", "2"]
    assert sheet.main([*call, "--draws", "3", "seed=5"]) == 0
    assert capsys.readouterr().out.strip() == str(out)
    # 2 rows and 1 + 3 columns of 64 x 48, with 4 pixels between.
    assert read_photo(out).shape == (2 * 64 + 4, 4 * 48 + 3 * 4, 3)
    again = tmp_path / "again.png"
    assert sheet.main([*call[:4], str(again), *call[5:], "--draws", "3", "seed=5"]) == 0
    assert again.read_bytes() == out.read_bytes()
    assert sheet.main([*call[:4], str(again), *call[5:], "--draws", "3", "seed=6"]) == 0
    assert again.read_bytes() != out.read_bytes()


def test_without_data_it_takes_the_sample(tmp_path: Path) -> None:
    out = tmp_path / "sheet.jpg"
    assert sheet.main(["--out", str(out), "--photos", "1", "--draws", "1"]) == 0
    assert read_photo(out).shape == (320, 2 * 240 + 4, 3)


def test_the_first_column_is_the_photo_as_it_is_with_the_outline_on_it(root: Path) -> None:
    (item, *_) = list_items(root, "train", masks=True)
    drawn = sheet.draw_sheet([item], Augmentation([]), 0, 1)
    first, second = drawn[:, :48], drawn[:, 52:]
    np.testing.assert_array_equal(first, second)
    differs = (first != read_photo(item.photo)).any(axis=2)
    assert 0.01 < differs.mean() < 0.5
    assert (first == (255, 230, 0)).all(axis=2).any()


def test_photos_are_taken_from_all_over_the_split() -> None:
    assert sheet.spread(list(range(100)), 3) == [0, 50, 99]
    assert sheet.spread(list(range(2)), 5) == [0, 1]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["augmentation=havy"], "heavy"),
        (["augmentaton=heavy"], "augmentation"),
        (["--data", "/there/is/none"], "/there/is/none"),
        (["--out", "sheet.gif", "--photos", "1", "--draws", "1"], "png"),
        (["augmentation.transforms.0.probability=1"], "probability"),
    ],
)
def test_a_mistake_is_said_in_a_paragraph(
    arguments: list[str],
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert sheet.main(arguments) == 2
    error = capsys.readouterr().err
    assert words in error and "Traceback" not in error
    assert list(tmp_path.iterdir()) == []


def test_counts_are_bounded() -> None:
    for text in ("0", "101"):
        with pytest.raises(argparse.ArgumentTypeError):
            sheet._count(text)
