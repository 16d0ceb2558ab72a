"""How much is in memory at once."""

import resource
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from humanseg.inference import Model
from humanseg.inference.batch import process as process
from humanseg.inference.batch.input_files import InputFile
from humanseg.inference.batch.plan import OutputOptions
from humanseg.inference.batch.process import predict_photos
from humanseg.io import images
from humanseg.io.decoding import limits
from humanseg.io.images import write_image
from tests.inference.batch.conftest import batch_of, failures, photo


def test_only_a_few_jobs_wait(model: Model, sources: list[InputFile], tmp_path: Path) -> None:
    taken = 0

    def endless() -> Iterator[InputFile]:
        nonlocal taken
        while True:
            taken += 1
            yield sources[taken % len(sources)]

    results = predict_photos(batch_of(model, tmp_path / "out"), endless(), 2)
    for _ in range(5):
        next(results)
    results.close()  # type: ignore[attr-defined]
    assert taken <= 5 + 2 * 2 + 2


def test_the_budget_lets_in_what_fits_and_a_giant_alone() -> None:
    budget = process._PixelBudget(10)
    most, inside, lock = 0, 0, threading.Lock()

    def hold(pixels: int) -> None:
        nonlocal most, inside
        with budget.take(pixels):
            with lock:
                inside += min(pixels, 10)
                most = max(most, inside)
            with lock:
                inside -= min(pixels, 10)

    threads = [threading.Thread(target=hold, args=(3 + 40 * (n % 3),)) for n in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
        assert not thread.is_alive()
    assert 3 <= most <= 10


def test_a_photo_that_the_memory_does_not_hold_ends_no_other(
    model: Model, sources: list[InputFile], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = sources[3].path
    Image.new("1", (8000, 7000)).save(path)
    # Enough to read it, but not for what is made of it.
    monkeypatch.setattr(limits, "usable_memory", lambda: 500e6)
    plan = batch_of(model, tmp_path / "out", OutputOptions(("cutout",)))
    results = list(predict_photos(plan, sources, 2))
    (failure,) = failures(results)
    assert failure.code == "io.image_too_large" and f"{path} is too large for" in failure.reason
    assert sum(outcome.made for outcome in results) == 11


def test_a_small_memory_has_fewer_photos_in_progress(
    model: Model, sources: list[InputFile], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_progress: list[Path] = []
    counts: list[int] = []

    def read(path: Path) -> images.LoadedPhoto:
        in_progress.append(path)
        time.sleep(0.05)
        counts.append(len(in_progress))
        in_progress.remove(path)
        return images.load_photo(path)

    monkeypatch.setattr(process, "load_photo", read)
    # Half of it holds one photo of 600 pixels or more, but not two.
    monkeypatch.setattr(process, "usable_memory", lambda: 2 * 1000 * 20)
    results = list(predict_photos(batch_of(model, tmp_path / "out"), sources, 3))
    assert sum(outcome.made for outcome in results) == 12
    assert counts == [1] * 12


def resident_mb() -> float:
    """Resident size of this process."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() / 1e6


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs Linux's /proc")
def test_memory_stays_flat(model: Model, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    files = []
    for number in range(60):
        size = tuple(int(side) for side in rng.integers(20, 300, 2))
        files.append(tmp_path / "in" / f"{number}.jpg")
        write_image(files[-1], photo((size[0], size[1])))
    everything = OutputOptions(("mask", "cutout", "overlay"), tta=True, keep_largest=True)

    def endless() -> Iterator[InputFile]:
        for number in range(3000):
            yield InputFile(files[number % 60], Path(str(number % 60)))

    sizes = {}
    whole = batch_of(model, tmp_path / "out", everything, overwrite=True)
    for done, result in enumerate(predict_photos(whole, endless(), 2), start=1):
        assert result.failure is None
        if done in (500, 3000):
            sizes[done] = resident_mb()
    assert abs(sizes[3000] - sizes[500]) < 50, sizes
