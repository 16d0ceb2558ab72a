"""Opening an image file: which of its pictures is the photo, and what its end lacks."""

import io
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from PIL import Image, ImageFile, TiffImagePlugin, UnidentifiedImageError, WebPImagePlugin

from humanseg.io.decoding import jpeg, png, tiff, webp
from humanseg.io.decoding.errors import BROKEN, UnsupportedImage, explain_image_errors
from humanseg.io.decoding.file_types import HEAD, is_heic, is_raw_name, raw_kind, unreadable_type
from humanseg.io.decoding.frames import seek_shown_frame
from humanseg.io.decoding.high_bit_depth import decode_high_bit_depth, is_dim_sixteen_bits
from humanseg.io.decoding.limits import require_pixels, without_limit
from humanseg.system.notices import CUT_OFF, PAGES, RESCALED, Notice

_ORIENTATION, _BITS = 274, 258
_MOST_MISSING = 0.02
"""A photo of whose pixels more than this share is missing is not used."""

_TIFF = TiffImagePlugin.TiffImageFile.format
_USUAL = ("JPEG", WebPImagePlugin.WebPImageFile.format, "GIF", "BMP", "DIB", "PPM")
"""What Pillow knows without loading all of its readers."""
_JPEG = ("JPEG", "MPO")
_NOT_PHOTOS = {"BUFR", "EPS", "GRIB", "HDF5", "MPEG", "WMF", "XVTHUMB"}
"""What Pillow hands to other programs, or only knows by its name."""


@dataclass
class DecodedImage:
    """A decoded image."""

    # With its pixels.
    image: Image.Image
    # As of EXIF, from 1 to 8: how it has yet to be turned.
    orientation: int
    # What a person should know of it.
    notices: list[Notice]
    # Whether the file says that it is to be turned, or was before this.
    turned: bool


def decode(source: Path | BinaryIO, name: str = "", whole: bool = False) -> DecodedImage:
    """Decode the photo that an image file holds."""
    with explain_image_errors(name or source), _file(source) as file, without_limit():
        image, notices = _open(file, str(getattr(source, "name", "")), pixels=True)
        orientation = exif_orientation(image)
        turned = orientation != 1 or getattr(image, "tag_v2", {}).get(_ORIENTATION, 1) != 1
        try:
            decode_pixels(image)
            if image.format in _JPEG and jpeg.lacks_end(file, image):
                raise OSError("its picture ends before it is whole")
        except BROKEN as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise
            completed = _completed(file, image.format or "", 0.0 if whole else _MOST_MISSING)
            if completed is None:
                raise
            image = completed
            notices.append(CUT_OFF)
        notices += seek_shown_frame(image)
        if (deep := _read_deep(file, image)) is not None:
            image, orientation = deep, exif_orientation(deep)
            notices.append(RESCALED)
    return DecodedImage(image, orientation, notices, turned)


def _read_deep(file: BinaryIO, image: Image.Image) -> Image.Image | None:
    """Read a photo of 16 bits again, if its values are of fewer and so too dark to see."""
    if image.format == "PNG":
        file.seek(24)
        bits = (file.read(1) or b"\0")[0]
    else:
        bits = max(getattr(image, "tag_v2", {}).get(_BITS, (0,)))
    if not is_dim_sixteen_bits(image, bits):
        return None
    file.seek(0)
    if image.format == "PNG":
        found = decode_high_bit_depth(png.clean(file, pixels=True).stream.getvalue())
    else:
        found = tiff.read_high_bit_depth(file, tiff.find_pages(file))
    if found is None or not found[1]:
        return None
    deep = found[0]
    deep.info = image.info | deep.info
    return deep


def _file(source: Path | BinaryIO) -> AbstractContextManager[BinaryIO]:
    return source.open("rb") if isinstance(source, Path) else nullcontext(source)


def upright_size(path: Path) -> tuple[int, int]:
    """Return the (H, W) that the photo in an image file has when it is turned upright."""
    with explain_image_errors(path), path.open("rb") as file, without_limit():
        image, _ = _open(file, path.name, pixels=False)
        width, height = image.size
        return (width, height) if exif_orientation(image) >= 5 else (height, width)


