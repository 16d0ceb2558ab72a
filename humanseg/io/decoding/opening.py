"""Opening an image file: the photo among its pictures, and what is missing at its end."""

import io
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from PIL import Image, TiffImagePlugin, UnidentifiedImageError, WebPImagePlugin

from humanseg.io.decoding import jpeg, png, tiff, webp
from humanseg.io.decoding.errors import BROKEN, UnsupportedImage, explain_image_errors
from humanseg.io.decoding.file_types import HEAD, RAW, is_heic, is_raw_name, unreadable_type
from humanseg.io.decoding.high_bit_depth import decode_high_bit_depth, is_dim_sixteen_bits
from humanseg.io.decoding.limits import require_pixels, whole_only, without_limit
from humanseg.system.notices import ANIMATION, CUT_OFF, PAGES, RESCALED, Notice

_ORIENTATION, _BITS = 274, 258
_MOST_MISSING = 0.02
"""A photo that lacks a greater share of its pixels is not used."""

_TIFF = TiffImagePlugin.TiffImageFile.format
_USUAL = ("JPEG", WebPImagePlugin.WebPImageFile.format, "GIF", "BMP", "DIB", "PPM")
"""The formats that Pillow reads without loading all of its plugins."""
_JPEG = ("JPEG", "MPO")
_NOT_PHOTOS = {"BUFR", "EPS", "GRIB", "HDF5", "MPEG", "WMF", "XVTHUMB"}
"""The formats that Pillow passes to other programs, or only identifies."""
_MERGED_DATA = 1057
"""The resource of a Photoshop document that says whether it has a composite picture."""


@dataclass
class DecodedImage:
    """A decoded image."""

    image: Image.Image
    # How it has yet to be turned, from 1 to 8 as in EXIF.
    orientation: int
    # What a person should know of it.
    notices: list[Notice]
    # Whether the file stores it in another orientation.
    turned: bool


def decode(source: Path | BinaryIO, name: str = "", whole: bool = False) -> DecodedImage:
    """Decode the photo in an image file, or an open one that messages call `name`.

    If `whole`, every pixel must exist; if not, a small share at the end may be missing.
    """
    with (
        explain_image_errors(name or source),
        _file(source) as file,
        without_limit(),
        whole_only(),
    ):
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
        notices += _seek_shown_frame(image)
        if (deep := _decode_dim(file, image)) is not None:
            image, orientation = deep, exif_orientation(deep)
            notices.append(RESCALED)
    return DecodedImage(image, orientation, notices, turned)


def _seek_shown_frame(image: Image.Image) -> list[Notice]:
    """Seek the first frame of an animation that is not empty."""
    # Further frames of a phone's JPEG are previews, those of TIFF pages, those of PSD layers.
    if image.format in ("MPO", "TIFF", "PSD") or getattr(image, "n_frames", 1) < 2:
        return []
    if image.format == "HEIF":
        # A series: it has been opened at the picture that the file calls the first.
        return [PAGES]
    for frame in range(getattr(image, "n_frames", 1)):
        image.seek(frame)
        image.load()
        if not _is_empty(image):
            return [ANIMATION]
    image.seek(0)
    image.load()
    return [ANIMATION]


def _is_empty(image: Image.Image) -> bool:
    """Return whether a frame has only one colour, or is nowhere opaque."""
    if image.has_transparency_data:
        alpha = image.convert("RGBA").getchannel("A")
        if alpha.getextrema() == (0, 0):
            return True
    bands = image.convert("RGB").getextrema()
    return all(isinstance(band, tuple) and band[0] == band[1] for band in bands)


def _decode_dim(file: BinaryIO, image: Image.Image) -> Image.Image | None:
    """Decode a photo of 16 bits again where its values have fewer, and are too dark to see."""
    if image.format == "PNG":
        file.seek(24)
        bits = (file.read(1) or b"\0")[0]
    else:
        bits = max(getattr(image, "tag_v2", {}).get(_BITS, (0,)))
    if not is_dim_sixteen_bits(image, bits):
        return None
    file.seek(0)
    if image.format == "PNG":
        decoded = decode_high_bit_depth(png.clean(file, pixels=True).stream.getvalue())
    else:
        decoded = tiff.read_high_bit_depth(file, tiff.find_pages(file))
    if decoded is None or not decoded[1]:
        return None
    deep = decoded[0]
    deep.info = image.info | deep.info
    return deep


def _file(source: Path | BinaryIO) -> AbstractContextManager[BinaryIO]:
    return source.open("rb") if isinstance(source, Path) else nullcontext(source)


def image_size(path: Path) -> tuple[int, int]:
    """Return the (H, W) of the photo in an image file when it is upright."""
    with explain_image_errors(path), path.open("rb") as file, without_limit(), whole_only():
        image, _ = _open(file, path.name, pixels=False)
        width, height = image.size
        return (width, height) if exif_orientation(image) >= 5 else (height, width)


def decode_pixels(image: Image.Image) -> None:
    """Decode an image; Pillow turns TIFF meanwhile, here not by XMP."""
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
        # Not image.getexif(), which falls back to XMP.
        exif.load(image.info.get("exif") or b"")
        value = exif.get(_ORIENTATION, 1)
    except BROKEN:
        # Broken EXIF does not make the pixels worse.
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _open(file: BinaryIO, name: str, pixels: bool) -> tuple[Image.Image, list[Notice]]:
    """Open the photo in a file without decoding its pixels; also return what else there is."""
    head = file.read(HEAD)
    file.seek(0)
    if head.startswith(png.SIGNATURE):
        return _open_png(file, pixels), []
    if head[:2] in (b"II", b"MM") and head[2:4] in (b"*\0", b"\0*", b"+\0", b"\0+"):
        return _open_tiff(file, name)
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        file = webp.without_broken_end(file)
    try:
        image = _require_size(_identify(file, head))
        _require_composite(image)
        return image, []
    except BROKEN as error:
        if not head or (isinstance(error, OSError) and error.errno is not None):
            raise
        if (reason := unreadable_type(head)) is not None:
            raise UnsupportedImage(reason) from error
        raise


def _identify(file: BinaryIO, head: bytes) -> Image.Image:
    if is_heic(head):
        # An optional plugin of Pillow.
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
    return image


def _open_tiff(file: BinaryIO, name: str) -> tuple[Image.Image, list[Notice]]:
    pages = tiff.find_pages(file)
    if pages.is_raw or is_raw_name(name):
        raise UnsupportedImage(RAW)
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


def _require_composite(image: Image.Image) -> None:
    """Raise for a Photoshop document that holds layers only."""
    for number, _, data in getattr(image, "resources", ()):
        if number == _MERGED_DATA and data[4:5] == b"\0":
            raise UnsupportedImage(
                "is a Photoshop document without a composite picture: save it with Maximize "
                "Compatibility, or export it as PNG"
            )


def _completed(file: BinaryIO, file_format: str, most: float) -> Image.Image | None:
    """Return the decoded image of a file that lacks its end, if no more of it is missing."""
    file.seek(0)
    try:
        if file_format == "PNG":
            completed = png.complete_png(png.clean(file, pixels=True).stream.getvalue())
        elif file_format in _JPEG:
            completed = jpeg.complete_jpeg(file.read())
        else:
            return None
        if completed is None or completed[1] > most:
            return None
        data = io.BytesIO(completed[0])
        image = _open_png(data, pixels=True) if file_format == "PNG" else Image.open(data)
        image.load()
    except BROKEN:
        return None
    return image
