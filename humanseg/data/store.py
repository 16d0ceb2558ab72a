"""Photos and masks, decoded once."""

import hashlib
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from humanseg.data.folders import Item
from humanseg.data.picture import Pixels
from humanseg.errors import HumansegError
from humanseg.files import explain_os_error, whole_file
from humanseg.images import image_size, read_mask, read_photo

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
    """

    def __init__(
        self,
        items: Sequence[Item],
        long_side: int | None = None,
        decoded: Decoded | None = None,
    ) -> None:
        self._items = list(items)
        self._long_side = long_side
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
        return _resize(photo, size), None if mask is None else _resize(mask, size)

    def size(self, index: int) -> tuple[int, int]:
        """Height and width of a photo, without decoding it."""
        return scaled_size(image_size(self._items[index].photo), self._long_side)


@dataclass(frozen=True)
class Packed:
    """Photos laid one behind the other in one buffer: in memory, or mapped from a file.

    One buffer instead of thousands of arrays stays shared between worker processes: nothing in
    it is reference-counted, so nothing is copied when it is looked at.

    Parameters
    ----------
    buffer
        All bytes: for each photo H·W·3 of the photo, then H·W of the mask where there are masks.
    sizes
        (N,2): height and width of each photo.
    masks
        Whether masks are there.
    """

    buffer: NDArray[np.uint8]
    sizes: NDArray[np.int64]
    masks: bool

    def __post_init__(self) -> None:
        """Work out where each photo begins."""
        lengths = self.sizes.prod(axis=1) * (4 if self.masks else 3)
        object.__setattr__(self, "_starts", np.concatenate([[0], np.cumsum(lengths)]))

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel to a spawned process as the file's name where a file is mapped: it is shared."""
        if isinstance(self.buffer, np.memmap):
            return _mapped, (Path(str(self.buffer.filename)), self.sizes, self.masks)
        return type(self), (self.buffer, self.sizes, self.masks)

    def __len__(self) -> int:
        """Count the photos."""
        return len(self.sizes)

    def __getitem__(self, index: int) -> tuple[Pixels, Pixels | None]:
        """Return views of the buffer: photo (H,W,3) and mask (H,W) or None."""
        height, width = self.size(index)
        starts: NDArray[np.int64] = self._starts  # type: ignore[attr-defined]
        block = self.buffer[starts[index] : starts[index + 1]]
        split = height * width * 3
        photo = block[:split].reshape(height, width, 3)
        return photo, block[split:].reshape(height, width) if self.masks else None

    def size(self, index: int) -> tuple[int, int]:
        """Height and width of a photo."""
        height, width = self.sizes[index]
        return int(height), int(width)


def open_store(
    items: Sequence[Item],
    cache: Cache = "memory",
    bound_gb: float = 4.0,
    long_side: int | None = None,
    decoded: Decoded | None = None,
) -> PhotoStore:
    """Decode photos and masks, and keep them.

    Parameters
    ----------
    items
        What to decode. They are sound: `humanseg.data.checks` has seen them.
    cache
        `memory`; `disk`: a file that is mapped into memory, shared by processes and used again by
        the next run; `none`: decode each time.
    bound_gb
        More than this many gigabytes of pixels are not kept but decoded on the fly.
    long_side
        The longer side to scale photos and masks to; None leaves them as they are.
    decoded
        Pixels that are at hand already, by the photo's path; they are taken out of it.

    Returns
    -------
    PhotoStore
        In the order of `items`.

    Raises
    ------
    HumansegError
        A disk cache cannot be written.
    """
    reader = DecodedOnTheFly(items, long_side, decoded)
    masks = all(item.mask is not None for item in items)
    sizes = np.array([reader.size(index) for index in range(len(items))], dtype=np.int64)
    total = int(sizes.prod(axis=1).sum()) * (4 if masks else 3)
    if cache == "none" or total > bound_gb * 1e9:
        return reader
    if cache == "memory":
        store = Packed(np.empty(total, np.uint8), sizes, masks)
        _fill(store, reader)
        return store
    path = _cache_folder() / f"{_fingerprint(items, long_side)}.bin"
    if not path.exists() or path.stat().st_size != total:
        with whole_file(path) as partial:
            _reserve(partial, total)
            buffer = np.memmap(partial, np.uint8, "r+", shape=(total,))
            _fill(Packed(buffer, sizes, masks), reader)
            buffer.flush()
    return _mapped(path, sizes, masks)


def scaled_size(size: tuple[int, ...], long_side: int | None) -> tuple[int, int]:
    """Height and width (H,W) scaled so that the longer one is `long_side`."""
    height, width = size
    if long_side is None:
        return height, width
    scale = long_side / max(height, width)
    return max(1, round(height * scale)), max(1, round(width * scale))


def _resize(pixels: Pixels, size: tuple[int, int]) -> Pixels:
    if pixels.shape[:2] == size:
        return pixels
    shrinks = size[0] < pixels.shape[0]
    way = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    if pixels.ndim == 3:
        return np.asarray(cv2.resize(pixels, size[::-1], interpolation=way), dtype=np.uint8)
    # A mask pixel is person where most of what it covers is.
    return (cv2.resize(pixels * 255, size[::-1], interpolation=way) > 127).astype(np.uint8)


def _read(item: Item) -> tuple[Pixels, Pixels | None]:
    return read_photo(item.photo), None if item.mask is None else read_mask(item.mask)


def _fill(store: Packed, reader: DecodedOnTheFly) -> None:
    for index in range(len(reader)):
        into_photo, into_mask = store[index]
        photo, mask = reader[index]
        into_photo[...] = photo
        if into_mask is not None and mask is not None:
            into_mask[...] = mask


def _reserve(path: Path, size: int) -> None:
    """Make a file of `size` bytes that the disk has room for: a map of a full disk kills (SIGBUS).

    Raises
    ------
    OSError
        The disk is full.
    """
    with path.open("wb") as file:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(file.fileno(), 0, size)
        else:
            file.truncate(size)


def _mapped(path: Path, sizes: NDArray[np.int64], masks: bool) -> Packed:
    return Packed(np.memmap(path, np.uint8, "r"), sizes, masks)


def _cache_folder() -> Path:
    """Make the folder of disk caches, for this user alone: the photos may be private."""
    user = os.getuid() if hasattr(os, "getuid") else None
    folder = Path(tempfile.gettempdir()) / f"humanseg-{'user' if user is None else user}"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        owner = folder.lstat().st_uid
    except OSError as error:
        raise explain_os_error(error, folder) from error
    if user is not None and (owner != user or folder.is_symlink()):
        raise HumansegError(
            f"{folder} belongs to somebody else, so decoded photos are not kept there: set TMPDIR "
            "to a folder of your own, or take data.cache=memory."
        )
    return folder


def _fingerprint(items: Sequence[Item], long_side: int | None) -> str:
    """Change when any file does: by its path, size and time, without reading it."""
    digest = hashlib.sha256(f"{long_side}\0".encode())
    for item in items:
        for path in (item.photo, item.mask):
            if path is not None:
                stat = path.stat()
                digest.update(f"{path.resolve()}\0{stat.st_size}\0{stat.st_mtime_ns}\0".encode())
    return digest.hexdigest()[:32]
