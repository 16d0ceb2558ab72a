"""A page without the 14 MB that run it: only its address and bytes matter here."""

from pathlib import Path

import onnx
import pytest

from humanseg.demo.runtime import PLAIN
from tests.inference.conftest import red_model


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file that says of itself what must be known, shared: read only."""
    path = tmp_path_factory.mktemp("model") / "red.onnx"
    onnx.save(red_model(), path)
    return path


@pytest.fixture(scope="session")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Stand-ins for the files of the plain runtime, shared: read only."""
    folder = tmp_path_factory.mktemp("runtime")
    files = [folder / name for name in PLAIN]
    for file in files:
        file.write_text(f"content of {file.name}")
    return files
