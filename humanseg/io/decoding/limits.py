"""What is read of an image: all of it, and as much as the memory holds."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from PIL import Image, ImageFile

from humanseg.io.decoding.errors import UnsupportedImage
from humanseg.system.memory import usable_memory

MOST_PIXELS = 1 << 29
"""Phones take 200 megapixels, scanners 400."""
_BYTES = 7
"""Of each pixel while it is read: 4 in Pillow's image, 3 in the array."""
_SMALL = 50_000_000
_CODE = "io.image_too_large"


def require_pixels(width: int, height: int, pixel_bytes: int = _BYTES) -> None:
    """Raise `UnsupportedImage` for an image that is too large, or too large for this machine.

    `pixel_bytes` is the memory that each pixel takes, by default while it is read.
    """
    pixels = width * height
    if pixels > MOST_PIXELS:
        raise UnsupportedImage(
            f"is too large to be read: {width}×{height}, and the most is "
            f"{MOST_PIXELS // 1_000_000} megapixels. Make it smaller, or remove it",
            _CODE,
        )
    # The machine is only asked about large ones.
    if pixels > _SMALL and pixels * pixel_bytes > (memory := usable_memory()):
        raise UnsupportedImage(
            f"is too large for this machine: {width}×{height} takes "
            f"{pixels * pixel_bytes / 1e9:.1f} GB, and there are {memory / 1e9:.1f}. Make it "
            "smaller, or take another machine",
            _CODE,
        )


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
