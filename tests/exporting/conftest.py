"""One small run and its files, shared by the tests that read them."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from numpy.typing import NDArray
from omegaconf import DictConfig

from humanseg.exporting import run_export
from humanseg.exporting.folder import read_formats
from humanseg.exporting.select_run import SelectedRun
from humanseg.exporting.source import ExportSource, open_source
from humanseg.models.onnx.convert import convert
from humanseg.models.onnx.network import trace
from humanseg.models.onnx.run_file import model_metadata
from humanseg.runs import RunFolder, open_run

Export = Callable[..., Path]
Noise = Callable[..., NDArray[np.uint8]]


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """Work on one thread: these nets are too small to share out."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory, compose: Callable[..., DictConfig]) -> RunFolder:
    """A finished run: read only."""
    from humanseg.training.train import train

    folder = tmp_path_factory.mktemp("exported") / "run"
    train(compose(f"run_dir={folder}", "optimizer.lr=0.02", "trainer.limit_train_batches=3"))
    return open_run(folder)


@pytest.fixture(scope="session")
def source(run: RunFolder) -> ExportSource:
    """Its best checkpoint."""
    return open_source(run)


@pytest.fixture(scope="session")
def model(source: ExportSource) -> onnx.ModelProto:
    """The checkpoint as an ONNX model: read only."""
    return convert(trace(source.network), model_metadata(source, (64, 48)))


@pytest.fixture
def export(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> Export:
    """Export the run in this process, without measuring its speed."""
    monkeypatch.setattr(run_export, "time_files", lambda *_: [])

    def exported(
        out: Path, formats: str = "onnx", selected: SelectedRun | None = None, **options: Any
    ) -> Path:
        selected = selected or SelectedRun(run, [])
        run_export.export(selected, out, read_formats(formats), **options)
        return out

    return exported


@pytest.fixture(scope="session")
def noise() -> Noise:
    """Photos of noise, uint8 (count,3,height,width), always the same for a size."""

    def make(height: int, width: int, count: int = 1) -> NDArray[np.uint8]:
        shape = (count, 3, height, width)
        return np.random.default_rng(height * width).integers(0, 256, shape, np.uint8)

    return make
