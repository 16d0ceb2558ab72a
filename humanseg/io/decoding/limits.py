"""What is read of an image: all of it, and as much as the memory holds."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import ModuleType
from typing import Any

from PIL import Image, ImageFile

from humanseg.io.decoding.errors import UnsupportedImage

MOST_PIXELS = 1 << 29
"""Phones take 200 megapixels, scanners 400."""
_BYTES = 7
"""Of each pixel while it is read: 4 in Pillow's image, 3 in the array."""
_SMALL = 50_000_000
_CODE = "io.image_too_large"
_CONTAINER_LIMITS = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)


def require_pixels(width: int, height: int) -> None:
    """Raise `UnsupportedImage` for an image that is too large, or too large for this machine."""
    pixels = width * height
    if pixels > MOST_PIXELS:
        raise UnsupportedImage(
            f"is too large to be read: {width}×{height}, and the most is "
            f"{MOST_PIXELS // 1_000_000} megapixels. Make it smaller, or remove it",
            _CODE,
        )
    # The machine is only asked about large ones.
    if pixels > _SMALL and pixels * _BYTES > (memory := _memory()):
        raise UnsupportedImage(
            f"is too large for this machine: {width}×{height} takes {pixels * _BYTES / 1e9:.1f} GB "
            f"to read, and there are {memory / 1e9:.1f}. Make it smaller, or take another machine",
            _CODE,
        )


def _memory() -> int:
    """Return the bytes of memory that this machine, or the container, has."""
    sizes = []
    with suppress(AttributeError, ValueError, OSError):
        sizes.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    for path in _CONTAINER_LIMITS:
        # "max" where there is none.
        with suppress(OSError, ValueError):
            sizes.append(int(path.read_text()))
    return min(sizes, default=MOST_PIXELS * _BYTES)


class _Setting:
    """Gives a setting of Pillow another value; it belongs to the process, so the last thread ends.

    Then it has the value that the program, or another library, has given it.
    """

    def __init__(self, owner: ModuleType, name: str, value: Any) -> None:
        self._owner, self._name, self._value = owner, name, value
        self._lock = threading.Lock()
        self._users = 0
        self._former: Any = None

    @contextmanager
    def __call__(self) -> Iterator[None]:
        with self._lock:
            if not self._users:
                self._former = getattr(self._owner, self._name)
                setattr(self._owner, self._name, self._value)
            self._users += 1
        try:
            yield
        finally:
            with self._lock:
                self._users -= 1
                if not self._users:
                    setattr(self._owner, self._name, self._former)


without_limit = _Setting(Image, "MAX_IMAGE_PIXELS", None)
"""Lifts Pillow's limit on pixels, which phones exceed; `require_pixels` takes its place."""

whole_only = _Setting(ImageFile, "LOAD_TRUNCATED_IMAGES", False)
"""Makes Pillow raise for half a photo, whatever another library has set."""
