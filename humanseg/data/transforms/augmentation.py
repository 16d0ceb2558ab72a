"""Random changes to a photo and its mask, drawn from the seed, the epoch and the id."""

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any

import albumentations as A  # noqa: N812 - the field's name for it
import cv2
import numpy as np

from humanseg.data.picture import Draw, Picture
from humanseg.data.transforms.copy_paste import Collage
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
    collage
        What is done first, with people and backgrounds of other photos; None: nothing.

    Raises
    ------
    HumansegError
        An entry is not a transform, or was built with an argument that it does not know.
    """

    def __init__(self, transforms: Sequence[Any], collage: Collage | None = None) -> None:
        for position, transform in enumerate(transforms):
            _require_known_arguments(transform, position)
        self._transforms = (
            A.Compose(list(transforms), additional_targets={"soft": "mask"}) if transforms else None
        )
        self._collage = collage

    def __call__(self, picture: Picture, seed: int, others: Draw | None = None) -> Picture:
        """Augment one photo.

        Parameters
        ----------
        picture
            What to change; it is left as it is.
        seed
            In [0, 2**32): the same seed gives the same result, whatever was drawn before.
        others
            Draws another photo for the collage; without it there is none.

        Returns
        -------
        Picture
            Contiguous. The size is the given one unless a transform crops or resizes.

        Raises
        ------
        HumansegError
            A transform returned something other than an 8-bit photo with its mask.
        """
        if self._collage is not None and others is not None:
            picture = self._collage(picture, others, np.random.default_rng([seed, 2]))
        if self._transforms is None:
            return picture.contiguous()
        # Albumentations draws from generators of its own, which workers and epochs would repeat.
        self._transforms.set_random_seed(seed)
        layers = {"image": picture.photo, "mask": picture.mask, "soft": picture.soft}
        result = self._transforms(**{name: one for name, one in layers.items() if one is not None})
        photo, outline = result["image"], result["mask"]
        if photo.dtype != np.uint8 or photo.shape != (*outline.shape, 3):
            raise HumansegError(
                "The augmentation must return an 8-bit RGB photo of its mask's size, but returned "
                f"{photo.dtype} {photo.shape} with a mask of {outline.shape}. Take transforms like "
                "Normalize, ToTensorV2 or ToFloat out of it: the model normalises by itself."
            )
        return Picture(photo, outline.astype(np.uint8, copy=False), result.get("soft")).contiguous()


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
