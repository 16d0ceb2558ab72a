"""Random changes to a photo and its mask, drawn from the seed, the epoch and the id."""

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any

import albumentations as A  # noqa: N812 - the field's name for it
import cv2
import numpy as np

from humanseg.data.labelled_photo import DrawPhoto, LabelledPhoto
from humanseg.data.transforms.copy_paste import CopyPaste
from humanseg.errors import HumansegError, first_line

# OpenCV's own threads fight torch's and those of the workers.
cv2.setNumThreads(0)

_APART = 0x9E3779B9  # 2^32 divided by the golden ratio


def sample_seed(seed: int, epoch: int, id: str, repeat: int = 0) -> int:
    """Derive the seed of one photo in one epoch, in [0, 2**32).

    `repeat` is how often the photo was drawn before in the epoch.

    It is the same on every machine, in every process and in every Python, which `hash` is not.
    """
    again = f"#{repeat}" if repeat else ""
    key = f"{seed}/{epoch}{again}/{id}".encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(key, digest_size=4).digest(), "big")


class Augmentation:
    """Albumentations transforms, applied one after the other to a photo and its mask.

    Parameters
    ----------
    transforms
        Built Albumentations transforms. Geometry acts on photo and mask alike.
    copy_paste
        Copy and paste of people and backgrounds, done first; None: none.

    Raises
    ------
    HumansegError
        An entry is not a transform, or was built with an argument that it does not know.
    """

    def __init__(self, transforms: Sequence[Any], copy_paste: CopyPaste | None = None) -> None:
        for position, transform in enumerate(transforms):
            _require_known_arguments(transform, position)
        self._transforms = (
            A.Compose(list(transforms), additional_targets={"soft": "mask"}) if transforms else None
        )
        self._copy_paste = copy_paste

    def __call__(
        self, photo: LabelledPhoto, seed: int, others: DrawPhoto | None = None
    ) -> LabelledPhoto:
        """Augment one photo.

        Parameters
        ----------
        photo
            What to change; it is left as it is.
        seed
            In [0, 2**32): the same seed gives the same result, whatever was drawn before.
        others
            Draws another photo for the copy and paste; without it there is none.

        Returns
        -------
        LabelledPhoto
            Contiguous. The size is the given one unless a transform crops or resizes.

        Raises
        ------
        HumansegError
            A transform failed, or returned something other than an 8-bit photo with its mask of 0
            and 1.
        """
        if self._copy_paste is not None and others is not None:
            photo = self._copy_paste(photo, others, np.random.default_rng([seed, 2]))
        if self._transforms is None:
            return photo.contiguous()
        # Albumentations draws from generators of its own, which workers and epochs would repeat. A
        # seed for the whole is the seed of each part: all would draw the same numbers, and a photo
        # be changed in every way or in none.
        for index, part in enumerate(_with_children(self._transforms)):
            part.set_random_seed((seed + index * _APART) % 2**32)
        layers = {"image": photo.photo, "mask": photo.mask, "soft": photo.soft}
        try:
            result = self._transforms(
                **{name: layer for name, layer in layers.items() if layer is not None}
            )
        except (MemoryError, cv2.error):  # OpenCV has one class for all errors, memory among them
            raise
        except Exception as error:
            height, width = photo.size
            raise HumansegError(
                f"The augmentation fails on a photo of {width}x{height} (width x height): "
                f"{first_line(error)}. Remove the transform that fails, or give it values that fit "
                "all photos: it gets them before they have the size of data.crop_size.",
                code="data.augmentation_failed",
            ) from error
        image, mask = result["image"], result["mask"]
        if image.dtype != np.uint8 or image.shape != (*mask.shape, 3):
            raise HumansegError(
                "The augmentation must return an 8-bit RGB photo of its mask's size, but returned "
                f"{image.dtype} {image.shape} with a mask of {mask.shape}. Take transforms like "
                "Normalize, ToTensorV2 or ToFloat out of it: the model normalises by itself.",
                code="data.augmented_to_other_type",
            )
        mask = mask.astype(np.uint8, copy=False)
        if mask.max(initial=0) > 1:
            raise HumansegError(
                f"The augmentation put the value {mask.max()} into a mask, which holds 0 for "
                "background and 1 for person, and no value to ignore: set fill_mask of its "
                "transforms to 0, or take border_mode=4 in place of it.",
                code="data.augmented_mask",
            )
        return LabelledPhoto(image, mask, result.get("soft")).contiguous()


def _require_known_arguments(transform: Any, position: int) -> None:
    """Raise where `transform`, or one inside it, was given an argument that it ignored."""
    for part in _with_children(transform):
        if not isinstance(part, A.BasicTransform | A.BaseCompose):
            raise HumansegError(
                f"Augmentation: entry {position} holds {type(part).__name__}, which is not an "
                "Albumentations transform. Give it a _target_ such as "
                "albumentations.HorizontalFlip.",
                code="data.not_a_transform",
            )
        # Albumentations only warns about these, and continues without them.
        unknown = getattr(part, "invalid_args", None)
        if unknown:
            raise HumansegError(
                f"Augmentation: {type(part).__name__} (entry {position}) does not know "
                f"{', '.join(unknown)}. Correct the name, or take it out.",
                code="data.unknown_argument",
            )


def _with_children(transform: Any) -> Iterator[Any]:
    """Yield `transform` and, where it holds others (OneOf, SomeOf, Compose), those too."""
    yield transform
    if isinstance(transform, A.BaseCompose):
        for child in transform.transforms:
            yield from _with_children(child)
