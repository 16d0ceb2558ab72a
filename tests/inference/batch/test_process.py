"""Many photos: what fails alone, what stops all, and what stays bounded."""

import errno
import os
import resource
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import humanseg
from humanseg.errors import HumansegError
from humanseg.inference import Model
from humanseg.inference.backgrounds import BlurBackground, ColorBackground, ImageBackground
from humanseg.inference.batch import process as process
from humanseg.inference.batch.failures import InputFailure
from humanseg.inference.batch.input_files import InputFile
from humanseg.inference.batch.outputs import Destination
from humanseg.inference.batch.plan import InputOutcome, InputStatus, OutputOptions, PredictionPlan
from humanseg.inference.batch.process import predict_photos
from humanseg.io import images
from humanseg.io.decoding import limits
from humanseg.io.files import explain_os_error
from humanseg.io.images import read_photo, write_image

MASK = OutputOptions(("mask",))


def batch_of(
    model: Model,
    out: Path,
    options: OutputOptions = MASK,
    name: str = "red",
    overwrite: bool = False,
) -> PredictionPlan:
    return PredictionPlan(options, Destination(out), lambda: model, name, overwrite)


def failures(outcomes: Iterable[InputOutcome]) -> list[InputFailure]:
    return [each.failure for each in outcomes if each.failure]


@pytest.fixture(scope="module")
def model(red: Path) -> Model:
    return humanseg.load(red, threads=1)


