"""Photos as samples of a batch."""

from collections.abc import Sequence
from typing import TypedDict

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from humanseg.data.cache.store import PhotoStore
from humanseg.data.picture import Picture, Pixels
from humanseg.data.pictures import Pictures
from humanseg.data.transforms.augmentation import Augmentation, sample_seed
from humanseg.data.transforms.resize import Fit, fit_to

# OpenCV's own threads fight torch's and the workers'.
cv2.setNumThreads(0)


class Sample(TypedDict, total=False):
    """One photo on its way into a batch; `mask` and `soft` are missing where there is none."""

    image: Tensor
    mask: Tensor
    soft: Tensor
    id: str


class Batch(TypedDict, total=False):
    """Photos of one size: image uint8 (N,3,H,W), mask uint8 (N,1,H,W) in {0,1}, N ids.

    With a teacher also soft, uint8 (N,1,H,W): its probability of person, 255 for 1.
    """

    image: Tensor
    mask: Tensor
    soft: Tensor
    id: list[str]


class TrainPhotos(Dataset[Sample]):
    """Augmented photos of one size.

    Parameters
    ----------
    pictures
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
        pictures: Pictures,
        augmentation: Augmentation,
        size: tuple[int, int],
        fit: Fit,
        seed: int,
    ) -> None:
        self._pictures = pictures
        # Others are drawn from the ids in a fixed order: the place of a photo does not matter.
        self._by_id = sorted(range(len(pictures)), key=pictures.ids.__getitem__)
        self._augmentation = augmentation
        self._size = size
        self._fit: Fit = fit
        self._seed = seed

    def __len__(self) -> int:
        """Count the photos."""
        return len(self._pictures)

    def __getitem__(self, draw: tuple[int, int]) -> Sample:
        """Draw a sample.

        Parameters
        ----------
        draw
            The epoch and the photo's index. The epoch comes with each draw because workers live
            longer than an epoch.
        """
        epoch, index = draw
        identity = self._pictures.ids[index]
        seed = sample_seed(self._seed, epoch, identity)
        picture = self._augmentation(self._pictures[index], seed, self._other)
        photo, mask, soft = fit_to(picture, self._size, self._fit, seed)
        sample: Sample = {"image": _image(photo), "mask": _layer(mask), "id": identity}
        if soft is not None:
            sample["soft"] = _layer(soft)
        return sample

    def _other(self, generator: np.random.Generator) -> Picture:
        return self._pictures[self._by_id[int(generator.integers(len(self)))]]


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
            sample["mask"] = _layer(mask)
        return sample


def collate(samples: Sequence[Sample]) -> Batch:
    """Stack samples of one size into a batch."""
    batch: Batch = {
        "image": torch.stack([sample["image"] for sample in samples]),
        "id": [sample["id"] for sample in samples],
    }
    if "mask" in samples[0]:
        batch["mask"] = torch.stack([sample["mask"] for sample in samples])
    if "soft" in samples[0]:
        batch["soft"] = torch.stack([sample["soft"] for sample in samples])
    return batch


def _image(photo: Pixels) -> Tensor:
    # A copy: the store's pixels may be a read-only map that all processes share.
    return torch.from_numpy(np.array(photo)).permute(2, 0, 1)


def _layer(layer: Pixels) -> Tensor:
    return torch.from_numpy(np.array(layer))[None]
