"""What tests share: a small data set, composed configs, the command line."""

import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

import humanseg  # noqa: F401 - first: it switches off the telemetry of what tests import

# Each process of a parallel run has one core: more threads would fight for it.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from humanseg.runs import RunFolder
    from humanseg.runs.settings import Shipped
    from humanseg.training.request import TrainRequest

    Train = Callable[..., RunFolder]

# A test runner in the background ignores Ctrl-C, and what it starts inherits that; a command that a
# person types does not.
signal.signal(signal.SIGINT, signal.default_int_handler)

SMALLEST = (
    "backbone=plain",
    "backbone.widths=[4,8]",
    "model.decoder_channels=[4]",
    "augmentation=light",
    "data.batch_size=2",
    "data.workers=0",
    "trainer=debug",
    "trainer.accelerator=cpu",
    "trainer.precision=32-true",
    "threads=1",
    "logger=[none]",
    "callbacks=[none]",
    "save_onnx=false",
)


class Finished(NamedTuple):
    """How a command ended."""

    rc: int
    stdout: str
    stderr: str


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep what tests cache away from the cache of the person who runs them."""
    os.environ["HUMANSEG_CACHE"] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="session")
def sample_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five folders of small drawn photos, 64 rows × 48 columns, shared: read only.

    Ids 0 to 5 are train, 6 to 8 valid, 9 and 10 test.
    """
    from humanseg.data.synthetic import write_sample

    root = tmp_path_factory.mktemp("sample") / "data"
    write_sample(root, train=6, valid=3, test=2, size=(64, 48))
    return root


