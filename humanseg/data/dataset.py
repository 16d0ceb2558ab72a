"""Datasets that give photos as samples of a batch."""

from collections.abc import Sequence
from typing import TypedDict

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from humanseg.data.cache.photos import DecodedPhotos
from humanseg.data.labelled_photo import LabelledPhoto, Pixels
from humanseg.data.photo_sets import LabelledPhotos
from humanseg.data.transforms.augmentation import Augmentation, sample_seed
from humanseg.data.transforms.resize import ResizeMode, resize_to

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
    """Augmented photos of one size; a sample follows from the seed, the epoch and the id."""

    def __init__(
        self,
        photos: LabelledPhotos,
        augmentation: Augmentation,
        size: tuple[int, int],
        resize_mode: ResizeMode,
        seed: int,
    ) -> None:
        self._photos = photos
        # Others are drawn from the sorted ids: the order of the photos does not matter.
        self._by_id = sorted(range(len(photos)), key=photos.ids.__getitem__)
        self._augmentation = augmentation
        self._size = size
        self._resize_mode: ResizeMode = resize_mode
        self._seed = seed

    def __len__(self) -> int:
        """Count the photos."""
        return len(self._photos)

    def __getitem__(self, draw: tuple[int, int, int]) -> Sample:
        """Draw a sample by the epoch, the photo's index, and its earlier draws in the epoch.

        The epoch comes with each draw because workers live longer than an epoch.
        """
        epoch, index, repeat = draw
        id = self._photos.ids[index]
        seed = sample_seed(self._seed, epoch, id, repeat)
        augmented = self._augmentation(self._photos[index], seed, self._other)
        photo, mask, soft = resize_to(augmented, self._size, self._resize_mode, seed)
        sample: Sample = {"image": _image(photo), "mask": _layer(mask), "id": id}
        if soft is not None:
            sample["soft"] = _layer(soft)
        return sample

    def _other(self, generator: np.random.Generator) -> LabelledPhoto:
        return self._photos[self._by_id[int(generator.integers(len(self)))]]


class WholePhotos(Dataset[Sample]):
    """Photos as they are, at their own size, with masks or without."""

    def __init__(self, ids: Sequence[str], photos: DecodedPhotos) -> None:
        self._ids = list(ids)
        self._photos = photos

    def __len__(self) -> int:
        """Count the photos."""
        return len(self._ids)

    def __getitem__(self, index: int) -> Sample:
        """Return a photo as a sample."""
        photo, mask = self._photos[index]
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
    # A copy: cached pixels may be a read-only map that all processes share.
    return torch.from_numpy(np.array(photo)).permute(2, 0, 1)


def _layer(layer: Pixels) -> Tensor:
    return torch.from_numpy(np.array(layer))[None]
