"""Random changes to a photo and its mask, drawn from the seed, the epoch and the id."""

import os

# Albumentations asks the network for its newest version when it is imported without this.
os.environ["NO_ALBUMENTATIONS_UPDATE"] = "1"

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any

import albumentations as A  # noqa: N812 - the field's name for it
import cv2
import numpy as np
from numpy.typing import NDArray

from humanseg.errors import HumansegError

# OpenCV's own threads fight torch's and those of the workers.
cv2.setNumThreads(0)


def sample_seed(seed: int, epoch: int, id: str) -> int:
    """Derive the seed of one photo in one epoch.

    The same on every machine, in every process and in every Python, which `hash` is not.

    Parameters
    ----------
    seed
        The run's seed.
    epoch
        The epoch, from 0.
    id
        The photo's id.

    Returns
    -------
    int
        In [0, 2**32).
    """
    key = f"{seed}/{epoch}/{id}".encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(key, digest_size=4).digest(), "big")


class Augmentation:
    """Albumentations transforms, applied one after the other to a photo and its mask.

    Parameters
    ----------
    transforms
        Built Albumentations transforms. Geometry acts on photo and mask alike.

    Raises
    ------
    HumansegError
        An entry is not a transform, or was built with an argument that it does not know.
    """

    def __init__(self, transforms: Sequence[Any]) -> None:
        for position, transform in enumerate(transforms):
            _require_known_arguments(transform, position)
        self._transforms = A.Compose(list(transforms)) if transforms else None

    def __call__(
        self, image: NDArray[np.uint8], mask: NDArray[np.uint8], seed: int
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Augment one photo.

        Parameters
        ----------
        image
            (H, W, 3) RGB; it is not changed.
        mask
            (H, W) in {0, 1}; it is not changed.
        seed
            In [0, 2**32): the same seed gives the same result, whatever was drawn before.

        Returns
        -------
        tuple of ndarray
            Photo (h, w, 3) and mask (h, w) in {0, 1}, uint8 and contiguous. The size is the
            given one unless a transform crops or resizes.

        Raises
        ------
        HumansegError
            A transform returned something other than an 8-bit photo with its mask.
        """
        if self._transforms is None:
            return np.ascontiguousarray(image), np.ascontiguousarray(mask)
        # Albumentations draws from generators of its own, which workers and epochs would repeat.
        self._transforms.set_random_seed(seed)
        result = self._transforms(image=image, mask=mask)
        photo, outline = result["image"], result["mask"]
        if photo.dtype != np.uint8 or photo.shape != (*outline.shape, 3):
            raise HumansegError(
                "The augmentation must return an 8-bit RGB photo of its mask's size, but returned "
                f"{photo.dtype} {photo.shape} with a mask of {outline.shape}. Take transforms like "
                "Normalize, ToTensorV2 or ToFloat out of it: the model normalises by itself."
            )
        return np.ascontiguousarray(photo), np.ascontiguousarray(outline, np.uint8)


def _require_known_arguments(transform: Any, position: int) -> None:
    """Raise where `transform`, or one inside it, was given an argument that it ignored."""
    for part in _with_children(transform):
        if not isinstance(part, A.BasicTransform | A.BaseCompose):
            raise HumansegError(
                f"Augmentation: entry {position} holds {type(part).__name__}, which is not an "
                "Albumentations transform. Give it a _target_ such as "
                "albumentations.HorizontalFlip."
            )
        # Albumentations only warns about these, and goes on without them.
        unknown = getattr(part, "invalid_args", None)
        if unknown:
            raise HumansegError(
                f"Augmentation: {type(part).__name__} (entry {position}) does not know "
                f"{', '.join(unknown)}. Correct the name, or take it out."
            )


def _with_children(transform: Any) -> Iterator[Any]:
    """Yield `transform` and, where it holds others (OneOf, SomeOf, Compose), those too."""
    yield transform
    if isinstance(transform, A.BaseCompose):
        for child in transform.transforms:
            yield from _with_children(child)
