"""What is exported: a run's best model, its settings and its data."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from omegaconf import DictConfig, OmegaConf

from humanseg.config.checking.check import check_config
from humanseg.config.find import conf_folder
from humanseg.data.cache.photos import UncachedPhotos
from humanseg.data.module import PhotoData
from humanseg.errors import HumansegError
from humanseg.evaluation.data import data_of
from humanseg.exporting.network import PhotoToMask
from humanseg.exporting.writers.int8 import PhotoAndMask
from humanseg.io.images import image_size
from humanseg.models.checkpoint import load_segmenter, prediction_side
from humanseg.runs import RunFolder, read_summary


@dataclass(frozen=True)
class ExportSource:
    """The best model of a run, ready to be exported.

    Attributes
    ----------
    run
        Its folder.
    config
        Its settings.
    summary
        What came out of it.
    network
        The best checkpoint in fp32, with the run's threshold.
    name
        Such as `unet-efficientnet_lite0`.
    """

    run: RunFolder
    config: DictConfig
    summary: dict[str, Any]
    network: PhotoToMask
    name: str


def open_source(run: RunFolder) -> ExportSource:
    """Load the best checkpoint of a run.

    Raises
    ------
    HumansegError
        The run is broken, or its threshold was to be tuned and has not been yet.
    """
    segmenter, config = load_segmenter(run)
    check_config(config)
    summary = read_summary(run.summary)
    threshold = summary.get("threshold") if config.threshold == "tune" else config.threshold
    if not isinstance(threshold, int | float):
        raise HumansegError(
            f"The threshold of {run.path} is tuned at the end of its training, which it has not "
            f"reached: go on by humanseg train resume={run.path}.",
            code="export.no_threshold",
        )
    parts = (_value_of("model", config.model), _value_of("backbone", config.backbone))
    network = PhotoToMask(segmenter, float(threshold))
    return ExportSource(run, config, summary, network, "-".join(parts))


def open_data(source: ExportSource, root: Path | None) -> tuple[PhotoData, bool]:
    """Open the data that a run is verification on.

    Parameters
    ----------
    source
        The run.
    root
        The data folder; None: where the run found it.

    Returns
    -------
    photos
        The run's own split, wherever it lies now; `root` as it is where it is other data.
    own
        Whether the valid photos are those that the run was scored on.

    Raises
    ------
    HumansegError
        The data is not where it was, or its valid photos are not sound.
    """
    config = source.config
    photos = data_of(config)
    if root is not None:
        moved = OmegaConf.merge(config, {"data": {"root": str(root)}})
        assert isinstance(moved, DictConfig)
        photos = data_of(moved)
    elif not photos.root.is_dir():
        raise HumansegError(
            f"The data of this run is not at {photos.root} any more: say where it is by "
            "--data ROOT.",
            code="data.moved",
        )
    photos.require_sound("valid")
    recorded = (source.summary.get("data") or {}).get("valid_sha256")
    own = recorded is None or photos.valid_sha256() == recorded
    if not own and photos.fold is not None:
        photos = data_of(config, root)
        photos.require_sound("valid")
    return photos, own


def common_size(photos: PhotoData) -> tuple[int, int]:
    """Height and width of most train photos, by their headers."""
    sizes = Counter(image_size(item.photo) for item in photos.items("train"))
    return sizes.most_common(1)[0][0]


def working_side(config: DictConfig, size: tuple[int, int]) -> int:
    """Return the longer side that a model works at.

    Parameters
    ----------
    config
        Of its run.
    size
        Height and width of most train photos.

    Returns
    -------
    int
        `eval_size` or `data.train_size`; without them, the longer side of the training
        samples.
    """
    return prediction_side(config) or int(max(config.data.get("crop_size") or size))


def train_pairs(photos: PhotoData, count: int, seed: int = 0) -> list[PhotoAndMask]:
    """Draw photos that were trained on with their masks, at their own size.

    Those of `data.extra` too, where they are; not those in which nobody is.

    Parameters
    ----------
    photos
        The data.
    count
        How many at most.
    seed
        The choice follows from it.

    Returns
    -------
    list of PhotoAndMask
        In random order.
    """
    items = photos.items("train")
    if photos.splits.extra and photos.extra_root.is_dir():
        items = [*items, *(item for item in photos.items("extra") if item.mask is not None)]
    order = np.random.default_rng(seed).permutation(len(items))[:count]
    store = UncachedPhotos([items[place] for place in order])
    pairs = []
    for index in range(len(store)):
        photo, mask = store[index]
        assert mask is not None
        pairs.append((np.ascontiguousarray(photo.transpose(2, 0, 1)[None]), mask))
    return pairs


def _value_of(group: str, node: DictConfig) -> str:
    """Find which shipped value of a group a part of a config was made from."""
    best, most = str(node["_target_"]).split(".")[-1].lower(), 0
    for path in sorted((conf_folder() / group).glob("*.yaml")):
        shipped = OmegaConf.load(path)
        assert isinstance(shipped, DictConfig)
        same = sum(key in node and node[key] == value for key, value in shipped.items())
        decisive = all(node.get(key) == shipped.get(key) for key in ("_target_", "name"))
        if decisive and same > most:
            best, most = path.stem, same
    return best if group == "model" or most else str(node.get("name", best))
