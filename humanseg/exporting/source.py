"""What is exported: a run's best model, its settings and its data."""

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
from humanseg.models.onnx.run_file import TrainedNetwork, load_network
from humanseg.runs import RunFolder, read_summary


@dataclass(frozen=True)
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
    """

    run: RunFolder
    summary: dict[str, Any]
    checkpoint: Path | None = None

    @property
    def label(self) -> str:
        """The name of the run, and of the checkpoint where it is another than the best one."""
        name = self.run.path.name
        return name if self.checkpoint is None else f"{name}, {self.checkpoint.name}"


def open_source(run: RunFolder, checkpoint: Path | None = None) -> ExportSource:
    """Load the best checkpoint of a run, or another one of it."""
    trained = load_network(run, checkpoint)
    check_config(trained.config)
    return ExportSource(
        **vars(trained), run=run, summary=read_summary(run.summary), checkpoint=checkpoint
    )


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
