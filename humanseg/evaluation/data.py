"""The photos that a run is evaluated on."""

from collections import Counter
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from humanseg.config.build import build
from humanseg.data.layout.mask_rule import MaskRule
from humanseg.data.module import PhotoData
from humanseg.data.transforms.augmentation import Augmentation
from humanseg.errors import HumansegError
from humanseg.io.images import image_size
from humanseg.runs import RunFolder


def data_of(
    config: DictConfig, root: Path | None = None, rule: MaskRule | None = None
) -> PhotoData:
    """Open a run's data, or other data in the same way, without augmentation or folds.

    `rule` says how masks are read; None: as the run does.
    """
    none = {"extra": None, "extra_valid": None}
    other: dict[str, Any] = {} if root is None else {"root": str(root), "fold": None, **none}
    if rule is not None:
        other |= {"person_values": list(rule.person_values), "invert_masks": rule.invert}
    node = OmegaConf.merge(config.data, other)
    photos: PhotoData = build(node, augmentation=Augmentation([]), seed=config.seed)
    return photos


def sources_left_out(run: RunFolder, config: DictConfig, root: Path | None = None) -> str:
    """Return why the photos of `data.extra_valid` are not scored; empty where they can be.

    Parameters
    ----------
    run, config
        The run, and its config.
    root
        Other data that was asked for.
    """
    if not config.data.get("extra_valid"):
        return ""
    if root is not None:
        return "the scores by source: --data names other photos than data.extra_valid of the run"
    photos = data_of(config)
    try:
        photos.require_sound("extra_valid")
    except HumansegError as error:
        return (
            "the scores by source of data.extra_valid, whose folders are looked for in "
            f"{photos.splits.extra_folder}. Where they were moved, correct data.extra_root in "
            f"{run.config}. {error}"
        )
    return ""


def common_size(photos: PhotoData) -> tuple[int, int]:
    """Return height and width of most train photos, by their headers."""
    sizes = Counter(image_size(item.photo) for item in photos.items("train"))
    return sizes.most_common(1)[0][0]
