"""Photos and masks, decoded once."""

import hashlib
from collections.abc import Sequence
from functools import partial
from typing import Literal, TypeAlias

import cv2
import numpy as np

from humanseg.data.cache.buffer import LayerCache, PhotoCache, in_memory, on_disk
from humanseg.data.labelled_photo import Pixels
from humanseg.data.layout.folders import Item
from humanseg.data.layout.mask_rule import AS_DRAWN
from humanseg.data.small_components import clean_mask
from humanseg.io.images import image_size, read_photo
from humanseg.io.resizing import working_size

Decoded = dict[Item, tuple[Pixels, Pixels | None]]
CacheMode = Literal["memory", "disk", "none"]


class UncachedPhotos:
    """Photos decoded each time they are read.

    They are scaled to a longer side of `train_size`, and lose the components of their masks with
    fewer pixels than `min_component_area`. Pixels that are `decoded` already are used once and
    forgotten.
    """

    def __init__(
        self,
        items: Sequence[Item],
        train_size: int | None = None,
        decoded: Decoded | None = None,
        min_component_area: int = 0,
    ) -> None:
        self._items = list(items)
        self._train_size = train_size
        self._min_component_area = min_component_area
        self._decoded: Decoded = {} if decoded is None else decoded

    def __len__(self) -> int:
        """Count the photos."""
        return len(self._items)

    def __getitem__(self, index: int) -> tuple[Pixels, Pixels | None]:
        """Photo (H,W,3) RGB and mask (H,W) in {0,1}, None where the split has no masks."""
        item = self._items[index]
        is_cached = item in self._decoded
        photo, mask = self._decoded.pop(item) if is_cached else _read(item)
        size = scaled_size(photo.shape[:2], self._train_size)
        if mask is not None and self._min_component_area:
            mask = clean_mask(mask, self._min_component_area)
        return resized(photo, size), None if mask is None else _resized_mask(mask, size)

    def size(self, index: int) -> tuple[int, int]:
        """Height and width of a photo, without decoding it."""
        return scaled_size(image_size(self._items[index].photo), self._train_size)


DecodedPhotos: TypeAlias = UncachedPhotos | PhotoCache
"""A sequence of decoded photos with their masks, cached or not."""


def open_cache(
    items: Sequence[Item],
    cache: CacheMode = "memory",
    bound_gb: float = 4.0,
    train_size: int | None = None,
    decoded: Decoded | None = None,
    min_component_area: int = 0,
) -> DecodedPhotos:
    """Decode photos and masks of checked items, and keep them; see `UncachedPhotos`.

    On `disk`, a file is mapped into memory: processes share it, and the next run uses it again.
    More than `bound_gb` gigabytes of pixels are not kept but decoded each time.
    """
    photos = UncachedPhotos(items, train_size, decoded, min_component_area)
    depth = 4 if all(item.has_mask for item in items) else 3
    sizes = np.array([photos.size(index) for index in range(len(items))], dtype=np.int64)
    sizes = sizes.reshape(-1, 2)  # of no photos, too
    if cache == "none" or not items or int(sizes.prod(axis=1).sum()) * depth > bound_gb * 1e9:
        return photos
    fill = partial(_fill, photos=photos)
    if cache == "memory":
        return in_memory(PhotoCache, sizes, depth, fill)
    name = items_sha256(items, train_size, min_component_area)
    return on_disk(PhotoCache, name, sizes, depth, fill)


def scaled_size(size: tuple[int, ...], longer_side: int | None) -> tuple[int, int]:
    """Height and width (H,W) scaled so that the longer one is `longer_side`."""
    height, width = size[:2]
    return (height, width) if longer_side is None else working_size(height, width, longer_side)


def scaled_layers(layers: LayerCache, photos: DecodedPhotos) -> LayerCache:
    """Interpolate probabilities to the sizes of their photos, which come in the same order."""
    sizes = np.array([photos.size(index) for index in range(len(photos))], dtype=np.int64)
    if np.array_equal(sizes, layers.sizes):
        return layers

    def fill(scaled: LayerCache) -> None:
        for index in range(len(scaled)):
            scaled[index][...] = resized(layers[index], scaled.size(index))

    return in_memory(LayerCache, sizes, 1, fill)


def resized(pixels: Pixels, size: tuple[int, int]) -> Pixels:
    """Scale a photo (h,w,3) or a layer (h,w) to height and width; as it is where they fit."""
    if pixels.shape[:2] == size:
        return pixels
    method = cv2.INTER_AREA if size[0] < pixels.shape[0] else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(pixels, size[::-1], interpolation=method), dtype=np.uint8)


def _resized_mask(mask: Pixels, size: tuple[int, int]) -> Pixels:
    # A mask pixel is person where most of what it covers is.
    same = mask.shape == size
    return mask if same else (resized(mask * np.uint8(255), size) > 127).astype(np.uint8)


def _read(item: Item) -> tuple[Pixels, Pixels | None]:
    photo = read_photo(item.photo)
    return photo, item.read_mask(photo)


def _fill(cache: PhotoCache, photos: UncachedPhotos) -> None:
    for index in range(len(photos)):
        into_photo, into_mask = cache[index]
        photo, mask = photos[index]
        into_photo[...] = photo
        if into_mask is not None and mask is not None:
            into_mask[...] = mask


def items_sha256(items: Sequence[Item], *settings: object) -> str:
    """Hash settings and files, those by path, size and time: they are not read."""
    digest = hashlib.sha256(f"{settings}\0".encode())
    for item in items:
        if item.rule != AS_DRAWN:
            digest.update(f"{item.rule}\0".encode())
        if item.no_person:
            digest.update(b"no person\0")
        for path in (item.photo, item.mask):
            if path is not None:
                stat = path.stat()
                digest.update(f"{path.resolve()}\0{stat.st_size}\0{stat.st_mtime_ns}\0".encode())
    return digest.hexdigest()[:32]