def decode_pixels(image: Image.Image) -> None:
    """Decode an image; TIFF is turned meanwhile, but not by XMP, as Pillow would have it."""
    xmp = image.info.pop("xmp", None)
    try:
        image.load()
    finally:
        if xmp is not None:
            image.info["xmp"] = xmp


def exif_orientation(image: Image.Image) -> int:
    """Return how an image has yet to be turned, from 1 to 8: by EXIF only, as browsers do.

    Pillow turns TIFF itself as it decodes.
    """
    if image.format == "TIFF":
        return 1
    exif = Image.Exif()
    try:
        # Not image.getexif(), which goes by XMP where EXIF is silent.
        exif.load(image.info.get("exif") or b"")
        value = exif.get(_ORIENTATION, 1)
    except BROKEN:
        # A broken tag block does not make the pixels worse.
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _open(file: BinaryIO, name: str, pixels: bool) -> tuple[Image.Image, list[Notice]]:
    """Open the photo that a file holds, and say what else there is; its pixels come later."""
    # Another library may have set this for the process; a photo cut off half-way must not pass.
    if ImageFile.LOAD_TRUNCATED_IMAGES:
        ImageFile.LOAD_TRUNCATED_IMAGES = False
    head = file.read(HEAD)
    file.seek(0)
    if head.startswith(png.SIGNATURE):
        return _open_png(file, pixels), []
    if head[:2] in (b"II", b"MM") and head[2:4] in (b"*\0", b"\0*", b"+\0", b"\0+"):
        return _open_tiff(file, name)
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        file = webp.without_broken_end(file)
    try:
        return _require_size(_identify(file, head)), []
    except BROKEN as error:
        if not head or (isinstance(error, OSError) and error.errno is not None):
            raise
        if (kind := unreadable_type(head)) is not None:
            raise UnsupportedImage(kind) from error
        raise


def _identify(file: BinaryIO, head: bytes) -> Image.Image:
    if is_heic(head):
        # An optional library, which makes itself known to Pillow.
        try:
            import pillow_heif

            pillow_heif.register_heif_opener()
        except ImportError:
            raise UnidentifiedImageError from None
        return Image.open(file)
    try:
        return Image.open(file, formats=_USUAL)
    except UnidentifiedImageError:
        file.seek(0)
        Image.init()
        return Image.open(file, formats=[name for name in Image.ID if name not in _NOT_PHOTOS])


def _open_png(file: BinaryIO, pixels: bool) -> Image.Image:
    cleaned = png.clean(file, pixels)
    image = _require_size(Image.open(cleaned.stream, formats=("PNG",)))
    if cleaned.profile:
        image.info["icc_profile"] = cleaned.profile
    if cleaned.cicp:
        image.info["cicp"] = cleaned.cicp
    return image


def _open_tiff(file: BinaryIO, name: str) -> tuple[Image.Image, list[Notice]]:
    pages = tiff.find_pages(file)
    if pages.is_raw or is_raw_name(name):
        raise UnsupportedImage(raw_kind())
    file.seek(0)
    image: Image.Image
    notices = [PAGES] if pages.count > 1 else []
    try:
        image = Image.open(file, formats=(_TIFF,))
        if pages.photo:
            image.seek(pages.photo)
    except BROKEN:
        require_pixels(*pages.size)
        image, is_guess = tiff.read_high_bit_depth(file, pages)
        notices += [RESCALED] if is_guess else []
    return _require_size(image), notices


def _require_size(image: Image.Image) -> Image.Image:
    require_pixels(*image.size)
    return image


def _completed(file: BinaryIO, kind: str, most: float) -> Image.Image | None:
    """Return the decoded picture of a file that lacks its end, if only so much of it is missing."""
    file.seek(0)
    try:
        if kind == "PNG":
            found = png.complete_png(png.clean(file, pixels=True).stream.getvalue())
        elif kind in _JPEG:
            found = jpeg.complete_jpeg(file.read())
        else:
            found = None
        if found is None or found[1] > most:
            return None
        data = io.BytesIO(found[0])
        image = _open_png(data, pixels=True) if kind == "PNG" else Image.open(data)
        image.load()
    except BROKEN:
        return None
    return image
