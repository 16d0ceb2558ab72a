from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import humanseg
from humanseg.inference import Model
from humanseg.inference.batch import process as process
from humanseg.inference.batch.failures import InputFailure
from humanseg.inference.batch.input_files import InputFile
from humanseg.inference.batch.outputs import Destination
from humanseg.inference.batch.plan import InputOutcome, OutputOptions, PredictionPlan
from humanseg.io.images import write_image

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
    return [outcome.failure for outcome in outcomes if outcome.failure]


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
