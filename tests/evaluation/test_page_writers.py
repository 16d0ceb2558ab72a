"""Both page writers."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from humanseg.errors import HumansegError
from humanseg.evaluation.page_writers import TestPageWriter, ValidPageWriter
from humanseg.evaluation.predict import Prediction
from humanseg.io.images import read_mask, read_photo
from humanseg.metrics.scores import dice
from humanseg.pages.pictures import ADDED, MISSED

HEIGHT, WIDTH = 24, 16
LONG = "long" * 60
VALID = ["1", "2", "10"]
TEST = ["<img src=x onerror=alert(1)>", "a b%#?", LONG]


def predicted(id: str, with_truth: bool) -> Prediction:
    """Predict the left half of a photo; id 10 is right, 2 is wrong all over, 1 is half right."""
    photo = np.full((HEIGHT, WIDTH, 3), 200, np.uint8)
    probability = np.zeros((HEIGHT, WIDTH), np.float32)
    probability[:, : WIDTH // 2] = 0.6
    truth = np.zeros((HEIGHT, WIDTH), np.uint8)
    start = {"10": 0, "1": 4, "2": 8}.get(id, 0)
    truth[:, start : start + WIDTH // 2] = 1
    return Prediction(id, photo, probability, truth if with_truth else None)


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image)


def predict(
    root: Path,
    threshold: float = 0.5,
    valid: list[str] = VALID,
    test: list[str] = TEST,
    bad: str | None = None,
) -> None:
    """Write both pages; fail on `bad`."""
    with (
        ValidPageWriter(root, threshold, "valid") as valid_page,
        TestPageWriter(root, threshold, "test") as page,
    ):
        for id in valid:
            valid_page.add(predicted(id, with_truth=True))
        for id in test:
            if id == bad:
                raise HumansegError("no more photos")
            page.add(predicted(id, with_truth=False))


def test_each_photo_gets_its_pictures(tmp_path: Path) -> None:
    predict(tmp_path)
    assert sorted(os.listdir(tmp_path)) == ["test", "test.html", "valid", "valid.html"]
    for id in TEST[:2]:
        stem = str(tmp_path / "test" / id)
        assert read_photo(Path(f"{stem}_img.jpg")).shape == (HEIGHT, WIDTH, 3)
        mask = read_mask(Path(f"{stem}_pred_mask.png"))
        assert (mask == (predicted(id, False).probability > 0.5)).all()
        with_alpha = pixels(Path(f"{stem}_crop.png"))
        assert (with_alpha[..., 3] == mask * 255).all()
        assert (with_alpha[mask == 1][:, :3] == 200).all()
    assert set(np.unique(pixels(tmp_path / "test" / f"{TEST[1]}_pred_mask.png"))) == {0, 255}
    assert len(os.listdir(tmp_path / "test")) == 9
    assert len(os.listdir(tmp_path / "valid")) == 12
    page = (tmp_path / "test.html").read_text()
    assert page.index("&lt;img") < page.index("a b%#?") < page.index(LONG)


def test_error_gallery_has_the_task_scores_worst_first(tmp_path: Path) -> None:
    predict(tmp_path)
    page = (tmp_path / "valid.html").read_text()
    places = [page.index(f'data-id="{id}"') for id in ("2", "1", "10")]
    assert places == sorted(places)
    one = predicted("1", True)
    assert one.truth is not None
    assert f"{dice(one.mask(0.5), one.truth):.4f}" == "0.5000"
    assert page.count('data-dice="0.5"') == 1
    assert (read_mask(tmp_path / "valid" / "1_true_mask.png") == one.truth).all()
    assert (read_mask(tmp_path / "valid" / "1_pred_mask.png") == one.mask(0.5)).all()
    errors = pixels(tmp_path / "valid" / "1_errors.png").reshape(-1, 3).astype(int)
    for colour in (MISSED, ADDED):
        near = np.abs(errors - np.array(colour)).max(axis=1) < 30
        assert near.sum() == HEIGHT * 4


def test_the_threshold_decides_and_is_shown(tmp_path: Path) -> None:
    predict(tmp_path, threshold=0.7)
    assert not pixels(tmp_path / "test" / f"{TEST[1]}_pred_mask.png").any()
    for name in ("test.html", "valid.html"):
        assert "<dt>Threshold</dt><dd>0.7</dd>" in (tmp_path / name).read_text()


def test_a_person_that_is_missed_still_has_its_share(tmp_path: Path) -> None:
    predict(tmp_path, threshold=0.7)
    page = (tmp_path / "valid.html").read_text()
    assert page.count('data-foreground="0.5"') == len(VALID)
    assert page.count('data-predicted_foreground="0.0"') == len(VALID)
    assert 'data-foreground="' not in (tmp_path / "test.html").read_text()


def test_pictures_of_an_earlier_run_do_not_stay(tmp_path: Path) -> None:
    predict(tmp_path)
    predict(tmp_path, valid=["1"], test=["x"])
    assert sorted(os.listdir(tmp_path / "test")) == ["x_crop.png", "x_img.jpg", "x_pred_mask.png"]
    ends = ("errors.png", "img.jpg", "pred_mask.png", "true_mask.png")
    assert sorted(os.listdir(tmp_path / "valid")) == [f"1_{end}" for end in ends]


def test_a_failure_leaves_the_earlier_pages_whole(tmp_path: Path) -> None:
    predict(tmp_path)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    with pytest.raises(HumansegError):
        predict(tmp_path, test=["x", "y", "z"], bad="z")
    after = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    del before[tmp_path / "test"], after[tmp_path / "test"]
    assert after == before
    assert "onerror" in (tmp_path / "test.html").read_text()


def test_pictures_are_written_as_they_come(tmp_path: Path) -> None:
    writer = TestPageWriter(tmp_path, 0.5, "test")
    writer.start()
    writer.add(predicted("x", with_truth=False))
    assert len([path for path in tmp_path.rglob("x_*") if path.is_file()]) == 3
    assert not (tmp_path / "test").exists() and not (tmp_path / "test.html").exists()


def test_a_valid_photo_without_its_mask_is_an_error(tmp_path: Path) -> None:
    writer = ValidPageWriter(tmp_path, 0.5, "valid")
    with pytest.raises(ValueError, match="'x'"), writer:
        writer.add(predicted("x", with_truth=False))
    assert not list(tmp_path.iterdir())
