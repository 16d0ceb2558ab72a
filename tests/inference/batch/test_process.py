"""Many photos: what fails alone, what stops all, and what stays bounded."""

import errno
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from humanseg.errors import HumansegError
from humanseg.inference import Model
from humanseg.inference.batch import process as process
from humanseg.inference.batch.input_files import InputFile
from humanseg.inference.batch.plan import InputStatus, OutputOptions
from humanseg.inference.batch.process import predict_photos
from humanseg.io import images
from humanseg.io.files import explain_os_error
from humanseg.io.images import read_photo, write_image
from tests.inference.batch.conftest import batch_of, failures, photo


@pytest.mark.parametrize("workers", [1, 4])
def test_each_photo_gets_its_own_mask(
    model: Model, sources: list[InputFile], tmp_path: Path, workers: int
) -> None:
    results = list(predict_photos(batch_of(model, tmp_path / "out"), sources, workers))
    assert [(each.made, each.failure) for each in results] == [(1, None)] * 12
    for number in range(12):
        mask = read_photo(tmp_path / "out" / f"{number}_mask.png")[..., 0]
        np.testing.assert_array_equal(mask > 0, photo((20 + number, 30))[..., 0] > 127)


def test_a_photo_that_cannot_be_used_stops_no_other(
    model: Model, sources: list[InputFile], tmp_path: Path
) -> None:
    (tmp_path / "in/3.png").write_text("no photo")
    (tmp_path / "in/5.png").unlink()
    whole = (tmp_path / "in/7.png").read_bytes()
    (tmp_path / "in/7.png").write_bytes(whole[: len(whole) - 30])
    results = list(predict_photos(batch_of(model, tmp_path / "out"), sources, 3))
    assert {failure.path.name: failure.code for failure in failures(results)} == {
        "3.png": "io.not_an_image",
        "5.png": "io.missing_file",
        "7.png": "io.broken_image",
    }
    assert all(failure.path.name in failure.reason for failure in failures(results))
    statuses = Counter(outcome.status for outcome in results)
    assert statuses == {InputStatus.MADE: 9, InputStatus.FAILED: 3}
    again = predict_photos(batch_of(model, tmp_path / "out"), sources, 3)
    assert Counter(outcome.status for outcome in again)[InputStatus.UNCHANGED] == 9
    assert len(list((tmp_path / "out").iterdir())) == 9


def test_memory_that_does_not_suffice_is_that_photos_trouble(
    model: Model, sources: list[InputFile], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(path: Path) -> images.LoadedPhoto:
        if path.stem == "3":
            raise MemoryError
        return images.load_photo(path)

    monkeypatch.setattr(process, "load_photo", read)
    results = list(predict_photos(batch_of(model, tmp_path / "out"), sources, 2))
    path = tmp_path / "in/3.png"
    (failure,) = failures(results)
    assert (failure.path, failure.code) == (path, "inference.memory")


def test_a_folder_that_cannot_be_written_stops_all(
    model: Model, sources: list[InputFile], tmp_path: Path
) -> None:
    (tmp_path / "out").write_text("a file")
    seen: list[Any] = []
    with pytest.raises(HumansegError, match="Cannot write"):
        for result in predict_photos(batch_of(model, tmp_path / "out"), sources, 2):
            seen.append(result)
    assert len(seen) < len(sources)


def test_a_fault_of_the_program_is_one_photos_trouble_and_shown_on_request(
    model: Model, sources: list[InputFile], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "write_image", lambda *_, **__: 1 / 0)
    results = list(predict_photos(batch_of(model, tmp_path / "out"), sources, 2))
    assert len(failures(results)) == 12
    assert all("ZeroDivisionError" in each.reason for each in failures(results))
    monkeypatch.setenv("HUMANSEG_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        list(predict_photos(batch_of(model, tmp_path / "out"), sources, 2))


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS])
def test_a_full_or_read_only_disk_stops_all(
    model: Model,
    sources: list[InputFile],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    number: int,
) -> None:
    def write(*_: Any, **__: Any) -> None:
        raise explain_os_error(OSError(number, "x"), tmp_path) from OSError(number, "x")

    monkeypatch.setattr(process, "write_image", write)
    with pytest.raises(HumansegError, match="Cannot write .*disk"):
        list(predict_photos(batch_of(model, tmp_path / "out"), sources, 2))


def test_results_that_cannot_be_written_stop_no_other(model: Model, tmp_path: Path) -> None:
    for name in ("a.png", "sub/b.png", f"{'ü' * 125}.png"):
        write_image(tmp_path / "in" / name, photo())
    out = tmp_path / "out"
    out.mkdir()
    (out / "sub").write_text("a file where a folder belongs")
    names = ["a.png", "sub/b.png", f"{'ü' * 125}.png"]
    sources = [InputFile(tmp_path / "in" / name, Path(name).with_suffix("")) for name in names]
    for _ in range(2):
        results = predict_photos(batch_of(model, out), sources, 2)
        reasons = sorted(each.reason for each in failures(results))
        assert len(reasons) == 2
        assert "sub/b_mask.png: a part of this path is a file" in reasons[0]
        assert "the name is too long for this disk" in reasons[1]
        assert read_photo(out / "a_mask.png").shape == (20, 30, 3)


def test_tidying_and_threshold_reach_the_mask(model: Model, tmp_path: Path) -> None:
    pixels = photo((20, 30))
    pixels[5:8, 20:23, 0] = 0  # a hole in the person
    pixels[2:4, 2:4, 0] = 255  # a speck
    pixels[10:12, 3:9, 0] = 100  # below the model's own threshold
    write_image(tmp_path / "a.png", pixels)
    source = InputFile(tmp_path / "a.png", Path("a"))

    def counted(**options: Any) -> int:
        wanted = OutputOptions(("mask",), **options)
        (result,) = predict_photos(batch_of(model, tmp_path, wanted), [source], 1)
        assert result.failure is None
        return int((read_photo(tmp_path / "a_mask.png")[..., 0] > 0).sum())

    assert counted() == 300 - 9 + 4
    assert counted(threshold=0.3) == 300 - 9 + 4 + 12
    assert counted(keep_largest=True) == 300 - 9
    assert counted(fill_holes=True) == 300 + 4
    assert counted(min_area=0.01) == 300 - 9
    assert counted(min_area=0.004) == 300 - 9 + 4
    assert counted(min_area=0.01, fill_holes=True, tta=True) == 300


def test_breaking_off_leaves_no_half_file_and_no_thread(
    model: Model, sources: list[InputFile], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    before = threading.active_count()
    results = predict_photos(batch_of(model, out), sources, 2)
    assert next(results).failure is None
    results.close()  # type: ignore[attr-defined]
    assert threading.active_count() == before
    names = [path.name for path in out.iterdir()]
    assert 0 < len(names) < len(sources)
    for name in names:
        assert name.endswith("_mask.png")
        read_photo(out / name)
