"""Reading any photo or mask the way a person sees it, and writing pictures."""

import os
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile, UnidentifiedImageError

from humanseg.comments import comment_options
from humanseg.errors import HumansegError
from humanseg.files import whole_file
from humanseg.levels import mask_levels, two_levels
from humanseg.profiles import to_srgb

_ORIENTATION = 0x0112
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What undoes each EXIF orientation (Exif 2.32, CIPA DC-008-2019, tag 274)."""

_FORMATS = {".jpg": "JPEG", ".jpeg": "JPEG", ".png": "PNG", ".webp": "WEBP", ".bmp": "BMP"}
# Level 6 of PNG, the usual one, takes twice as long as 4 and saves 3 % of a cut-out's bytes.
_OPTIONS: dict[str, dict[str, int]] = {
    "JPEG": {"quality": 92},
    "PNG": {"compress_level": 4},
    "WEBP": {"quality": 92},
    "BMP": {},
}
# What Pillow's decoders raise on broken files.
_BROKEN = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    EOFError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
)


class ImageError(HumansegError):
    """An image cannot be used; the message names the file and says what to do."""


def read_photo(path: Path) -> NDArray[np.uint8]:
    """Read a photo.

    Parameters
    ----------
    path
        A file of any format and colour mode that Pillow reads.

    Returns
    -------
    numpy.ndarray of uint8, shape (H, W, 3)
        RGB, turned as its EXIF orientation says, its colours brought to sRGB where it has another
        profile. 16-bit grey is scaled to 8 bits, not cut off; see-through pixels are laid over
        white, as most viewers show them.

    Raises
    ------
    ImageError
        There is no such file, it is empty, cut off or broken, or it is no image.
    """
    with _opened(path) as image:
        return _rgb_pixels(image)


def photo_pixels(image: Image.Image) -> NDArray[np.uint8]:
    """Return the pixels of an image of Pillow, the way `read_photo` returns those of a file.

    Parameters
    ----------
    image
        Of any mode. It stays as it is.

    Returns
    -------
    numpy.ndarray of uint8, shape (H, W, 3)
        RGB, turned as the image's EXIF orientation says.

    Raises
    ------
    ImageError
        It was opened from a file that is cut off or broken.
    """
    name = getattr(image, "filename", "") or "the image"
    with _explained(Path(os.fsdecode(name))):
        return _rgb_pixels(image)


def read_mask(path: Path) -> NDArray[np.uint8]:
    """Read a mask, whichever way its two values are written.

    Of two values or colours the brighter one is the person. Where the visible colour is the
    same all over and the transparency is not, the opaque pixels are the person. Other
    transparent pixels count as background.

    Parameters
    ----------
    path
        A file of any format and colour mode that Pillow reads: 0/1, 0/255, 16-bit, palette,
        RGB or RGBA. Masks that are nearly two-valued, as compression or resizing leaves them,
        are split half-way; see `humanseg.levels.two_levels`.

    Returns
    -------
    numpy.ndarray of uint8, shape (H, W)
        1 for the person, 0 elsewhere; turned as its EXIF orientation says.

    Raises
    ------
    ImageError
        The file cannot be read, or the mask is neither two-valued nor close to it.
    """
    with _opened(path) as image:
        levels = mask_levels(_turn(image))
    mask = two_levels(levels)
    if mask is None:
        values = np.unique(levels)
        if values.size == 1:
            held = f"holds the one value {values[0]}, which says neither person nor background"
        else:
            held = f"holds {values.size} values from {values[0]} to {values[-1]}, not two"
        raise ImageError(
            f"{path} is not a mask: it {held}. Draw the person white (255) and all else black "
            "(0), and save it as PNG."
        )
    return mask


def image_size(path: Path) -> tuple[int, int]:
    """Return the size of an image as a person sees it, without decoding its pixels.

    Parameters
    ----------
    path
        A file of any format that Pillow reads.

    Returns
    -------
    tuple of int
        (H, W), with the EXIF orientation applied: the shape that `read_photo` returns.

    Raises
    ------
    ImageError
        There is no such file, it is empty, or it is no image.
    """
    with _opened(path) as image:
        width, height = image.size
        return (width, height) if _orientation(image) >= 5 else (height, width)


def write_image(path: Path, pixels: NDArray[np.uint8], comment: str = "") -> None:
    """Write a picture, whole or not at all.

    Parameters
    ----------
    path
        The suffix says the format: jpg and jpeg (quality 92), png, webp (quality 92; without
        loss for shape (H, W)), bmp.
    pixels : numpy.ndarray of uint8, shape (H, W), (H, W, 3) or (H, W, 4)
        Grey, RGB or RGBA.
    comment
        A text of ASCII signs that is kept in the file; not in bmp, which has no place for it.

    Raises
    ------
    ImageError
        The format is unknown, cannot hold transparency or cannot hold a picture of this size.
    HumansegError
        The file cannot be written.
    ValueError
        `pixels` has another shape or dtype.
    """
    if pixels.dtype != np.uint8:
        raise ValueError(f"a picture has dtype uint8, not {pixels.dtype}")
    if pixels.ndim != 2 and pixels.shape[2:] not in ((3,), (4,)):
        raise ValueError(f"a picture has shape (H, W), (H, W, 3) or (H, W, 4), not {pixels.shape}")
    file_format = _FORMATS.get(path.suffix.lower())
    if file_format is None:
        names = ", ".join(suffix[1:] for suffix in _FORMATS)
        raise ImageError(f"Cannot write {path}: choose one of the formats {names} by its suffix.")
    if pixels.shape[2:] == (4,) and file_format in ("JPEG", "BMP"):
        raise ImageError(
            f"Cannot write {path}: {path.suffix[1:]} holds no transparency; choose png or webp."
        )
    options: dict[str, Any] = dict(_OPTIONS[file_format])
    if file_format == "WEBP" and pixels.ndim == 2:
        options = {"lossless": True}
    if comment:
        options |= comment_options(file_format, comment)
    with whole_file(path) as partial:
        try:
            Image.fromarray(pixels).save(partial, file_format, **options)
        except (ValueError, struct.error, OSError) as error:
            # Only what the system says has a number; the rest is an encoder's.
            if isinstance(error, OSError) and error.errno is not None:
                raise
            height, width = pixels.shape[:2]
            raise ImageError(
                f"Cannot write {path}: {width}×{height} does not fit in {file_format} "
                f"({error}); choose png."
            ) from error


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    # Another library may have set this for the process; a photo cut off half-way must not pass.
    if ImageFile.LOAD_TRUNCATED_IMAGES:
        ImageFile.LOAD_TRUNCATED_IMAGES = False
    with _explained(path), Image.open(path) as image:
        yield image


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except _BROKEN as error:
        raise ImageError(_explain(path, error)) from error


def _explain(path: Path, error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return f"There is no file {path}: check the name, or put the image there."
    if isinstance(error, OSError) and error.errno is not None:
        return f"Cannot read {path}: {error.strerror}. Check the file and its permissions."
    if path.is_file() and path.stat().st_size == 0:
        return f"{path} is an empty file (0 bytes): copy it again from its source, or remove it."
    if isinstance(error, UnidentifiedImageError) and path.suffix.lower() in (".heic", ".heif"):
        return f"{path} is HEIC, which cannot be read here: save it as JPEG, or remove it."
    if isinstance(error, UnidentifiedImageError):
        return (
            f"{path} is not an image, or its first bytes are broken: copy it again from its "
            "source, or remove it."
        )
    if isinstance(error, Image.DecompressionBombError):
        return f"{path} is too large to be a photo ({error}): make it smaller, or remove it."
    return f"{path} is cut off or broken ({error}): copy it again from its source, or remove it."


def _orientation(image: Image.Image) -> int:
    try:
        # Not image.getexif(): for PNG it decodes all pixels to look for a tag behind them.
        value = Image.Image.getexif(image).get(_ORIENTATION, 1)
    except _BROKEN:
        # A broken tag block does not make the pixels worse.
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _turn(image: Image.Image) -> Image.Image:
    turn = _TURNS.get(_orientation(image))
    image.load()
    return image if turn is None else image.transpose(turn)


def _rgb_pixels(image: Image.Image) -> NDArray[np.uint8]:
    turned = _turn(image)
    profile = image.info.get("icc_profile")
    # An RGB profile counts for what lies in a palette or beside transparency, too.
    coloured = to_srgb(turned, profile)
    if coloured.mode != "RGB":
        coloured = to_srgb(_to_rgb(coloured), profile)
    return np.array(coloured)


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):
        return Image.fromarray(_sixteen_to_eight(image)).convert("RGB")
    if not image.has_transparency_data:
        return image.convert("RGB")
    seen = image.convert("RGBA")
    white = Image.new("RGBA", seen.size, "white")
    return Image.alpha_composite(white, seen).convert("RGB")


def _sixteen_to_eight(image: Image.Image) -> NDArray[np.uint8]:
    values = np.asarray(image).astype(np.int64)
    if values.size and (values.min() < 0 or values.max() > 65535):
        raise ValueError(f"its values, {values.min()} to {values.max()}, do not fit in 16 bits")
    return ((values + 128) // 257).astype(np.uint8)
