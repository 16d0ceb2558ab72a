"""The input of a model: a photo in whatever form a program has it."""

import io
import os
import re
import warnings
from contextlib import suppress
from os import PathLike
from pathlib import Path
from typing import IO, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from humanseg.errors import first_line
from humanseg.io.images import ImageError, LoadedPhoto, load_photo, photo_from_pil

Photo: TypeAlias = "NDArray[np.uint8] | str | PathLike[str] | bytes | IO[bytes] | Image.Image"
"""uint8 (H,W,3) RGB; the path of a file that Pillow reads, its bytes, or the open file; or a PIL
image of any mode."""

_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/{1,3}[^/\\]|data:\w+/")
_SHOWN = 200
_AS_TEXT = "The file was opened as text: open it with mode 'rb', or pass its path."
_SCALING = {
    # By the kind of numpy's dtype: what is right for one kind would wrap around in another.
    "f": ": where it is from 0 to 1, (array * 255).round().astype('uint8')",
    "b": ": (array * 255).astype('uint8')",
    "i": ": where it is from 0 to 255, array.astype('uint8'), of 16 bits "
    "(array // 257).astype('uint8')",
}
_SCALING["u"] = _SCALING["i"]
_ONE_PHOTO = (
    "a path, the bytes of an image file, a file opened with mode 'rb', a PIL image, or an array "
    "uint8 (H, W, 3) in RGB"
)


def load_input(photo: Any) -> LoadedPhoto:
    """Return a photo, see `Photo`; raise ImageError, ValueError or TypeError, with advice."""
    if isinstance(photo, np.ndarray):
        return LoadedPhoto(_checked(photo))
    if isinstance(photo, Image.Image):
        return _pil_picture(photo)
    if isinstance(photo, str | PathLike):
        return _read(photo)
    if isinstance(photo, bytes | bytearray | memoryview):
        return _decode(bytes(photo), "the image in these bytes")
    if hasattr(photo, "__array__"):
        return LoadedPhoto(_checked(_array(photo)))
    if hasattr(photo, "read"):
        return _decode(_content(photo), f"the open file {getattr(photo, 'name', '')}".rstrip())
    raise TypeError(_advice(photo))


def is_address(name: str) -> bool:
    """Return whether a text, or a path made of one, is a URL and no existing file."""
    return _ADDRESS.match(name) is not None and not os.path.exists(name)


def _read(path: "str | PathLike[str]") -> LoadedPhoto:
    name = os.fspath(path)
    if not name:
        raise ImageError("The path of the photo is empty: name a file.", code="io.missing_file")
    if is_address(name):
        raise ImageError(
            f"{name[:_SHOWN]} is an address, and nothing is fetched here: download it first, and "
            "pass the file or its bytes.",
            code="inference.address",
        )
    return _with_warnings(load_photo(Path(name)), name)


def _content(file: Any) -> bytes:
    if getattr(file, "closed", False):
        raise ValueError("The file is closed: pass it while it is open, or pass its path.")
    if isinstance(file, io.TextIOBase):
        # Before reading: bytes that are no text would raise another error.
        raise TypeError(_AS_TEXT)
    if getattr(file, "seekable", lambda: False)():
        file.seek(0)
    content = file.read()
    if not isinstance(content, bytes | bytearray | memoryview):
        raise TypeError(_AS_TEXT)
    return bytes(content)


def _decode(content: bytes, what: str) -> LoadedPhoto:
    if not content:
        message = f"{what[0].upper()}{what[1:]} is empty: pass a whole image file."
        raise ImageError(message, code="io.empty_file")
    return _with_warnings(load_photo(io.BytesIO(content), what), what)


def _with_warnings(picture: LoadedPhoto, name: object) -> LoadedPhoto:
    for notice in picture.notices:
        # The warning names the line that calls the model.
        warnings.warn(f"{name}: {notice}", stacklevel=6)
    return picture


def _pil_picture(image: Image.Image) -> LoadedPhoto:
    try:
        # Raises ValueError for a closed image, AssertionError for one not decoded yet.
        with suppress(AssertionError):
            image.im  # noqa: B018
    except ValueError as error:
        raise ValueError(
            "The PIL image is closed: pass it while it is open, or pass its path."
        ) from error
    return photo_from_pil(image)


def _checked(array: NDArray[Any]) -> NDArray[np.uint8]:
    if array.dtype == np.uint8 and array.ndim == 3 and array.shape[2] == 3 and array.size:
        return array
    raise ValueError(
        f"a photo has dtype uint8 and shape (H, W, 3), not {array.dtype} {array.shape}"
        f"{_array_advice(array)}"
    )


def _array(tensor: Any) -> NDArray[Any]:
    try:
        return np.asarray(tensor)
    except Exception as error:
        # Frameworks raise their own errors for tensors on a GPU or with gradients.
        raise TypeError(
            f"A {type(tensor).__name__} cannot be read from here ({first_line(error)}): "
            "pass it as an array of numpy, uint8 (H, W, 3) in RGB."
        ) from error


def _array_advice(array: NDArray[Any]) -> str:
    if array.ndim == 4:
        return ": call the model for each photo"
    steps = []
    if array.dtype != np.uint8:
        steps.append(f"make it whole numbers from 0 to 255{_SCALING.get(array.dtype.kind, '')}")
    if array.ndim == 3 and array.shape[0] == 3:
        steps.append("put the colours last, as array.transpose(1, 2, 0)")
    elif array.ndim == 2:
        steps.append("repeat the grey one, as np.dstack([array] * 3)")
    elif array.ndim == 3 and array.shape[2] == 4:
        steps.append("lay it over a background, or pass PIL's Image.fromarray(array)")
    return f": {', and '.join(steps)}" if steps else ""


def _advice(photo: Any) -> str:
    kind = type(photo).__name__
    if photo is None:
        # OpenCV returns None for a file that it cannot read.
        return f"A photo is {_ONE_PHOTO}, not None: the file that it comes from was not read."
    if isinstance(photo, list | tuple | set):
        return (
            f"A photo is {_ONE_PHOTO}, not of type {kind}: call the model for each of them, or "
            "model.batch(photos)."
        )
    return f"A photo is {_ONE_PHOTO}, not of type {kind}."
