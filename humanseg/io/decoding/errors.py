"""The error of a picture that cannot be used, and its words."""

import os
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from humanseg.errors import HumansegError

BROKEN = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    EOFError,
    RuntimeError,
    struct.error,
    zlib.error,
)
"""What Pillow's decoders raise on broken files."""


class ImageError(HumansegError):
    """An image cannot be used; the message names the file and says what to do."""


class UnsupportedImage(Exception):  # noqa: N818 - it is no error of the file
    """The file is whole, but of a kind that is not read; the text goes on after its name."""


@contextmanager
def explain_image_errors(name: object) -> Iterator[None]:
    """Turn what goes wrong with an image into an `ImageError` that names it."""
    try:
        yield
    except UnsupportedImage as kind:
        raise ImageError(_sentence(f"{name} {kind}.")) from kind
    except BROKEN as error:
        raise ImageError(_sentence(_explain(name, error))) from error


def _explain(path: object, error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return f"There is no file {path}: check the name, or put the image there."
    if isinstance(error, OSError) and error.errno is not None:
        return f"Cannot read {path}: {error.strerror}. Check the file and its permissions."
    if isinstance(path, Path) and path.is_file() and path.stat().st_size == 0:
        return f"{path} is an empty file (0 bytes): copy it again from its source, or remove it."
    if isinstance(error, UnidentifiedImageError):
        return (
            f"{path} is not an image, or its first bytes are broken: copy it again from its "
            "source, or remove it."
        )
    why = " ".join(str(error).split())
    return f"{path} is cut off or broken ({why}): copy it again from its source, or remove it."


def _sentence(text: str) -> str:
    return f"T{text[1:]}" if text.startswith("the ") else text


def name_of(image: Image.Image) -> Path:
    """Return the file that an image of Pillow came from, as messages name it."""
    return Path(os.fsdecode(getattr(image, "filename", "") or "the image"))
