"""What is exported: a run's best model or several runs as one, their settings and their data."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from omegaconf import DictConfig, OmegaConf

from humanseg.config.checking.check import check_config
from humanseg.data.cache.photos import UncachedPhotos
from humanseg.data.module import PhotoData
from humanseg.errors import HumansegError
from humanseg.evaluation.data import data_of
from humanseg.exporting.writers.int8 import PhotoAndMask
from humanseg.models.onnx.run_file import TrainedNetwork, load_network, make_ensemble
from humanseg.runs import RunFolder, open_run, read_summary
from humanseg.runs.folder import other_checkpoint
from humanseg.training.preflight.unseen import require_unseen


@dataclass(frozen=True, kw_only=True)
class ExportSource(TrainedNetwork):
    """The best model of a run, ready to be exported.

    Attributes
    ----------
    run
        Its folder.
    summary
        What came out of it.
    checkpoint
        Another of the run's checkpoints than the best one.
    ensemble
        The names of other runs in it, and their weights; the run's own is the rest to 1.
    """

    run: RunFolder
    summary: dict[str, Any]
    checkpoint: Path | None = None
    ensemble: tuple[tuple[str, float], ...] = ()

    @property
    def label(self) -> str:
        """The name of the run, of a checkpoint that is not the best one, and of others in it."""
        names = [self.run.path.name, *([self.checkpoint.name] if self.checkpoint else ())]
        return ", ".join([*names, *(f"{name} {weight:g}" for name, weight in self.ensemble)])

    @property
    def is_as_scored(self) -> bool:
        """Whether it predicts what the run's own scores are of."""
        return self.checkpoint is None and not self.ensemble


def open_source(
    run: RunFolder, checkpoint: Path | None = None, ensemble: Mapping[Path, float] | None = None
) -> ExportSource:
    """Load the best checkpoint of a run, or another one of it, with other runs by their weights."""
    trained = load_network(run, checkpoint)
    check_config(trained.config)
    weights = ensemble or {}
    for path in weights:
        require_unseen(open_run(path), "--ensemble", path, trained.config)
    if weights:
        others = [load_network(open_run(path), other_checkpoint(path)) for path in weights]
        trained = make_ensemble(trained, others, list(weights.values()))
    return ExportSource(
        **vars(trained),
        run=run,
        summary=read_summary(run.summary),
        checkpoint=checkpoint,
        ensemble=tuple((_member_name(path), weight) for path, weight in weights.items()),
    )


def _member_name(path: Path) -> str:
    """Name a run of an ensemble, with its checkpoint where that is not the best one."""
    name, checkpoint = open_run(path).path.name, other_checkpoint(path)
    return f"{name}/{checkpoint.name}" if checkpoint else name


def open_data(source: ExportSource, root: Path | None) -> tuple[PhotoData, bool]:
    """Open the data to verify an export on, and say whether the run was scored on its photos.

    The photos are the run's own split, wherever it is now; `root` as it is where it is other data.
    """
    config = source.config
    photos = data_of(config)
    if root is not None:
        moved = OmegaConf.merge(config, {"data": {"root": str(root)}})
        assert isinstance(moved, DictConfig)
        photos = data_of(moved)
    elif not photos.root.is_dir():
        raise HumansegError(
            f"The data of this run is not at {photos.root} any more: give its folder by "
            "--data ROOT.",
            code="data.moved",
        )
    photos.require_sound("valid")
    recorded = (source.summary.get("data") or {}).get("valid_sha256")
    is_same_data = recorded is None or photos.valid_sha256() == recorded
    if not is_same_data and photos.fold is not None:
        photos = data_of(config, root)
        photos.require_sound("valid")
    return photos, is_same_data


def train_pairs(photos: PhotoData, count: int) -> list[PhotoAndMask]:
    """Draw photos that were trained on with their masks, at their own size, in random order.

    Those of `data.extra` too, where they are; not photos without people.
    """
    items = photos.items("train")
    if photos.splits.extra and photos.splits.extra_folder.is_dir():
        items = [*items, *(item for item in photos.items("extra") if item.mask is not None)]
    order = np.random.default_rng(0).permutation(len(items))[:count]
    store = UncachedPhotos([items[index] for index in order])
    pairs = []
    for index in range(len(store)):
        photo, mask = store[index]
        assert mask is not None
        pairs.append((np.ascontiguousarray(photo.transpose(2, 0, 1)[None]), mask))
    return pairs
