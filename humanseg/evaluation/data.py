"""The photos that a run is evaluated on."""

from collections import Counter
from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from humanseg.config.build import build
from humanseg.data.module import PhotoData
from humanseg.data.transforms.augmentation import Augmentation
from humanseg.io.images import image_size


def data_of(config: DictConfig, root: Path | None = None) -> PhotoData:
    """Open a run's data, or other data in the same way, without augmentation or folds."""
    none = {"extra": None, "extra_valid": None}
    other = {} if root is None else {"root": str(root), "fold": None, **none}
    node = OmegaConf.merge(config.data, other)
    photos: PhotoData = build(node, augmentation=Augmentation([]), seed=config.seed)
    return photos


def common_size(photos: PhotoData) -> tuple[int, int]:
    """Return height and width of most train photos, by their headers."""
    sizes = Counter(image_size(item.photo) for item in photos.items("train"))
    return sizes.most_common(1)[0][0]
