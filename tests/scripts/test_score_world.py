"""The synthetic-shift benchmark: always the same, with masks that fit."""

import runpy
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from humanseg.data.labelled_photo import LabelledPhoto
from humanseg.runs import RunFolder, open_run, read_summary

SCRIPT = Path(__file__).parents[2] / "scripts" / "score_world.py"
world = SimpleNamespace(**runpy.run_path(str(SCRIPT)))
SHIFTS = list(world.SHIFTS)


@pytest.fixture(scope="module")
def photos(sample_root: Path) -> tuple[list[str], list[LabelledPhoto]]:
    ids, pictures = world.valid_pictures(None, sample_root)
    return ids, pictures


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, compose: Callable) -> RunFolder:
    from humanseg.training.train import train

    folder = tmp_path_factory.mktemp("world") / "run"
    train(compose(f"run_dir={folder}"))
    return open_run(folder)


@pytest.mark.parametrize("name", SHIFTS)
def test_a_shift_is_always_the_same_and_has_a_mask_that_fits(
    name: str, photos: tuple[list[str], list[LabelledPhoto]]
) -> None:
    ids, pictures = photos
    first, again = (list(world.shifted(name, ids, pictures)) for _ in range(2))
    assert len(first) == len(pictures)
    for scene, same, picture in zip(first, again, pictures, strict=True):
        np.testing.assert_array_equal(scene.photo, same.photo)
        np.testing.assert_array_equal(scene.mask, same.mask)
        assert scene.photo.shape == (*scene.mask.shape, 3) and scene.photo.dtype == np.uint8
        assert set(np.unique(scene.mask)) <= {0, 1} and scene.mask.any()
        changed = scene.size != picture.size or not np.array_equal(scene.photo, picture.photo)
        assert changed == (name != "plain")
        expected = picture.size[::-1] if name == "landscape" else picture.size
        assert scene.size == expected


def test_cameras_leave_the_mask_and_small_figures_are_small(
    photos: tuple[list[str], list[LabelledPhoto]],
) -> None:
    ids, pictures = photos
    for name in ("colour", "blur", "noise", "jpeg"):
        for scene, picture in zip(world.shifted(name, ids, pictures), pictures, strict=True):
            np.testing.assert_array_equal(scene.mask, picture.mask)
    for scene, picture in zip(world.shifted("small", ids, pictures), pictures, strict=True):
        assert scene.mask.sum() < 0.5 * picture.mask.sum()


def test_a_perfect_and_an_empty_prediction(photos: tuple[list[str], list[LabelledPhoto]]) -> None:
    pictures = [*photos[1], *world.shifted("landscape", *photos)]
    masks = {one.photo.tobytes(): one.mask for one in pictures}

    def perfect(batch: np.ndarray) -> np.ndarray:
        return np.stack([masks[photo.tobytes()] for photo in batch]).astype(np.float32)

    assert world.score(perfect, pictures) == pytest.approx(1)
    assert world.score(lambda batch: 0 * perfect(batch), pictures) == 0


def test_plain_photos_score_what_the_run_says(
    run: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "world.csv"
    shifts = ["--shifts", "plain", "small", "landscape"]
    assert world.main([str(run.path), *shifts, "--csv", str(file)]) == 0
    count, header, scores, written = capsys.readouterr().out.splitlines()
    assert written == str(file)
    assert count == "3 photos" and header.split() == ["plain", "small", "landscape", "world"]
    path, plain, small, landscape, mean = scores.split()
    assert path == str(run.path)
    assert float(plain) == pytest.approx(read_summary(run.summary)["dice_at_half"], abs=1e-4)
    assert float(mean) == pytest.approx((float(small) + float(landscape)) / 2, abs=1e-4)
    columns, row = file.read_text(encoding="utf-8").splitlines()
    assert columns == "model,plain,small,landscape"
    assert row.split(",")[0] == run.path.name
    exact = [float(one) for one in row.split(",")[1:]]
    assert exact == pytest.approx([float(plain), float(small), float(landscape)], abs=1e-4)


def test_mediapipe_stands_beside_runs(
    run: RunFolder,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "ai_edge_litert", None)
    assert world.main([str(run.path), "--mediapipe"]) == 2
    assert "pip install ai-edge-litert" in capsys.readouterr().err

    everything = SimpleNamespace(name="all", segment=lambda photo: photo[..., 0] >= 0)
    there = {"mediapipe": lambda cache, threads: iter([everything]), "CACHE": tmp_path}
    monkeypatch.setattr(runpy, "run_path", lambda path: there)
    assert world.main([str(run.path), "--shifts", "plain", "--mediapipe"]) == 0
    *_, row = capsys.readouterr().out.splitlines()
    _, pictures = world.valid_pictures(run.path, None)
    full = np.mean([2 * p.mask.mean() / (1 + p.mask.mean()) for p in pictures])
    name, plain, _ = row.split()
    assert name == "all" and float(plain) == pytest.approx(full, abs=1e-4)


def test_what_is_missing_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert world.main([str(tmp_path / "none")]) == 2
    assert "none" in capsys.readouterr().err
    assert world.main([str(tmp_path / "model.onnx")]) == 2
    assert "--data ROOT" in capsys.readouterr().err
