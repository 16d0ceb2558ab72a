"""Images in one contiguous buffer, in memory or in a memory-mapped file."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from humanseg.data.cache.disk import cached_file
from humanseg.data.labelled_photo import Pixels


@dataclass(frozen=True)
class PixelCache:
    """Pixels of many images in one buffer.

    One buffer instead of thousands of arrays stays shared between worker processes: nothing in
    it is reference-counted, so nothing is copied when it is read.
    """

    buffer: NDArray[np.uint8]  # for each image its H·W·depth bytes
    sizes: NDArray[np.int64]  # (N,2): height and width of each image
    depth: int  # bytes of a pixel

    @cached_property
    def _starts(self) -> NDArray[np.int64]:
        """Where each image begins."""
        return np.concatenate([[0], np.cumsum(self.sizes.prod(axis=1) * self.depth)])

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle a mapped file as its name: a spawned process shares it."""
        if isinstance(self.buffer, np.memmap):
            path = Path(str(self.buffer.filename))
            return _mapped, (type(self), path, self.sizes, self.depth)
        return type(self), (self.buffer, self.sizes, self.depth)

    def __len__(self) -> int:
        """Count the images."""
        return len(self.sizes)

    def block(self, index: int) -> Pixels:
        """View the (H·W·depth,) bytes of an image."""
        return self.buffer[self._starts[index] : self._starts[index + 1]]

    def size(self, index: int) -> tuple[int, int]:
        """Height and width of an image."""
        height, width = self.sizes[index]
        return int(height), int(width)


Kind = TypeVar("Kind", bound=PixelCache)


class PhotoCache(PixelCache):
    """Photos: of each pixel the three colours and, with depth 4, the masks behind all of them."""

    def __getitem__(self, index: int) -> tuple[Pixels, Pixels | None]:
        """Return views of the buffer: photo (H,W,3) and mask (H,W) or None."""
        height, width = self.size(index)
        block = self.block(index)
        split = height * width * 3
        photo = block[:split].reshape(height, width, 3)
        return photo, block[split:].reshape(height, width) if self.depth == 4 else None


class LayerCache(PixelCache):
    """One layer of each image: a byte for each pixel."""

    def __getitem__(self, index: int) -> Pixels:
        """Return a view of the buffer: (H,W)."""
        return self.block(index).reshape(self.size(index))


def in_memory(
    kind: type[Kind], sizes: NDArray[np.int64], depth: int, fill: Callable[[Kind], None]
) -> Kind:
    """Make a buffer in memory and have it filled."""
    cache = kind(np.empty(_bytes(sizes, depth), np.uint8), sizes, depth)
    fill(cache)
    return cache


def on_disk(
    kind: type[Kind], name: str, sizes: NDArray[np.int64], depth: int, fill: Callable[[Kind], None]
) -> Kind:
    """Map the cache file of a name, read-only; `fill` writes it where it is not there.

    The name must change with whatever the contents depend on.
    """
    total = _bytes(sizes, depth)

    def write(partial: Path) -> None:
        _reserve(partial, total)
        buffer = np.memmap(partial, np.uint8, "r+", shape=(total,))
        fill(kind(buffer, sizes, depth))
        buffer.flush()

    return _mapped(kind, cached_file(name, total, write), sizes, depth)


def _bytes(sizes: NDArray[np.int64], depth: int) -> int:
    return int(sizes.prod(axis=1).sum()) * depth


def _mapped(kind: type[Kind], path: Path, sizes: NDArray[np.int64], depth: int) -> Kind:
    return kind(np.memmap(path, np.uint8, "r"), sizes, depth)


def _reserve(path: Path, size: int) -> None:
    """Make a file that the disk has room for: a map of a full disk kills (SIGBUS)."""
    with path.open("wb") as file:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(file.fileno(), 0, size)
        else:
            file.truncate(size)
