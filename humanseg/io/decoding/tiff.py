"""Which picture of a TIFF file is the photo: cameras and programs put previews beside it."""

import struct
from dataclasses import dataclass
from typing import BinaryIO

from PIL import Image

from humanseg.io.decoding.errors import UnsupportedImage
from humanseg.io.decoding.high_bit_depth import decode_high_bit_depth

_SUBFILE, _WIDTH, _HEIGHT, _PHOTOMETRIC, _ORIENTATION = 254, 256, 257, 262, 274
_SUB_DIRECTORIES, _DNG_VERSION, _CR2_SLICES = 330, 50706, 50752
_WANTED = {
    _SUBFILE,
    _WIDTH,
    _HEIGHT,
    _PHOTOMETRIC,
    _ORIENTATION,
    _SUB_DIRECTORIES,
    _DNG_VERSION,
    _CR2_SLICES,
}
_PLACE_OF_ORIENTATION = -_ORIENTATION
_SENSOR = {32803, 34892}
"""Photometric interpretations of a sensor's values: colour filter array, linear raw."""
_REDUCED, _MASK = 1, 4
"""Bits of NewSubfileType."""
_FORMATS = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}
_MOST_DIRECTORIES = 10_000

Directory = dict[int, tuple[int, ...]]


@dataclass(frozen=True)
class Pages:
    """What a TIFF file holds."""

    # It is camera RAW.
    is_raw: bool
    # Which of its pages is the photo, from 0.
    photo: int
    # How many of its pages are pictures of their own, neither previews nor masks.
    count: int
    # (W, H) of the photo as it is stored.
    size: tuple[int, int]
    # Of the photo, as of EXIF.
    orientation: int
    # The file's bytes that say the orientation, and what they would be if it were 1.
    upright: tuple[slice, bytes]


def find_pages(file: BinaryIO) -> Pages:
    """Read the directories of a TIFF file."""
    reader = _Reader(file)
    pages = list(reader.chain(reader.first))
    beside = [
        directory
        for page in pages
        for offset in page.get(_SUB_DIRECTORIES, ())
        for directory in reader.chain(offset)
    ]
    largest_page = max(map(_area, pages), default=0)
    is_raw = any(
        _SENSOR & set(each.get(_PHOTOMETRIC, ())) or _DNG_VERSION in each or _CR2_SLICES in each
        for each in (*pages, *beside)
    )
    # Nothing but RAW keeps a larger picture beside its pages than in them.
    is_raw |= any(_area(each) > largest_page and not _is_extra(each) for each in beside)
    whole = [index for index, page in enumerate(pages) if not _is_extra(page)]
    candidates = whole or list(range(len(pages)))
    largest = max((_area(pages[index]) for index in candidates), default=0)
    # A preview need not say that it is one. Pages of a document differ less.
    photos = [index for index in candidates if 2 * _area(pages[index]) > largest]
    photo = photos[0] if photos else 0
    tags = pages[photo] if pages else {}
    size = tags.get(_WIDTH, (0,))[0], tags.get(_HEIGHT, (0,))[0]
    at = tags.get(_PLACE_OF_ORIENTATION, (0,))[0]
    upright = slice(at, at + 2 if at else 0), reader.pack("H", 1) if at else b""
    orientation = tags.get(_ORIENTATION, (1,))[0]
    return Pages(is_raw, photo, max(1, len(photos)), size, orientation, upright)


def read_high_bit_depth(file: BinaryIO, pages: Pages) -> tuple[Image.Image, bool]:
    """Read a TIFF file of a kind that Pillow does not: colours of 32 bits or of fractions."""
    file.seek(0)
    data = bytearray(file.read())
    # OpenCV would turn half of the orientations itself, and fail on the others.
    place, upright = pages.upright
    data[place] = upright
    found = None if pages.photo else decode_high_bit_depth(data)
    if found is None:
        raise UnsupportedImage(
            "is a TIFF file of a kind that cannot be read here: save it as PNG, or as TIFF with 8 "
            "or 16 bits and without exotic compression"
        )
    if pages.orientation != 1:
        exif = Image.Exif()
        exif[_ORIENTATION] = pages.orientation
        found[0].info["exif"] = exif.tobytes()
    return found


def _area(directory: Directory) -> int:
    return directory.get(_WIDTH, (0,))[0] * directory.get(_HEIGHT, (0,))[0]


def _is_extra(directory: Directory) -> bool:
    return bool(directory.get(_SUBFILE, (0,))[0] & (_REDUCED | _MASK))


class _Reader:
    """Reads the few tags that matter, from classic TIFF and from BigTIFF."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        file.seek(0)
        head = file.read(16)
        self._order = "<" if head[:2] == b"II" else ">"
        self._big = 43 in head[2:4]
        self._seen: set[int] = set()
        (self.first,) = self._unpack("Q", head[8:16]) if self._big else self._unpack("I", head[4:8])

    def chain(self, offset: int) -> "list[Directory]":
        """Return a directory and those that follow it."""
        found: list[Directory] = []
        # A broken file may lead in a circle.
        while offset and offset not in self._seen and len(self._seen) < _MOST_DIRECTORIES:
            self._seen.add(offset)
            try:
                directory, offset = self._directory(offset)
            except struct.error:
                # What follows is cut off; the pages before it are not.
                break
            found.append(directory)
        return found

    def _directory(self, offset: int) -> tuple[Directory, int]:
        self._file.seek(offset)
        count_format, entry_size, offset_format = ("Q", 20, "Q") if self._big else ("H", 12, "I")
        (count,) = self._take(count_format)
        entries = self._file.read(min(count, 65535) * entry_size)
        (following,) = self._take(offset_format)
        directory: Directory = {}
        for start in range(0, len(entries) - entry_size + 1, entry_size):
            tag, kind = self._unpack("HH", entries[start : start + 4])
            if tag in _WANTED:
                directory[tag] = self._values(kind, entries[start + 4 : start + entry_size])
            if tag == _ORIENTATION and kind == 3:
                place = offset + struct.calcsize(self._order + count_format) + start
                directory[_PLACE_OF_ORIENTATION] = (place + (12 if self._big else 8),)
        return directory, following

    def _values(self, kind: int, rest: bytes) -> tuple[int, ...]:
        width = len(rest) // 2
        (count,) = self._unpack("Q" if self._big else "I", rest[:width])
        form = f"{min(count, 1000)}{_FORMATS.get(kind, 'B')}"
        size = struct.calcsize(self._order + form)
        if size <= width:
            return self._unpack(form, rest[width : width + size])
        (offset,) = self._unpack("Q" if self._big else "I", rest[width:])
        self._file.seek(offset)
        return self._unpack(form, self._file.read(size))

    def pack(self, form: str, *values: int) -> bytes:
        """Return numbers as the file writes them."""
        return struct.pack(self._order + form, *values)

    def _take(self, form: str) -> tuple[int, ...]:
        return self._unpack(form, self._file.read(struct.calcsize(self._order + form)))

    def _unpack(self, form: str, data: bytes) -> tuple[int, ...]:
        return struct.unpack(self._order + form, data)
