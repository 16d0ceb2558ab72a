"""The photo among the pages of a TIFF file: cameras and programs put previews beside it."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from PIL import Image
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from humanseg.io.decoding.errors import UnsupportedImage
from humanseg.io.decoding.high_bit_depth import decode_high_bit_depth

_SUBFILE, _WIDTH, _HEIGHT, _PHOTOMETRIC, _ORIENTATION = 254, 256, 257, 262, 274
_SUB_DIRECTORIES, _DNG_VERSION, _CR2_SLICES = 330, 50706, 50752
_SENSOR = {32803, 34892}
"""Photometric interpretations of a sensor's values: colour filter array, linear raw."""
_REDUCED, _MASK = 1, 4
"""Bits of NewSubfileType."""
_MOST_DIRECTORIES = 10_000
_MOST_TAGS = 65_535


@dataclass(frozen=True)
class Pages:
    """The content of a TIFF file."""

    # Whether it is camera RAW.
    is_raw: bool
    # The index of the page that is the photo.
    photo: int
    # How many pages are pictures of their own, neither previews nor masks.
    count: int
    # (W, H) of the photo as it is stored.
    size: tuple[int, int]
    # Of the photo, from 1 to 8 as in EXIF.
    orientation: int
    # Where the directory of the photo starts.
    offset: int


def find_pages(file: BinaryIO) -> Pages:
    """Read the directories of a TIFF file; raise as Pillow does where it is broken."""
    file.seek(0)
    header = file.read(16)
    # The BigTIFF header has 16 bytes.
    header = header if 43 in header[2:4] else header[:8]
    visited: set[int] = set()
    first = int(ImageFileDirectory_v2(header).next or 0)
    pages = list(_directories(file, header, first, visited))
    beside = [
        directory
        for page, _ in pages
        for offset in _values(page, _SUB_DIRECTORIES)
        for directory, _ in _directories(file, header, offset, visited)
    ]
    directories = [page for page, _ in pages]
    largest_page = max(map(_area, directories), default=0)
    is_raw = any(
        _SENSOR & set(_values(directory, _PHOTOMETRIC))
        or _DNG_VERSION in directory
        or _CR2_SLICES in directory
        for directory in (*directories, *beside)
    )
    # Nothing but RAW keeps a larger picture beside its pages than in them.
    is_raw |= any(_area(picture) > largest_page and not _is_extra(picture) for picture in beside)
    whole = [index for index, page in enumerate(directories) if not _is_extra(page)]
    candidates = whole or list(range(len(pages)))
    largest = max((_area(directories[index]) for index in candidates), default=0)
    # A preview need not say that it is one. Pages of a document differ less.
    photos = [index for index in candidates if 2 * _area(directories[index]) > largest]
    photo = photos[0] if photos else 0
    if not pages:
        return Pages(is_raw, 0, 1, (0, 0), 1, 0)
    tags, offset = pages[photo]
    size = _value(tags, _WIDTH), _value(tags, _HEIGHT)
    orientation = _value(tags, _ORIENTATION, 1)
    return Pages(is_raw, photo, max(1, len(photos)), size, orientation, offset)


def read_high_bit_depth(file: BinaryIO, pages: Pages) -> tuple[Image.Image, bool]:
    """Read a TIFF file as `decode_high_bit_depth` does: colours of 32 bits or of fractions."""
    file.seek(0)
    data = bytearray(file.read())
    # OpenCV would turn half of the orientations itself, and fail on the others.
    if pages.orientation != 1:
        _set_upright(data, pages.offset)
    decoded = None if pages.photo else decode_high_bit_depth(data)
    if decoded is None:
        raise UnsupportedImage(
            "is a TIFF file of a kind that cannot be read here: save it as PNG, or as TIFF with 8 "
            "or 16 bits and without exotic compression"
        )
    if pages.orientation != 1:
        exif = Image.Exif()
        exif[_ORIENTATION] = pages.orientation
        decoded[0].info["exif"] = exif.tobytes()
    return decoded


def _directories(
    file: BinaryIO, header: bytes, offset: int, visited: set[int]
) -> Iterator[tuple[ImageFileDirectory_v2, int]]:
    """Yield the directory at an offset and those that follow it, each with its offset."""
    # A broken file may lead in a circle.
    while offset and offset not in visited and len(visited) < _MOST_DIRECTORIES:
        visited.add(offset)
        file.seek(offset)
        directory = ImageFileDirectory_v2(header)
        # Where the file is cut off, it warns, and nothing follows.
        directory.load(file)
        if not len(directory):
            return
        yield directory, offset
        offset = int(directory.next or 0)


def _values(directory: ImageFileDirectory_v2, tag: int) -> tuple[int, ...]:
    values = directory.get(tag, ())
    values = values if isinstance(values, tuple) else (values,)
    return tuple(value for value in values if isinstance(value, int))


def _value(directory: ImageFileDirectory_v2, tag: int, default: int = 0) -> int:
    return next(iter(_values(directory, tag)), default)


def _area(directory: ImageFileDirectory_v2) -> int:
    return _value(directory, _WIDTH) * _value(directory, _HEIGHT)


def _is_extra(directory: ImageFileDirectory_v2) -> bool:
    return bool(_value(directory, _SUBFILE) & (_REDUCED | _MASK))


def _set_upright(data: bytearray, offset: int) -> None:
    """Set the orientation in the directory at an offset to 1."""
    order = "<" if data[:2] == b"II" else ">"
    is_big = 43 in data[2:4]
    start, step, value = (offset + 8, 20, 12) if is_big else (offset + 2, 12, 8)
    for entry in range(start, min(len(data) - step, start + step * _MOST_TAGS), step):
        if struct.unpack_from(order + "H", data, entry)[0] == _ORIENTATION:
            struct.pack_into(order + "H", data, entry + value, 1)
            return