@pytest.fixture(scope="session")
def compared_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set with 12 valid photos, enough to tell two runs apart; shared: read only."""
    from humanseg.data.synthetic import write_sample

    root = tmp_path_factory.mktemp("compared") / "data"
    write_sample(root, train=1, valid=12, test=1, size=(64, 48))
    return root


@pytest.fixture(scope="session")
def compose(sample_root: Path) -> "Callable[..., DictConfig]":
    """Compose `conf/train.yaml` as a command line does, on the sample and as small as can be.

    An override of a whole group, such as `backbone=resnet18`, leaves none of the small settings
    of that group.
    """
    import hydra
    from hydra.core.global_hydra import GlobalHydra
    from hydra.core.hydra_config import HydraConfig

    from humanseg.config.find import conf_folder

    def composed(*overrides: str) -> "DictConfig":
        groups = {each.split("=")[0] for each in overrides if "." not in each.split("=")[0]}
        small = [each for each in SMALLEST if each.split("=")[0].split(".")[0] not in groups]
        GlobalHydra.instance().clear()
        # What an earlier test's command line was is nothing to this one.
        HydraConfig.instance().cfg = None
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


@pytest.fixture(scope="session")
def shipped() -> "Shipped":
    """Read the options that the shipped configs have."""
    from humanseg.config.find import conf_folder
    from humanseg.runs.settings import read_shipped

    return read_shipped(conf_folder())


@pytest.fixture(scope="session")
def write_run() -> Callable[..., Path]:
    """Write the folder of a finished run as a training leaves it, without a training."""
    import numpy as np
    import pandas as pd
    import yaml

    from humanseg.config.find import conf_folder
    from humanseg.io.files import write_json, write_text
    from humanseg.io.images import read_mask
    from humanseg.io.names import HEADER, natural_key
    from humanseg.io.rle import encode_rle
    from humanseg.io.tables import write_table
    from humanseg.metrics.scores import boundary_dice, dice, iou
    from humanseg.runs import RunFolder

    def options(parts: dict[str, str]) -> dict[str, Any]:
        chosen = {
            **{"data": "folders", "model": "unet", "backbone": "plain", "loss": "bce_dice"},
            **{"augmentation": "standard", "optimizer": "adamw", "scheduler": "one_cycle"},
            **{"trainer": "default", "callbacks": "ema", "logger": "csv"},
        } | parts
        read = {name: conf_folder() / name / f"{value}.yaml" for name, value in chosen.items()}
        return {name: yaml.safe_load(path.read_text()) for name, path in read.items()}

    def write(
        folder: Path,
        root: Path,
        *,
        moved: float = 0.0,
        noise: int = 0,
        parts: dict[str, str] | None = None,
        changes: dict[str, Any] | None = None,
        seed: int = 0,
        threshold: float = 0.5,
        **summary: Any,
    ) -> Path:
        """Write a run.

        Parameters
        ----------
        folder, root
            Where it shall be, and the data set; read only.
        moved
            By how many rows its masks are moved from the true ones, on average.
        noise
            Seed of how much each mask is moved.
        parts
            Options of groups that are not the default ones.
        changes
            Other values of the config, by dotted keys.
        seed, threshold
            Of the run.
        summary
            Other values of its summary.
        """
        run, random = RunFolder(folder), np.random.default_rng(noise)
        rows: list[list[Any]] = []
        submission = []
        digest = hashlib.sha256()
        for path in sorted(
            (root / "valid_mask").iterdir(), key=lambda path: natural_key(path.stem)
        ):
            truth = read_mask(path)
            mask = np.roll(truth, round(moved * random.uniform(0, 2)), axis=0)
            scores = dice(mask, truth), iou(mask, truth), boundary_dice(mask, truth)
            rows.append([path.stem, *scores, float(truth.mean())])
            submission.append([path.stem, encode_rle(mask)])
            digest.update(path.stem.encode() + truth.tobytes())
        config: dict[str, Any] = {"seed": seed, "threshold": threshold, "run_dir": str(folder)}
        config |= options(parts or {})
        config["data"]["root"] = str(root)
        for key, value in (changes or {}).items():
            *above, last = key.split(".")
            node = config
            for name in above:
                node = node[name]
            node[last] = value
        means = np.mean([row[1:4] for row in rows], axis=0).tolist()
        write_text(run.config, yaml.safe_dump(config, sort_keys=False))
        names = ["id", "dice", "iou", "boundary_dice", "foreground"]
        write_table(run.scores, pd.DataFrame(rows, columns=names))
        write_table(run.submission, pd.DataFrame(submission, columns=list(HEADER)))
        curve = [[epoch, f"{means[0] * (1 - 0.5**epoch):.6f}"] for epoch in (1, 2, 3)]
        write_table(run.history, pd.DataFrame(curve, columns=["epoch", "val_dice"]))
        known = {
            **{"status": "finished", "failure": None, "seed": seed, "overrides": []},
            "data": {"train": 6, "valid": len(rows), "test": 2, "valid_sha256": digest.hexdigest()},
            **dict(zip(("dice", "iou", "boundary_dice"), means, strict=True)),
            **{"dice_at_half": means[0], "threshold": threshold, "best_epoch": 3, "epochs": 3},
            **{"parameters": 5_198_033, "seconds": 2985.6, "images_per_second": 4.92},
        }
        write_json(run.summary, known | summary)
        return folder

    return write


@pytest.fixture(scope="session")
def train_run(compose: "Callable[..., DictConfig]") -> "Train":
    """Train into a folder, in this process."""
    from humanseg.runs import open_run
    from humanseg.training.train import train

    def run(folder: Path, *overrides: str) -> "RunFolder":
        train(compose(f"run_dir={folder}", *overrides))
        return open_run(folder)

    return run


@pytest.fixture(scope="session")
def ask() -> "Callable[..., TrainRequest]":
    """What a command line asks for."""
    import hydra
    from hydra.core.global_hydra import GlobalHydra
    from hydra.core.hydra_config import HydraConfig
    from omegaconf import OmegaConf

    from humanseg.config.find import conf_folder
    from humanseg.training.request import read_request

    def given(*overrides: str) -> "TrainRequest":
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
def resume_run(ask: "Callable[..., TrainRequest]") -> "Train":
    """Go on with the run in a folder, in this process."""
    from humanseg.runs import open_run
    from humanseg.training.train import train_locked

    def run(folder: Path, *overrides: str) -> "RunFolder":
        found = open_run(folder)
        train_locked(ask(f"resume={folder}", *overrides), found)
        return found

    return run


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory, train_run: "Train") -> "RunFolder":
    """A finished run of two epochs with EMA: read only."""
    return train_run(tmp_path_factory.mktemp("trained") / "run", "callbacks=[ema]")


@pytest.fixture
def copied(trained: "RunFolder", tmp_path: Path) -> "RunFolder":
    """The same run, moved, to be changed."""
    import shutil

    from humanseg.runs import open_run

    shutil.copytree(trained.path, tmp_path / "moved")
    return open_run(tmp_path / "moved")
