"""Reading any photo or mask the way a person sees it, and writing images."""

import io
import struct
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from humanseg.io.binarize import binarize, describe_values, mask_values, person_values_hint
from humanseg.io.decoding.errors import ImageError as ImageError
from humanseg.io.decoding.errors import explain_image_errors, name_of
from humanseg.io.decoding.limits import without_limit
from humanseg.io.decoding.opening import decode, decode_pixels, exif_orientation
from humanseg.io.decoding.opening import image_size as image_size
from humanseg.io.decoding.pixels import over_white as over_white
from humanseg.io.decoding.pixels import to_layers, upright
from humanseg.io.files import whole_file
from humanseg.io.image_comment import comment_options
from humanseg.system.notices import Notice

_FORMATS = {".jpg": "JPEG", ".jpeg": "JPEG", ".png": "PNG", ".webp": "WEBP", ".bmp": "BMP"}
# The default level of PNG, 6, takes twice as long as 4 and saves 3 % of a cut-out's bytes.
_OPTIONS: dict[str, dict[str, int]] = {
    "JPEG": {"quality": 92},
    "PNG": {"compress_level": 4},
    "WEBP": {"quality": 92},
    "BMP": {},
}


@dataclass(frozen=True)
class LoadedPhoto:
    """A photo as it was read."""

    # uint8 (H,W,3), upright, in sRGB; transparent pixels have the colours stored for them.
    rgb: NDArray[np.uint8]
    # uint8 (H,W): the opacity; None where all is opaque.
    alpha: NDArray[np.uint8] | None = None
    # What a person should know of it, such as that it is one frame of an animation.
    notices: tuple[Notice, ...] = ()
    # How the file stores its pixels, in Pillow's words: "RGB", "CMYK".
    mode: str = "RGB"
    # Whether the file stores it in another orientation.
    turned: bool = False

    def over_white(self) -> NDArray[np.uint8]:
        """Return uint8 (H,W,3): the photo over white, as viewers show it."""
        return over_white(self.rgb, self.alpha)


def load_photo(path: Path | BinaryIO, name: str = "") -> LoadedPhoto:
    """Read a photo of any format and colour mode, with its transparency and notices.

    Of an animation, the first frame that shows anything; of several pages, the first that is no
    preview. Up to 2 % of the pixels of a JPEG or PNG may be missing at its end: they are filled.
    An open file has no path, so messages call it `name`. Raise ImageError.
    """
    decoded = decode(path, name)
    with explain_image_errors(name or path):
        rgb, alpha, notices = to_layers(decoded.image, decoded.orientation)
    notices = (*decoded.notices, *notices)
    return LoadedPhoto(rgb, alpha, notices, decoded.image.mode, decoded.turned)


def read_photo(path: Path) -> NDArray[np.uint8]:
    """Return uint8 (H,W,3): a photo over white."""
    return load_photo(path).over_white()


def photo_from_pil(image: Image.Image) -> LoadedPhoto:
    """Return an image of Pillow, which stays as it is, like `load_photo` returns a file."""
    with explain_image_errors(name_of(image)), without_limit():
        orientation = exif_orientation(image)
        decode_pixels(image)
        return LoadedPhoto(*to_layers(image, orientation))


def read_mask(path: Path, person_values: Collection[int] = ()) -> NDArray[np.uint8]:
    """Return uint8 (H,W) in {0,1}: a mask, whichever way its two values are written.

    Of two values or colours the brighter one is the person. Where the visible colour is the
    same all over and the transparency is not, the opaque pixels are the person. Other
    transparent pixels count as background.
    """
    decoded = decode(path, whole=True)
    with explain_image_errors(path):
        if person_values:
            values = upright(_numbers(decoded.image), decoded.orientation)
            return np.isin(values, list(person_values)).astype(np.uint8)
        mask = binarize(upright(mask_values(decoded.image), decoded.orientation))
        if mask is not None:
            return mask
        numbers = _numbers(decoded.image)
    raise ImageError(
        f"{path} is not a mask: it {describe_values(numbers)}. Draw the person white (255) and "
        f"all else black (0), and save it as PNG{person_values_hint(numbers)}.",
        code="io.not_a_mask",
    )


def _numbers(image: Image.Image) -> NDArray[Any]:
    """Return the values that `person_values` are among: of a palette image, its indices."""
    return np.asarray(image) if image.mode == "P" else mask_values(image)


def grey_counts(path: Path) -> NDArray[np.int64]:
    """Return int64 (256,): how many pixels of a mask have each brightness."""
    decoded = decode(path, whole=True)
    with explain_image_errors(path):
        return np.array(decoded.image.convert("L").histogram(), np.int64)


def shrink(picture: NDArray[np.uint8], longest: int, nearest: bool = False) -> NDArray[np.uint8]:
    """Return a copy of a picture, made smaller where a side is longer than `longest`.

    `nearest` takes single pixels, as labels need it; else areas are averaged.
    """
    import cv2

    scale = longest / max(picture.shape[:2])
    if scale >= 1:
        return picture.copy()
    height, width = (max(1, round(side * scale)) for side in picture.shape[:2])
    how = cv2.INTER_NEAREST if nearest else cv2.INTER_AREA
    return np.asarray(cv2.resize(picture, (width, height), interpolation=how), np.uint8)


def require_format(path: Path, *, transparent: bool) -> str:
    """Return Pillow's name of the format of a suffix; raise ImageError if it cannot be written."""
    file_format = _FORMATS.get(path.suffix.lower())
    if file_format is None:
        names = ", ".join(suffix[1:] for suffix in _FORMATS)
        message = f"Cannot write {path}: choose one of the formats {names} by its suffix."
        raise ImageError(message, code="io.wrong_format")
    if transparent and file_format in ("JPEG", "BMP"):
        raise ImageError(
            f"Cannot write {path}: {path.suffix[1:]} holds no transparency; choose png or webp.",
            code="io.wrong_format",
        )
    return file_format


def write_image(
    path: Path, pixels: NDArray[np.uint8], comment: str = "", *, replace: bool = True
) -> None:
    """Write uint8 (H,W), (H,W,3) or (H,W,4), whole or not at all, in the format of the suffix.

    `comment` is a text of ASCII characters that is kept in the file, but not in BMP.
    """
    if pixels.dtype != np.uint8:
        raise ValueError(f"a picture has dtype uint8, not {pixels.dtype}")
    if pixels.ndim != 2 and pixels.shape[2:] not in ((3,), (4,)):
        raise ValueError(f"a picture has shape (H, W), (H, W, 3) or (H, W, 4), not {pixels.shape}")
    file_format = require_format(path, transparent=pixels.shape[2:] == (4,))
    options: dict[str, Any] = dict(_OPTIONS[file_format])
    if file_format == "WEBP" and pixels.ndim == 2:
        options = {"lossless": True}
    if comment:
        options |= comment_options(file_format, comment)
    # In memory: Pillow does not see it when a full disk takes only a part of the last bytes.
    encoded = io.BytesIO()
    try:
        Image.fromarray(pixels).save(encoded, file_format, **options)
    except (ValueError, struct.error, OSError) as error:
        height, width = pixels.shape[:2]
        raise ImageError(
            f"Cannot write {path}: {width}×{height} does not fit in {file_format} "
            f"({error}); choose png.",
            code="io.wrong_format",
        ) from error
    with whole_file(path, replace=replace) as partial:
        partial.write_bytes(encoded.getbuffer())
