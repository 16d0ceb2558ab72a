from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray

from humanseg.cli.main import main
from tests.inference.conftest import red_model


@pytest.fixture(scope="module")
def red(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "red.onnx"
    onnx.save(red_model(), path)
    return path


@pytest.fixture
def predict(red: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Run the command with a model that takes red for person, in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def run(*words: str) -> int:
        return main(["predict", *words, "--out", "out", "--model", str(red), "--threads", "2"])

    return run


def photo(size: tuple[int, int] = (24, 36)) -> NDArray[np.uint8]:
    pixels = np.full((*size, 3), (20, 90, 200), np.uint8)
    pixels[:, size[1] // 2 :] = (240, 60, 30)
    return pixels


def files(folder: str = "out") -> list[str]:
    return sorted(
        path.relative_to(folder).as_posix() for path in Path(folder).rglob("*") if path.is_file()
    )


@pytest.fixture
def bare(red: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Run the command without an output folder."""
    monkeypatch.chdir(tmp_path)
    return lambda *words: main(["predict", *words, "--model", str(red), "--threads", "1"])
