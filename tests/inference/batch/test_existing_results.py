"""What an output folder holds already: kept, or predicted again."""

import os
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from humanseg.errors import HumansegError
from humanseg.inference import Model
from humanseg.inference.backgrounds import BlurBackground, ColorBackground, ImageBackground
from humanseg.inference.batch import process as process
from humanseg.inference.batch.input_files import InputFile
from humanseg.inference.batch.outputs import Destination
from humanseg.inference.batch.plan import OutputOptions, PredictionPlan
from humanseg.inference.batch.process import predict_photos
from humanseg.io.images import read_photo, write_image
from tests.inference.batch.conftest import MASK, batch_of, failures, photo


def made(plan: PredictionPlan, sources: Sequence[InputFile]) -> dict[str, tuple[int, str, bool]]:
    """Run, and return what became of each photo: results made, why again, whether it failed."""
    return {
        outcome.source.path.name: (
            outcome.made,
            " ".join(state.name for state in outcome.remade),
            outcome.failure is not None,
        )
        for outcome in predict_photos(plan, sources, 2)
    }


def test_what_is_there_is_not_made_again(
    model: Model, sources: list[InputFile], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    made(batch_of(model, out), sources[:5])
    times = {path: path.stat().st_mtime_ns for path in out.iterdir()}
    both = OutputOptions(("mask", "soft"))
    results = made(batch_of(model, out, both), sources)
    assert [result[0] for result in sorted(results.values())] == [1] * 5 + [2] * 7
    assert {path: path.stat().st_mtime_ns for path in times} == times
    assert set(made(batch_of(model, out, both), sources).values()) == {(0, "", False)}
    remade = made(batch_of(model, out, both, overwrite=True), sources)
    assert {result[0] for result in remade.values()} == {2}


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
    status = path.stat()
    mirrored = np.ascontiguousarray(photo((20, 30))[:, ::-1])
    write_image(tmp_path / "other.png", mirrored)
    # Neither its size, nor its time, nor its place on the disk is another.
    path.write_bytes((tmp_path / "other.png").read_bytes().ljust(4000, b"\0"))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert made(batch_of(model, out), sources[:1]) == {"0.png": (1, "CHANGED_PHOTO", False)}
    mask = read_photo(out / "0_mask.png")[..., 0]
    np.testing.assert_array_equal(mask > 0, mirrored[..., 0] > 127)


def test_a_photo_that_was_only_moved_or_touched_is_the_same(
    model: Model, sources: list[InputFile], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    made(batch_of(model, out), sources[:2])
    (tmp_path / "in").rename(tmp_path / "moved")
    moved = [
        InputFile(tmp_path / "moved" / source.path.name, source.stem) for source in sources[:2]
    ]
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
    content = (out / "0_mask.png").read_bytes()
    (result,) = predict_photos(batch_of(model, out), sources[:1], 1)
    assert result.failure and "0_mask.png is there already" in result.failure.reason
    assert (out / "0_mask.png").read_bytes() == content
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
    both = [InputFile(source.path, Path("same")) for source in sources[:2]]
    results = list(predict_photos(batch_of(slow, out), both, 2))
    (failure,) = failures(results)
    assert "made from another photo" in failure.reason
    assert failure.code == "inference.output_exists"
    (success,) = (outcome for outcome in results if not outcome.failure)
    rows = read_photo(success.source.path).shape[0]
    assert read_photo(out / "same_mask.png").shape[0] == rows
    # Two of the same photo share what the first has made.
    twice = [InputFile(sources[0].path, Path("twice"))] * 2
    assert not failures(predict_photos(batch_of(slow, out), twice, 2))


def test_a_photo_is_not_overwritten_by_its_own_result(
    model: Model, sources: list[InputFile], tmp_path: Path
) -> None:
    content = sources[0].path.read_bytes()
    named = Destination(tmp_path, sources[0].path)
    for overwrite in (False, True):
        plan = PredictionPlan(MASK, named, lambda: model, "red", overwrite)
        (failure,) = failures(predict_photos(plan, sources[:1], 1))
        assert "is the photo itself" in failure.reason
    assert sources[0].path.read_bytes() == content


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
