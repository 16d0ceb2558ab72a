"""Photos and masks, decoded once."""

import hashlib
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Literal, Protocol

import cv2
import numpy as np

from humanseg.data.cache.buffer import PackedLayers, PackedPhotos, in_memory, on_disk
from humanseg.data.layout.folders import Item
from humanseg.data.layout.mask_rule import AS_DRAWN
from humanseg.data.picture import Pixels
from humanseg.data.small_components import without_specks
from humanseg.io.images import image_size, read_photo
from humanseg.io.resizing import working_size

Decoded = dict[Path, tuple[Pixels, Pixels | None]]
Cache = Literal["memory", "disk", "none"]


class PhotoStore(Protocol):
    """A sequence of decoded photos with their masks."""

    def __len__(self) -> int:
        """Count the photos."""
        ...

    def __getitem__(self, index: int) -> tuple[Pixels, Pixels | None]:
        """Photo (H,W,3) RGB and mask (H,W) in {0,1}, None where the split has no masks."""
        ...

    def size(self, index: int) -> tuple[int, int]:
        """Height and width of a photo, without decoding it."""
        ...


class DecodedOnTheFly:
    """Photos read from their files each time they are asked for.

    Parameters
    ----------
    items
        What to read.
    long_side
        The longer side to scale photos and masks to; None leaves them as they are.
    decoded
        Pixels that are at hand already, by the photo's path. Each is given out once and forgotten.
    clean_specks
        Parts of a mask with fewer pixels than this, at its file's size, are taken out.
    """

    def __init__(
        self,
        items: Sequence[Item],
        long_side: int | None = None,
        decoded: Decoded | None = None,
        clean_specks: int = 0,
    ) -> None:
        self._items = list(items)
        self._long_side = long_side
        self._clean_specks = clean_specks
        self._decoded: Decoded = {} if decoded is None else decoded

    def __len__(self) -> int:
        """Count the photos."""
        return len(self._items)

    def __getitem__(self, index: int) -> tuple[Pixels, Pixels | None]:
        """Photo (H,W,3) RGB and mask (H,W) in {0,1}, None where the split has no masks."""
        item = self._items[index]
        known = item.photo in self._decoded
        photo, mask = self._decoded.pop(item.photo) if known else _read(item)
        size = scaled_size(photo.shape[:2], self._long_side)
        if mask is not None and self._clean_specks:
            mask = without_specks(mask, self._clean_specks)
        return resized(photo, size), None if mask is None else _resized_mask(mask, size)

    def size(self, index: int) -> tuple[int, int]:
        """Height and width of a photo, without decoding it."""
        return scaled_size(image_size(self._items[index].photo), self._long_side)


def open_store(
    items: Sequence[Item],
    cache: Cache = "memory",
    bound_gb: float = 4.0,
    long_side: int | None = None,
    decoded: Decoded | None = None,
    clean_specks: int = 0,
) -> PhotoStore:
    """Decode photos and masks, and keep them.

    Parameters
    ----------
    items
        What to decode. They are sound: `humanseg.data.checks.before_training` has seen them.
    cache
        `memory`; `disk`: a file that is mapped into memory, shared by processes and used again by
        the next run; `none`: decode each time.
    bound_gb
        More than this many gigabytes of pixels are not kept but decoded on the fly.
    long_side
        The longer side to scale photos and masks to; None leaves them as they are.
    decoded
        Pixels that are at hand already, by the photo's path; they are taken out of it.
    clean_specks
        Parts of a mask with fewer pixels than this, at its file's size, are taken out.

    Returns
    -------
    PhotoStore
        In the order of `items`.

    Raises
    ------
    HumansegError
        A disk cache cannot be written.
    """
    reader = DecodedOnTheFly(items, long_side, decoded, clean_specks)
    depth = 4 if all(item.mask is not None for item in items) else 3
    sizes = np.array([reader.size(index) for index in range(len(items))], dtype=np.int64)
    sizes = sizes.reshape(-1, 2)  # of no photos, too
    if cache == "none" or int(sizes.prod(axis=1).sum()) * depth > bound_gb * 1e9:
        return reader
    fill = partial(_fill, reader=reader)
    if cache == "memory":
        return in_memory(PackedPhotos, sizes, depth, fill)
    name = items_fingerprint(items, long_side, clean_specks)
    return on_disk(PackedPhotos, name, sizes, depth, fill)


def scaled_size(size: tuple[int, ...], long_side: int | None) -> tuple[int, int]:
    """Height and width (H,W) scaled so that the longer one is `long_side`."""
    height, width = size[:2]
    return (height, width) if long_side is None else working_size(height, width, long_side)


def scaled_layers(layers: PackedLayers, photos: PhotoStore) -> PackedLayers:
    """Bring layers to the sizes of their photos; as they are where they fit.

    Parameters
    ----------
    layers
        Probabilities, not two-valued masks: they are interpolated.
    photos
        Of the same pictures, in the same order.
    """
    sizes = np.array([photos.size(index) for index in range(len(photos))], dtype=np.int64)
    if np.array_equal(sizes, layers.sizes):
        return layers

    def fill(scaled: PackedLayers) -> None:
        for index in range(len(scaled)):
            scaled[index][...] = resized(layers[index], scaled.size(index))

    return in_memory(PackedLayers, sizes, 1, fill)


def resized(pixels: Pixels, size: tuple[int, int]) -> Pixels:
    """Scale a photo (h,w,3) or a layer (h,w) to height and width; as it is where they fit."""
    if pixels.shape[:2] == size:
        return pixels
    way = cv2.INTER_AREA if size[0] < pixels.shape[0] else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(pixels, size[::-1], interpolation=way), dtype=np.uint8)


def _resized_mask(mask: Pixels, size: tuple[int, int]) -> Pixels:
    # A mask pixel is person where most of what it covers is.
    same = mask.shape == size
    return mask if same else (resized(mask * np.uint8(255), size) > 127).astype(np.uint8)


def _read(item: Item) -> tuple[Pixels, Pixels | None]:
    return read_photo(item.photo), None if item.mask is None else item.rule.read(item.mask)


def _fill(store: PackedPhotos, reader: DecodedOnTheFly) -> None:
    for index in range(len(reader)):
        into_photo, into_mask = store[index]
        photo, mask = reader[index]
        into_photo[...] = photo
        if into_mask is not None and mask is not None:
            into_mask[...] = mask


def items_fingerprint(items: Sequence[Item], *settings: object) -> str:
    """Change when a setting or any file does: by its path, size and time, without reading it."""
    digest = hashlib.sha256(f"{settings}\0".encode())
    for item in items:
        if item.rule != AS_DRAWN:
            digest.update(f"{item.rule}\0".encode())
        for path in (item.photo, item.mask):
            if path is not None:
                stat = path.stat()
                digest.update(f"{path.resolve()}\0{stat.st_size}\0{stat.st_mtime_ns}\0".encode())
    return digest.hexdigest()[:32]
