"""The error of an image that cannot be used, and its message."""

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
"""The exceptions of Pillow's decoders on broken files."""


COPY_AGAIN = "copy it again from its source, or remove it."


class ImageError(HumansegError):
    """An image cannot be used; the message names the file and says what to do."""

    code = "io.broken_image"


class UnsupportedImage(Exception):  # noqa: N818 - it is no error of the file
    """The file is whole, but cannot be read here; the text continues after the file's name."""

    def __init__(self, text: str, code: str = "io.unsupported_image") -> None:
        super().__init__(text)
        self.code = code


@contextmanager
def explain_image_errors(name: object) -> Iterator[None]:
    """Turn errors of an image into an `ImageError` that names it."""
    try:
        yield
    except UnsupportedImage as error:
        raise ImageError(_sentence(f"{name} {error}."), code=error.code) from error
    except BROKEN as error:
        message, code = _explain(name, error)
        raise ImageError(_sentence(message), code=code) from error


def explain_file(path: object, error: Exception, noun: str) -> tuple[str, str] | None:
    """Return a message and its code, where not the content of a file is to blame."""
    if isinstance(error, FileNotFoundError):
        message = f"There is no file {path}: check the name, or put the {noun} there."
        return message, "io.missing_file"
    if "\0" in str(path):
        message = f"There is no file {path}: no name has a NUL byte in it; check the name."
        return message, "io.missing_file"
    if isinstance(path, Path) and os.path.isfile(path) and os.path.getsize(path) == 0:
        return f"{path} is an empty file (0 bytes): {COPY_AGAIN}", "io.empty_file"
    return None


def explain_system(path: object, error: OSError) -> tuple[str, str]:
    """Return a message and its code for what the system says of a file."""
    message = f"Cannot read {path}: {error.strerror}. Check the file and its permissions."
    return message, "io.cannot_read"


def _explain(path: object, error: Exception) -> tuple[str, str]:
    if (explained := explain_file(path, error, "image")) is not None:
        return explained
    if isinstance(error, OSError) and error.errno is not None:
        return explain_system(path, error)
    if isinstance(error, UnidentifiedImageError):
        message = f"{path} is not an image, or its first bytes are broken: {COPY_AGAIN}"
        return message, "io.not_an_image"
    why = " ".join(str(error).split())
    return f"{path} is cut off or broken ({why}): {COPY_AGAIN}", "io.broken_image"


def _sentence(text: str) -> str:
    return f"T{text[1:]}" if text.startswith("the ") else text


def name_of(image: Image.Image) -> Path:
    """Return the file that an image of Pillow came from, as messages name it."""
    return Path(os.fsdecode(getattr(image, "filename", "") or "the image"))
