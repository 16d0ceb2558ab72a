"""One small trained run, shared by the tests that read it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hydra
import pytest
import torch
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from humanseg.config.find import conf_folder
from humanseg.runs import RunFolder, open_run
from humanseg.training.request import Request, read_request

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
    from humanseg.training.train import train

    def run(folder: Path, *overrides: str) -> RunFolder:
        train(compose(f"run_dir={folder}", *overrides))
        return open_run(folder)

    return run


@pytest.fixture(scope="session")
def ask() -> Callable[..., Request]:
    """What a command line asks for."""

    def given(*overrides: str) -> Request:
        GlobalHydra.instance().clear()
        with hydra.initialize_config_dir(str(conf_folder()), version_base="1.3"):
            config = hydra.compose("train", [*overrides], return_hydra_config=True)
        holder: Any = HydraConfig.instance()
        with pytest.MonkeyPatch.context() as patch:
            # As Hydra sets it for a job.
            patch.setattr(holder, "cfg", config)
            visible = OmegaConf.masked_copy(config, [str(key) for key in config if key != "hydra"])
            return read_request(visible)

    return given


@pytest.fixture(scope="session")
def resume_run(ask: Callable[..., Request]) -> Train:
    """Go on with the run in a folder, in this process."""
    from humanseg.training.train import train_locked

    def run(folder: Path, *overrides: str) -> RunFolder:
        found = open_run(folder)
        train_locked(ask(f"resume={folder}", *overrides), found)
        return found

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
