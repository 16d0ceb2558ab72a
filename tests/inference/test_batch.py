"""Many photos: what fails alone, what stops all, and what stays bounded."""

import errno
import resource
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import humanseg
from humanseg.errors import HumansegError
from humanseg.files import explain_os_error
from humanseg.images import read_photo, write_image
from humanseg.inference import Model, batch
from humanseg.inference.batch import Job, Wish, plan, predict_photos
from humanseg.inference.failures import Failure
from humanseg.inference.sources import Source, collect

MASK = Wish(("mask",))


@pytest.fixture(scope="module")
def model(red: Path) -> Model:
    return humanseg.load(red, threads=1)


def photo(size: tuple[int, int] = (20, 30)) -> NDArray[np.uint8]:
    pixels = np.full((*size, 3), (20, 90, 200), np.uint8)
    pixels[:, size[1] // 2 :] = (240, 60, 30)
    return pixels


@pytest.fixture
def jobs(tmp_path: Path) -> list[Job]:
    for number in range(12):
        write_image(tmp_path / "in" / f"{number}.png", photo((20 + number, 30)))
    return plan(collect([str(tmp_path / "in")], (), tmp_path), tmp_path / "out", MASK, False)


@pytest.mark.parametrize("workers", [1, 4])
def test_each_photo_gets_its_own_mask(
    model: Model, jobs: list[Job], tmp_path: Path, workers: int
) -> None:
    results = list(predict_photos(model, jobs, tmp_path / "out", MASK, workers))
    assert results == [None] * 12
    for number in range(12):
        mask = read_photo(tmp_path / "out" / f"{number}_mask.png")[..., 0]
        np.testing.assert_array_equal(mask > 0, photo((20 + number, 30))[..., 0] > 127)


def test_a_photo_that_cannot_be_used_stops_no_other(
    model: Model, jobs: list[Job], tmp_path: Path
) -> None:
    (tmp_path / "in/3.png").write_text("no photo")
    (tmp_path / "in/5.png").unlink()
    whole = (tmp_path / "in/7.png").read_bytes()
    (tmp_path / "in/7.png").write_bytes(whole[: len(whole) - 30])
    results = list(predict_photos(model, jobs, tmp_path / "out", MASK, 3))
    failures = {each.path.name: each.reason for each in results if each}
    assert set(failures) == {"3.png", "5.png", "7.png"}
    assert "is not an image" in failures["3.png"]
    assert "There is no file" in failures["5.png"]
    assert "is cut off or broken" in failures["7.png"]
    assert len(list((tmp_path / "out").iterdir())) == 9


def test_memory_that_does_not_suffice_is_that_photos_trouble(
    model: Model, jobs: list[Job], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(path: Path) -> NDArray[np.uint8]:
        if path.stem == "3":
            raise MemoryError
        return read_photo(path)

    monkeypatch.setattr(batch, "read_photo", read)
    results = list(predict_photos(model, jobs, tmp_path / "out", MASK, 2))
    path = tmp_path / "in/3.png"
    assert [each for each in results if each] == [
        Failure(path, f"{path} is too large for the memory.")
    ]


def test_a_folder_that_cannot_be_written_stops_all(
    model: Model, jobs: list[Job], tmp_path: Path
) -> None:
    (tmp_path / "out").write_text("a file")
    seen: list[Any] = []
    with pytest.raises(HumansegError, match="Cannot write"):
        for result in predict_photos(model, jobs, tmp_path / "out", MASK, 2):
            seen.append(result)
    assert len(seen) < len(jobs)


def test_a_fault_of_the_program_is_one_photos_trouble_and_shown_on_request(
    model: Model, jobs: list[Job], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch, "write_outputs", lambda *_: 1 / 0)
    results = list(predict_photos(model, jobs, tmp_path / "out", MASK, 2))
    assert all(each and "ZeroDivisionError" in each.reason for each in results)
    monkeypatch.setenv("HUMANSEG_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        list(predict_photos(model, jobs, tmp_path / "out", MASK, 2))


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS])
def test_a_full_or_read_only_disk_stops_all(
    model: Model,
    jobs: list[Job],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    number: int,
) -> None:
    def write(*_: Any) -> None:
        raise explain_os_error(OSError(number, "x"), tmp_path) from OSError(number, "x")

    monkeypatch.setattr(batch, "write_outputs", write)
    with pytest.raises(HumansegError, match="Cannot write .*disk"):
        list(predict_photos(model, jobs, tmp_path / "out", MASK, 2))


def test_results_that_cannot_be_written_stop_no_other(model: Model, tmp_path: Path) -> None:
    for name in ("a.png", "sub/b.png", f"{'ü' * 125}.png"):
        write_image(tmp_path / "in" / name, photo())
    out = tmp_path / "out"
    out.mkdir()
    (out / "sub").write_text("a file where a folder belongs")
    found = collect([str(tmp_path / "in")], (), out)
    for _ in range(2):
        results = predict_photos(model, plan(found, out, MASK, False), out, MASK, 2)
        reasons = sorted(each.reason for each in results if each)
        assert len(reasons) == 2
        assert "sub/b_mask.png: File exists" in reasons[0]
        assert "the name is too long for this disk" in reasons[1]
        assert read_photo(out / "a_mask.png").shape == (20, 30, 3)


def test_what_is_there_is_not_made_again(model: Model, jobs: list[Job], tmp_path: Path) -> None:
    out = tmp_path / "out"
    list(predict_photos(model, jobs[:5], out, MASK, 2))
    sources = [job.source for job in jobs]
    assert plan(sources, out, MASK, overwrite=False) == jobs[5:]
    assert plan(sources, out, MASK, overwrite=True) == jobs
    both = plan(sources, out, Wish(("mask", "soft")), overwrite=False)
    assert [job.kinds for job in both] == [("soft",)] * 5 + [("mask", "soft")] * 7


def test_tidying_and_threshold_reach_the_mask(model: Model, tmp_path: Path) -> None:
    pixels = photo((20, 30))
    pixels[5:8, 20:23, 0] = 0  # a hole in the person
    pixels[2:4, 2:4, 0] = 255  # a speck
    pixels[10:12, 3:9, 0] = 100  # below the model's own threshold
    write_image(tmp_path / "a.png", pixels)
    job = Job(Source(tmp_path / "a.png", Path("a")), ("mask",))

    def counted(**options: Any) -> int:
        wish = Wish(("mask",), **options)
        assert list(predict_photos(model, [job], tmp_path, wish, 1)) == [None]
        return int((read_photo(tmp_path / "a_mask.png")[..., 0] > 0).sum())

    assert counted() == 300 - 9 + 4
    assert counted(threshold=0.3) == 300 - 9 + 4 + 12
    assert counted(keep_largest=True) == 300 - 9
    assert counted(fill_holes=True) == 300 + 4
    assert counted(min_area=0.01) == 300 - 9
    assert counted(min_area=0.004) == 300 - 9 + 4
    assert counted(min_area=0.01, fill_holes=True, tta=True) == 300


def test_breaking_off_leaves_no_half_file_and_no_thread(
    model: Model, jobs: list[Job], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    before = threading.active_count()
    results = predict_photos(model, jobs, out, MASK, 2)
    assert next(results) is None
    results.close()  # type: ignore[attr-defined]
    assert threading.active_count() == before
    names = [path.name for path in out.iterdir()]
    assert 0 < len(names) < len(jobs)
    for name in names:
        assert name.endswith("_mask.png")
        read_photo(out / name)


def test_only_a_few_jobs_wait(model: Model, jobs: list[Job], tmp_path: Path) -> None:
    taken = 0

    def endless() -> Iterator[Job]:
        nonlocal taken
        while True:
            taken += 1
            yield jobs[taken % len(jobs)]

    results = predict_photos(model, endless(), tmp_path / "out", MASK, 2)
    for _ in range(5):
        next(results)
    results.close()  # type: ignore[attr-defined]
    assert taken <= 5 + 2 * 2 + 2


def test_the_budget_lets_in_what_fits_and_a_giant_alone() -> None:
    budget = batch._Budget(10)
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
    everything = Wish(("mask", "cutout", "overlay"), tta=True, keep_largest=True)

    def endless() -> Iterator[Job]:
        for number in range(3000):
            source = Source(files[number % 60], Path(str(number % 60)))
            yield Job(source, everything.kinds)

    sizes = {}
    for done, failure in enumerate(
        predict_photos(model, endless(), tmp_path / "out", everything, 2), start=1
    ):
        assert failure is None
        if done in (500, 3000):
            sizes[done] = resident_mb()
    assert abs(sizes[3000] - sizes[500]) < 50, sizes
