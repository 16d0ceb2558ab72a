"""Photos as samples of a batch."""

from collections.abc import Sequence
from typing import TypedDict

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from humanseg.data.augmentation import Augmentation, sample_seed
from humanseg.data.fit import Fit, fit_to
from humanseg.data.picture import Picture, Pixels
from humanseg.data.store import PhotoStore

# OpenCV's own threads fight torch's and the workers'.
cv2.setNumThreads(0)


class Sample(TypedDict, total=False):
    """One photo on its way into a batch; `mask` is missing where the split has none."""

    image: Tensor
    mask: Tensor
    id: str


class Batch(TypedDict, total=False):
    """Photos of one size: image uint8 (N,3,H,W), mask uint8 (N,1,H,W) in {0,1}, N ids."""

    image: Tensor
    mask: Tensor
    id: list[str]


class TrainPhotos(Dataset[Sample]):
    """Augmented photos of one size.

    Parameters
    ----------
    ids
        The photos' ids, in the order of `store`.
    store
        Decoded photos with masks.
    augmentation
        What is done to each photo and its mask.
    size
        Height and width of every sample.
    fit
        How a photo of another size is brought to `size`.
    seed
        With the epoch and the id, all that the randomness of a sample depends on.
    """

    def __init__(
        self,
        ids: Sequence[str],
        store: PhotoStore,
        augmentation: Augmentation,
        size: tuple[int, int],
        fit: Fit,
        seed: int,
    ) -> None:
        self._ids = list(ids)
        # Others are drawn from the ids in a fixed order: the place of a photo does not matter.
        self._by_id = sorted(range(len(self._ids)), key=self._ids.__getitem__)
        self._store = store
        self._augmentation = augmentation
        self._size = size
        self._fit: Fit = fit
        self._seed = seed

    def __len__(self) -> int:
        """Count the photos."""
        return len(self._ids)

    def __getitem__(self, draw: tuple[int, int]) -> Sample:
        """Draw a sample.

        Parameters
        ----------
        draw
            The epoch and the photo's index. The epoch comes with each draw because workers live
            longer than an epoch.
        """
        epoch, index = draw
        identity = self._ids[index]
        seed = sample_seed(self._seed, epoch, identity)
        picture = self._augmentation(self._picture(index), seed, self._other)
        photo, mask, _ = fit_to(picture, self._size, self._fit, seed)
        return {"image": _image(photo), "mask": _mask(mask), "id": identity}

    def _picture(self, index: int) -> Picture:
        photo, mask = self._store[index]
        if mask is None:
            raise ValueError(f"Train photo {self._ids[index]} has no mask.")
        return Picture(photo, mask)

    def _other(self, generator: np.random.Generator) -> Picture:
        return self._picture(self._by_id[int(generator.integers(len(self)))])


class WholePhotos(Dataset[Sample]):
    """Photos as they are, at their own size.

    Parameters
    ----------
    ids
        The photos' ids, in the order of `store`.
    store
        Decoded photos, with or without masks.
    """

    def __init__(self, ids: Sequence[str], store: PhotoStore) -> None:
        self._ids = list(ids)
        self._store = store

    def __len__(self) -> int:
        """Count the photos."""
        return len(self._ids)

    def __getitem__(self, index: int) -> Sample:
        """Photo number `index` as a sample."""
        photo, mask = self._store[index]
        sample: Sample = {"image": _image(photo), "id": self._ids[index]}
        if mask is not None:
            sample["mask"] = _mask(mask)
        return sample


def collate(samples: Sequence[Sample]) -> Batch:
    """Stack samples of one size into a batch."""
    batch: Batch = {
        "image": torch.stack([sample["image"] for sample in samples]),
        "id": [sample["id"] for sample in samples],
    }
    if "mask" in samples[0]:
        batch["mask"] = torch.stack([sample["mask"] for sample in samples])
    return batch


def _image(photo: Pixels) -> Tensor:
    # A copy: the store's pixels may be a read-only map that all processes share.
    return torch.from_numpy(np.array(photo)).permute(2, 0, 1)


def _mask(mask: Pixels) -> Tensor:
    return torch.from_numpy(np.array(mask))[None]
