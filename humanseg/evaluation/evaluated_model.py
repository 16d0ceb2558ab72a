"""The model that a command line names for evaluation, found and checked before torch is loaded."""

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from humanseg.data.layout.folders import require_root
from humanseg.errors import HumansegError
from humanseg.inference.catalog import bundled_models
from humanseg.inference.named_model import find_model
from humanseg.io.files import names_in, read_json, write_json
from humanseg.runs import RunFolder, open_run
from humanseg.runs.folder import explain_missing_checkpoint, other_checkpoint

if TYPE_CHECKING:
    from omegaconf import DictConfig

MARK = "evaluation.json"
"""The file by which a folder is known as one that an evaluation wrote."""
_OWN_DATA = "humanseg.data."


@dataclass(frozen=True)
class EvaluatedModel:
    """A model to be evaluated.

    Attributes
    ----------
    path
        Its run's folder, its checkpoint where that is not the run's best one, or its ONNX file.
    run
        The run that it belongs to; None for an exported model.
    """

    path: Path
    run: RunFolder | None

    @property
    def checkpoint(self) -> Path | None:
        """A checkpoint other than the run's best one."""
        return None if self.run is None or self.path == self.run.path else self.path


def find_evaluated_model(
    model: Path, data: Path | None = None, split: str = "valid", out: Path | None = None
) -> EvaluatedModel:
    """Find a model, and make sure that all which its evaluation reads and writes can be there.

    Parameters
    ----------
    model
        A run's folder or a file of it, a checkpoint, the folder of an export, an ONNX file, or the
        name of a bundled model.
    data
        The data folder; None: the run's own.
    split
        Which photos.
    out
        Where files shall go; None: nowhere.

    Raises
    ------
    HumansegError
        There is no model, no data folder, or something is in the way.
    """
    if split not in ("train", "valid", "test"):
        raise HumansegError(
            f"split={split!r}: there are train, valid and test.", code="evaluation.unknown_split"
        )
    if out is not None:
        require_out(out)
    elif split == "test":
        raise HumansegError(
            "The test photos have no masks to score against: give --out DIR, where the page of "
            "their predictions shall go.",
            code="evaluation.no_masks",
        )
    if model.suffix == ".onnx" or not os.path.exists(model) or is_export(model):
        file = find_model(model)
        if data is None:
            raise HumansegError(
                f"{file} is an exported model, which knows no data of its own: give --data ROOT.",
                code="evaluation.no_data",
            )
        require_root(data)
        return EvaluatedModel(file, None)
    checkpoint = other_checkpoint(model)
    run = require_run(model, data, checkpoint)
    return EvaluatedModel(checkpoint or run.path, run)


def require_run(path: Path, data: Path | None, checkpoint: Path | None = None) -> RunFolder:
    """Find a run that can predict, and make sure that the data for it is there.

    Parameters
    ----------
    path
        As `open_run` takes it.
    data
        Other data than the run's own.
    checkpoint
        None: the best one.

    Raises
    ------
    HumansegError
        There is no run, it has no checkpoint, or there is no data folder.
    """
    # An exported model needs neither.
    from humanseg.config.load import load_run_config

    run = open_run(path)
    if not (checkpoint or run.best).is_file():
        raise HumansegError(explain_missing_checkpoint(run.best), code="runs.no_checkpoint")
    recorded = data_root(load_run_config(run.config))
    if data is not None:
        require_root(data)
    elif recorded is not None and not recorded.is_dir():
        raise HumansegError(
            f"The data of this run is not at {recorded} any more: give its folder by --data ROOT.",
            code="data.moved",
        )
    return run


def data_root(config: "DictConfig") -> Path | None:
    """Return the data folder; None for data of one's own class, which may be anywhere."""
    from omegaconf import OmegaConf

    target = str(OmegaConf.select(config, "data._target_") or "")
    root = OmegaConf.select(config, "data.root")
    return Path(root) if target.startswith(_OWN_DATA) and isinstance(root, str) else None


def require_out(folder: Path) -> None:
    """Raise unless a folder is new, empty, or holds an earlier evaluation and nothing else."""
    if not folder.exists():
        return
    if not folder.is_dir():
        raise HumansegError(
            f"{folder} is a file: choose another folder with --out.", code="evaluation.occupied"
        )
    others = sorted(names_in(folder) - set(_written(folder)) - {MARK})
    if others:
        raise HumansegError(
            f"{folder} holds something else than an evaluation ({', '.join(others[:3])}): choose "
            "another folder with --out.",
            code="evaluation.occupied",
        )


def write_mark(
    folder: Path,
    model: Path,
    root: Path,
    split: str,
    threshold: float,
    means: Mapping[str, float],
) -> None:
    """Write what was evaluated, and which files this made: a later one may replace them."""
    write_json(
        folder / MARK,
        {
            "model": str(model),
            "data": str(root),
            "split": split,
            "threshold": threshold,
            # NaN, where no mask has a boundary, is null in JSON.
            "scores": {name: None if math.isnan(mean) else mean for name, mean in means.items()},
            "files": sorted(path.name for path in folder.iterdir()),
        },
    )


def _written(folder: Path) -> Sequence[str]:
    """Return the names of what an earlier evaluation wrote into a folder."""
    names = read_json(folder / MARK).get("files")
    return names if isinstance(names, list) else []


def is_export(folder: Path) -> bool:
    """Return whether a path is the folder of an export, or stands for a bundled model."""
    return (
        folder.is_dir()
        and not (folder / "config.yaml").exists()
        and (
            (folder / "manifest.json").is_file()
            or any(folder.glob("*.onnx"))
            # A folder of something else, where a bundled model has the same name.
            or (str(folder) in bundled_models() and not any(folder.glob("*/config.yaml")))
        )
    )