def photo(size: tuple[int, int] = (20, 30)) -> NDArray[np.uint8]:
    pixels = np.full((*size, 3), (20, 90, 200), np.uint8)
    pixels[:, size[1] // 2 :] = (240, 60, 30)
    return pixels


@pytest.fixture
def sources(tmp_path: Path) -> list[InputFile]:
    for number in range(12):
        write_image(tmp_path / "in" / f"{number}.png", photo((20 + number, 30)))
    return [InputFile(tmp_path / "in" / f"{number}.png", Path(str(number))) for number in range(12)]


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


def made(plan: PredictionPlan, sources: Sequence[InputFile]) -> dict[str, tuple[int, str, bool]]:
    """Run, and return what became of each photo: results made, why again, whether it failed."""
    return {
        each.source.path.name: (
            each.made,
            " ".join(state.name for state in each.remade),
            each.failure is not None,
        )
        for each in predict_photos(plan, sources, 2)
    }


def test_what_is_there_is_not_made_again(
    model: Model, sources: list[InputFile], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    made(batch_of(model, out), sources[:5])
    before = {path: path.stat().st_mtime_ns for path in out.iterdir()}
    both = OutputOptions(("mask", "soft"))
    results = made(batch_of(model, out, both), sources)
    assert [each[0] for each in sorted(results.values())] == [1] * 5 + [2] * 7
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert set(made(batch_of(model, out, both), sources).values()) == {(0, "", False)}
    remade = made(batch_of(model, out, both, overwrite=True), sources)
    assert {each[0] for each in remade.values()} == {2}


@pytest.mark.parametrize(
    ("options", "name", "reason"),
    [
        (OutputOptions(("background",), ColorBackground((0, 0, 255))), "red", "OTHER_OPTIONS"),
        (OutputOptions(("background",), BlurBackground(3)), "red", "OTHER_OPTIONS"),
        (OutputOptions(("background",), ImageBackground(photo())), "red", "OTHER_OPTIONS"),
        (
            OutputOptions(("background",), ColorBackground((255, 0, 0)), threshold=0.3),
            "red",
            "OTHER_OPTIONS",
        ),
        (
            OutputOptions(("background",), ColorBackground((255, 0, 0)), fill_holes=True),
            "red",
            "OTHER_OPTIONS",
        ),
        (OutputOptions(("background",), ColorBackground((255, 0, 0))), "other", "OTHER_MODEL"),
    ],
)
def test_what_was_made_otherwise_is_made_again(
    model: Model,
    sources: list[InputFile],
    tmp_path: Path,
    options: OutputOptions,
    name: str,
    reason: str,
) -> None:
    out = tmp_path / "out"
    red = OutputOptions(("background", "mask"), ColorBackground((255, 0, 0)))
    made(batch_of(model, out, red), sources[:1])
    assert made(batch_of(model, out, options, name), sources[:1]) == {"0.png": (1, reason, False)}
    assert made(batch_of(model, out, options, name), sources[:1]) == {"0.png": (0, "", False)}
    # A background makes no other mask.
    mask = made(batch_of(model, out, MASK), sources[:1])
    assert mask == {"0.png": (0, "", False)}


@pytest.mark.parametrize("settled", [True, False])
def test_a_photo_that_changed_is_read_again(
    model: Model,
    sources: list[InputFile],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    settled: bool,
) -> None:
    out, path = tmp_path / "out", sources[0].path
    if settled:
        later = time.time_ns() + 10**10
        monkeypatch.setattr(time, "time_ns", lambda: later)
    path.write_bytes(path.read_bytes().ljust(4000, b"\0"))
    made(batch_of(model, out), sources[:1])
    before = path.stat()
    mirrored = np.ascontiguousarray(photo((20, 30))[:, ::-1])
    write_image(tmp_path / "other.png", mirrored)
    # Neither its size, nor its time, nor its place on the disk is another.
    path.write_bytes((tmp_path / "other.png").read_bytes().ljust(4000, b"\0"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert made(batch_of(model, out), sources[:1]) == {"0.png": (1, "CHANGED_PHOTO", False)}
    mask = read_photo(out / "0_mask.png")[..., 0]
    np.testing.assert_array_equal(mask > 0, mirrored[..., 0] > 127)


def test_a_photo_that_was_only_moved_or_touched_is_the_same(
    model: Model, sources: list[InputFile], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    made(batch_of(model, out), sources[:2])
    (tmp_path / "in").rename(tmp_path / "moved")
    moved = [InputFile(tmp_path / "moved" / each.path.name, each.stem) for each in sources[:2]]
    os.utime(moved[0].path)
    assert set(made(batch_of(model, out), moved).values()) == {(0, "", False)}


@pytest.mark.parametrize("held", ["another photo", "a file of somebody", "nothing"])
def test_what_is_not_known_to_be_of_this_photo_is_kept_and_said(
    model: Model, sources: list[InputFile], tmp_path: Path, held: str
) -> None:
    out = tmp_path / "out"
    other = InputFile(sources[1].path, Path("0"))
    if held == "another photo":
        made(batch_of(model, out), [other])
    else:
        out.mkdir()
        (out / "0_mask.png").write_text("mine" if held == "a file of somebody" else "")
    before = (out / "0_mask.png").read_bytes()
    (result,) = predict_photos(batch_of(model, out), sources[:1], 1)
    assert result.failure and "0_mask.png is there already" in result.failure.reason
    assert (out / "0_mask.png").read_bytes() == before
    assert made(batch_of(model, out, overwrite=True), sources[:1]) == {"0.png": (1, "", False)}
    assert read_photo(out / "0_mask.png").shape[0] == 20


def test_two_photos_never_replace_each_other_at_the_same_time(
    model: Model, sources: list[InputFile], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    meet = threading.Barrier(2, timeout=30)

    class Slow(Model):
        def __init__(self) -> None:
            self.threshold = model.threshold

        def probability(self, *_: Any, **__: Any) -> NDArray[np.float32]:
            meet.wait()
            return model.probability(*_, **__)

    slow = Slow()
    both = [InputFile(each.path, Path("same")) for each in sources[:2]]
    results = list(predict_photos(batch_of(slow, out), both, 2))
    (failure,) = failures(results)
    assert "made from another photo" in failure.reason
    assert failure.code == "inference.output_exists"
    (kept,) = (each for each in results if not each.failure)
    rows = read_photo(kept.source.path).shape[0]
    assert read_photo(out / "same_mask.png").shape[0] == rows
    # Two of the same photo share what the first has made.
    twice = [InputFile(sources[0].path, Path("twice"))] * 2
    assert not failures(predict_photos(batch_of(slow, out), twice, 2))


def test_a_photo_is_not_overwritten_by_its_own_result(
    model: Model, sources: list[InputFile], tmp_path: Path
) -> None:
    before = sources[0].path.read_bytes()
    named = Destination(tmp_path, sources[0].path)
    for overwrite in (False, True):
        plan = PredictionPlan(MASK, named, lambda: model, "red", overwrite)
        (failure,) = failures(predict_photos(plan, sources[:1], 1))
        assert "is the photo itself" in failure.reason
    assert sources[0].path.read_bytes() == before


def test_nobody_found_is_known_the_next_time_too(model: Model, tmp_path: Path) -> None:
    write_image(tmp_path / "a.png", np.zeros((9, 9, 3), np.uint8))
    source = InputFile(tmp_path / "a.png", Path("a"))
    for made_now in (1, 0):
        (result,) = predict_photos(batch_of(model, tmp_path / "out"), [source], 1)
        assert (result.made, result.person) == (made_now, False)


def test_the_model_is_loaded_only_where_something_is_made(
    model: Model, sources: list[InputFile], tmp_path: Path
) -> None:
    made(batch_of(model, tmp_path / "out"), sources)

    def load() -> Model:
        raise HumansegError("no model")

    unloaded = PredictionPlan(MASK, Destination(tmp_path / "out"), load, "red")
    assert set(made(unloaded, sources).values()) == {(0, "", False)}
    with pytest.raises(HumansegError, match="no model"):
        made(PredictionPlan(MASK, Destination(tmp_path / "new"), load, "red"), sources)


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
