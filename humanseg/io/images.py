"""Reading any photo or mask the way a person sees it, and writing pictures."""

import struct
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from humanseg.io.binarize import how_to_name, mask_levels, two_levels, what_is_held
from humanseg.io.decoding.limits import without_limit
from humanseg.io.decoding.opening import decode, load, stored_orientation, stored_size
from humanseg.io.decoding.pixels import over_white, to_layers, upright
from humanseg.io.decoding.problems import ImageError, explained, name_of
from humanseg.io.files import whole_file
from humanseg.io.image_comment import comment_options
from humanseg.system.notices import Notice

__all__ = [
    "ImageError",
    "Picture",
    "grey_counts",
    "image_size",
    "over_white",
    "photo_pixels",
    "picture_of",
    "read_mask",
    "read_photo",
    "read_picture",
    "require_format",
    "write_image",
]

_FORMATS = {".jpg": "JPEG", ".jpeg": "JPEG", ".png": "PNG", ".webp": "WEBP", ".bmp": "BMP"}
# Level 6 of PNG, the usual one, takes twice as long as 4 and saves 3 % of a cut-out's bytes.
_OPTIONS: dict[str, dict[str, int]] = {
    "JPEG": {"quality": 92},
    "PNG": {"compress_level": 4},
    "WEBP": {"quality": 92},
    "BMP": {},
}


@dataclass(frozen=True)
class Picture:
    """A photo as it was read.

    Attributes
    ----------
    rgb : numpy.ndarray of uint8, shape (H, W, 3)
        Upright, in sRGB; transparent pixels have the colours that are stored for them.
    alpha : numpy.ndarray of uint8, shape (H, W), or None
        How opaque each pixel is; None where all are.
    notices
        What a person should know of it, such as that it is one frame of an animation.
    mode
        How the file stores its pixels, as Pillow calls it: "RGB", "CMYK".
    turned
        Whether it is stored in another orientation.
    """

    rgb: NDArray[np.uint8]
    alpha: NDArray[np.uint8] | None = None
    notices: tuple[Notice, ...] = ()
    mode: str = "RGB"
    turned: bool = False

    def over_white(self) -> NDArray[np.uint8]:
        """Return uint8 (H, W, 3): transparent pixels lie over white, as viewers show them."""
        return over_white(self.rgb, self.alpha)


def read_picture(path: Path | BinaryIO, name: str = "") -> Picture:
    """Read a photo, with its transparency and what is to be known of it.

    Parameters
    ----------
    path
        A file of any format and colour mode that Pillow reads; or the file itself, open for
        reading at its beginning.
    name
        What messages call a file that is no path, such as ``the open file``.

    Returns
    -------
    Picture
        Turned as its EXIF orientation says, its colours brought to sRGB by its profile or, for
        PNG, its gamma. Of an animation, the first frame that shows anything; of a file of several
        pages, the first that is no preview. Values of more than 8 bits are scaled by what they
        hold; see `humanseg.io.decoding.values.find_scale`. Where the end of a JPEG or PNG is
        missing, and with it no more than 2 % of its pixels, these are filled in.

    Raises
    ------
    ImageError
        There is no such file, it is empty, cut off, broken or too large, or it is no photo.
    """
    decoded = decode(path, name)
    with explained(name or path):
        rgb, alpha, notices = to_layers(decoded.image, decoded.orientation)
    notices = (*decoded.notices, *notices)
    return Picture(rgb, alpha, notices, decoded.image.mode, decoded.turned)


def read_photo(path: Path) -> NDArray[np.uint8]:
    """Read a photo as it is seen over white.

    Parameters
    ----------
    path
        As of `read_picture`.

    Returns
    -------
    numpy.ndarray of uint8, shape (H, W, 3)
        The pixels of `read_picture`; see-through ones are laid over white, as most viewers show
        them.

    Raises
    ------
    ImageError
        As of `read_picture`.
    """
    return read_picture(path).over_white()


def picture_of(image: Image.Image) -> Picture:
    """Return an image of Pillow the way `read_picture` returns a file.

    Parameters
    ----------
    image
        Of any mode, at the frame that is meant. It stays as it is.

    Raises
    ------
    ImageError
        It was opened from a file that is cut off or broken.
    """
    with explained(name_of(image)), without_limit():
        orientation = stored_orientation(image)
        load(image)
        return Picture(*to_layers(image, orientation))


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
    return picture_of(image).over_white()


def read_mask(path: Path, person_values: Collection[int] = ()) -> NDArray[np.uint8]:
    """Read a mask, whichever way its two values are written.

    Of two values or colours the brighter one is the person. Where the visible colour is the
    same all over and the transparency is not, the opaque pixels are the person. Other
    transparent pixels count as background.

    Parameters
    ----------
    path
        A file of any format and colour mode that Pillow reads: 0/1, 0/255, 16-bit, palette,
        RGB or RGBA. Masks that are nearly two-valued, as compression or resizing leaves them,
        are split half-way; see `humanseg.io.binarize.two_levels`.
    person_values
        The values that are the person, where masks have several; all others are background. Of a
        palette image they are its indices, of a colour image the brightness.

    Returns
    -------
    numpy.ndarray of uint8, shape (H, W)
        1 for the person, 0 elsewhere; turned as its EXIF orientation says.

    Raises
    ------
    ImageError
        The file cannot be read, or the mask is neither two-valued nor close to it.
    """
    decoded = decode(path, whole=True)
    with explained(path):
        named = person_values and decoded.image.mode == "P"
        levels = np.asarray(decoded.image) if named else mask_levels(decoded.image)
        levels = upright(levels, decoded.orientation)
    if person_values:
        return np.isin(levels, list(person_values)).astype(np.uint8)
    mask = two_levels(levels)
    if mask is None:
        raise ImageError(
            f"{path} is not a mask: it {what_is_held(levels)}. Draw the person white (255) and "
            f"all else black (0), and save it as PNG{how_to_name(levels)}."
        )
    return mask


def grey_counts(path: Path) -> NDArray[np.int64]:
    """Return int64 (256,): how many pixels of a mask have each brightness; raise `ImageError`."""
    decoded = decode(path, whole=True)
    with explained(path):
        return np.array(decoded.image.convert("L").histogram(), np.int64)


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
    return stored_size(path)


def require_format(path: Path, *, transparent: bool) -> str:
    """Return Pillow's name of the format that a suffix says; raise ImageError if it will not do."""
    file_format = _FORMATS.get(path.suffix.lower())
    if file_format is None:
        names = ", ".join(suffix[1:] for suffix in _FORMATS)
        raise ImageError(f"Cannot write {path}: choose one of the formats {names} by its suffix.")
    if transparent and file_format in ("JPEG", "BMP"):
        raise ImageError(
            f"Cannot write {path}: {path.suffix[1:]} holds no transparency; choose png or webp."
        )
    return file_format


def write_image(
    path: Path, pixels: NDArray[np.uint8], comment: str = "", *, replace: bool = True
) -> None:
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
    replace
        Whether a file that is there may be replaced.

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
    file_format = require_format(path, transparent=pixels.shape[2:] == (4,))
    options: dict[str, Any] = dict(_OPTIONS[file_format])
    if file_format == "WEBP" and pixels.ndim == 2:
        options = {"lossless": True}
    if comment:
        options |= comment_options(file_format, comment)
    with whole_file(path, replace=replace) as partial:
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
