"""One small trained run, shared by the tests that read it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from omegaconf import DictConfig

from humanseg.runs import RunFolder, open_run

Train = Callable[..., RunFolder]


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """Train on one thread: these nets are too small to share out."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def train_run(compose: Callable[..., DictConfig]) -> Train:
    """Train into a folder, in this process."""
    from humanseg.training.entry import train

    def run(folder: Path, *overrides: str) -> RunFolder:
        train(compose(f"run_dir={folder}", *overrides))
        return open_run(folder)

    return run


@pytest.fixture(scope="session")
def resume_run(compose: Callable[..., DictConfig]) -> Train:
    """Go on with the run in a folder, in this process."""
    from humanseg.training.entry import train

    def run(folder: Path, *overrides: str) -> RunFolder:
        train(compose(f"resume={folder}", *overrides))
        return open_run(folder)

    return run


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory, train_run: Train) -> RunFolder:
    """A finished run of two epochs with EMA: read only."""
    return train_run(tmp_path_factory.mktemp("trained") / "run", "callbacks=[ema]")


@pytest.fixture
def copied(trained: RunFolder, tmp_path: Path) -> RunFolder:
    """The same run, moved, to be changed."""
    import shutil

    shutil.copytree(trained.path, tmp_path / "moved")
    return open_run(tmp_path / "moved")
