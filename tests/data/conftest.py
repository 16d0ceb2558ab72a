import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import albumentations as A  # noqa: N812
import cv2
import numpy as np
import pytest
from PIL import Image

from humanseg.data.module import PhotoData
from humanseg.data.transforms.augmentation import Augmentation
from humanseg.data.transforms.copy_paste import CopyPaste

SIZE = (80, 60)


def draw_photo(seed: int, size: tuple[int, int] = SIZE) -> np.ndarray:
    """A smooth picture with edges, uint8 (H, W, 3), that no other seed resembles."""
    rng = np.random.default_rng(seed)
    coarse = rng.uniform(0, 255, (8, 6, 3)).astype(np.float32)
    picture = cv2.resize(coarse, size[::-1], interpolation=cv2.INTER_CUBIC)
    return np.clip(picture, 0, 255).astype(np.uint8)


def draw_mask(size: tuple[int, int] = SIZE) -> np.ndarray:
    """A person of a quarter of the pixels, uint8 (H, W) in {0, 255}."""
    mask = np.zeros(size, np.uint8)
    mask[size[0] // 4 : size[0] * 3 // 4, size[1] // 4 : size[1] * 3 // 4] = 255
    return mask


def save(path: Path, pixels: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return path


@pytest.fixture
def photo_of() -> Callable[..., np.ndarray]:
    return draw_photo


@pytest.fixture
def put() -> Callable[[Path, np.ndarray], Path]:
    return save


@pytest.fixture
def five_folders(tmp_path: Path) -> Path:
    """A sound data folder: ids 1..4 in train, 5 and 6 in valid, 7 and 8 in test."""
    root = tmp_path / "data"
    for split, ids in (("train", (1, 2, 3, 4)), ("valid", (5, 6)), ("test", (7, 8))):
        for id in ids:
            save(root / split / f"{id}.jpg", draw_photo(id))
            if split != "test":
                save(root / f"{split}_mask" / f"{id}.png", draw_mask())
    return root


class Open(Protocol):
    def __call__(self, collage: CopyPaste | None = None, **changes: Any) -> PhotoData: ...


@pytest.fixture
def root(tmp_path: Path, sample_root: Path) -> Path:
    """A copy of the sample, to be changed."""
    shutil.copytree(sample_root, tmp_path / "data")
    return tmp_path / "data"


@pytest.fixture
def opened(sample_root: Path) -> Open:
    def make(collage: CopyPaste | None = None, **changes: Any) -> PhotoData:
        transforms = [A.HorizontalFlip(p=0.5), A.Affine(rotate=(-20, 20), p=1)]
        options: dict[str, Any] = {
            "root": str(sample_root),
            "batch_size": 2,
            "workers": 0,
        } | changes
        return PhotoData(augmentation=Augmentation(transforms, collage), **options)

    return make


def ids_of(batches: list[dict[str, Any]]) -> list[str]:
    return [identity for batch in batches for identity in batch["id"]]


def concerns(data: PhotoData) -> list[str]:
    data.check()
    return data.concerns()
