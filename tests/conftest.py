"""What tests share: a small data set, composed configs, the command line."""

import os

# Albumentations asks the network for its newest version when it is imported without this.
os.environ["NO_ALBUMENTATIONS_UPDATE"] = "1"

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

if TYPE_CHECKING:
    from omegaconf import DictConfig

SMALLEST = (
    "backbone=plain",
    "backbone.widths=[4,8]",
    "model.channels=[4]",
    "augmentation=light",
    "data.batch_size=2",
    "data.workers=0",
    "trainer=debug",
    "trainer.accelerator=cpu",
    "trainer.precision=32-true",
    "threads=1",
    "logger=[none]",
    "callbacks=[none]",
)


class Finished(NamedTuple):
    """How a command ended."""

    rc: int
    stdout: str
    stderr: str


@pytest.fixture(scope="session")
def sample_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five folders of small drawn photos, 64 rows × 48 columns, shared: read only.

    Ids 0 to 5 are train, 6 to 8 valid, 9 and 10 test.
    """
    from humanseg.data.sample import write_sample

    root = tmp_path_factory.mktemp("sample") / "data"
    write_sample(root, train=6, valid=3, test=2, size=(64, 48))
    return root


@pytest.fixture(scope="session")
def compose(sample_root: Path) -> "Callable[..., DictConfig]":
    """Compose `conf/train.yaml` as a command line does, on the sample and as small as can be.

    An override of a whole group, such as `backbone=resnet18`, leaves none of the small settings
    of that group.
    """
    import hydra
    from hydra.core.global_hydra import GlobalHydra

    from humanseg.config import conf_folder

    def composed(*overrides: str) -> "DictConfig":
        groups = {each.split("=")[0] for each in overrides if "." not in each.split("=")[0]}
        small = [each for each in SMALLEST if each.split("=")[0].split(".")[0] not in groups]
        GlobalHydra.instance().clear()
        with hydra.initialize_config_dir(str(conf_folder()), version_base="1.3"):
            return hydra.compose("train", [*small, f"data.root={sample_root}", *overrides])

    return composed


@pytest.fixture(scope="session")
def command_line() -> Callable[..., Finished]:
    """Run `humanseg` in a process of its own."""

    def run(*arguments: str | Path, cwd: Path | None = None, timeout: float = 300) -> Finished:
        done = subprocess.run(
            [sys.executable, "-m", "humanseg", *map(str, arguments)],
            cwd=cwd,
            capture_output=True,
            text=True,
            timeout=timeout,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
        )
        return Finished(done.returncode, done.stdout, done.stderr)

    return run
