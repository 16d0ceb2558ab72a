"""PNG files with broken parts beside whole pixels, which Pillow refuses and browsers show."""

import io
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

SIGNATURE = b"\x89PNG\r\n\x1a\n"

_PIXELS = {b"IDAT", b"fdAT"}
_CRITICAL = {b"IHDR", b"PLTE", b"IEND"} | _PIXELS
# Ancillary chunks that change the picture, and the only lengths that they may have.
_VISIBLE: dict[bytes, tuple[int, ...] | None] = {
    b"tRNS": None,
    b"iCCP": None,
    b"eXIf": None,
    b"acTL": (8,),
    b"fcTL": (26,),
}
_MOST_PROFILE = 16 << 20
"""Bytes of an unpacked colour profile; real ones have up to some 4 MB."""
_LEAST_TRANSPARENCY = {0: 2, 2: 6, 3: 1}
"""Bytes of a tRNS chunk by colour type; other types have none."""
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2))
_LAST_PASS = (0, 1, 1, 2)
"""Of each pass of Adam7: its first column and row, and the steps to the next."""
_COPY_ROW_ABOVE = 2
"""The filter with which a row of zeros repeats the one above it."""


@dataclass(frozen=True)
class CleanPng:
    """A PNG file without what may keep a decoder from its pixels."""

    # With the chunks that make the picture, and no others.
    stream: io.BytesIO
    # The ICC profile, if it is whole.
    profile: bytes | None


def clean(file: BinaryIO, pixels: bool) -> CleanPng:
    """Remove texts, broken ancillary chunks and all that does not change the picture.

    The PNG specification has decoders continue without an ancillary chunk that they cannot use, as
    browsers do.
    """
    stream = io.BytesIO()
    stream.write(file.read(len(SIGNATURE)))
    profile = None
    colour = -1
    while len(head := file.read(8)) == 8:
        length, kind = struct.unpack(">I4s", head)
        if kind not in _CRITICAL and (kind not in _VISIBLE or length > 2 * _MOST_PROFILE):
            file.seek(length + 4, io.SEEK_CUR)
            continue
        if kind in _PIXELS and not pixels:
            stream.write(head)
            break
        body = file.read(length + 4)
        if kind == b"IHDR" and len(body) > 9:
            colour = body[9]
        if kind in _VISIBLE and not _is_sound(kind, body, length):
            continue
        if kind == b"tRNS" and length < _LEAST_TRANSPARENCY.get(colour, length + 1):
            continue
        if kind == b"iCCP":
            profile = _unpacked(body[:-4])
        else:
            stream.write(head + body)
        if kind == b"IEND":
            break
    stream.seek(0)
    return CleanPng(stream, profile)


def complete_png(data: bytes) -> tuple[bytes, float] | None:
    """Fill the end of a cut-off PNG file with its last whole row; return it and the filled share.

    None where there are no pixels at all.
    """
    chunks = list(_chunks(data))
    if not chunks or chunks[0][0] != b"IHDR" or len(chunks[0][1]) != 13:
        return None
    packed = b"".join(body for kind, body in chunks if kind == b"IDAT")
    rows = _row_sizes(*struct.unpack(">IIBBBBB", chunks[0][1]))
    whole = sum(rows)
    pixels = _unpacked_as_far_as_possible(packed, whole)
    if not pixels:
        return None
    have = len(pixels)
    pixels.extend(bytes(whole - have))
    start = 0
    for size in rows:
        if start >= have:
            pixels[start] = _COPY_ROW_ABOVE
        start += size
    parts = [
        (kind, body) for kind, body in chunks if kind in (b"IHDR", b"PLTE") or kind in _VISIBLE
    ]
    # Of an animation, only the first frame is completed.
    parts = [(kind, body) for kind, body in parts if kind not in (b"acTL", b"fcTL")]
    parts += [(b"IDAT", zlib.compress(pixels, 1)), (b"IEND", b"")]
    return SIGNATURE + b"".join(_chunk(kind, body) for kind, body in parts), 1 - have / whole


def _is_sound(kind: bytes, body: bytes, length: int) -> bool:
    """Return whether an ancillary chunk with its checksum may be used."""
    if len(body) != length + 4 or zlib.crc32(kind + body[:-4]) != int.from_bytes(body[-4:], "big"):
        return False
    lengths = _VISIBLE[kind]
    return length > 0 and (lengths is None or length in lengths)


def _unpacked(body: bytes) -> bytes | None:
    """Return the profile of an iCCP chunk, or None where it is broken."""
    _, _, rest = body.partition(b"\0")
    unpacker = zlib.decompressobj()
    try:
        profile = unpacker.decompress(rest[1:], _MOST_PROFILE)
    except zlib.error:
        return None
    return profile if profile and unpacker.eof else None


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    start = len(SIGNATURE)
    while start + 8 <= len(data):
        length, kind = struct.unpack(">I4s", data[start : start + 8])
        yield kind, data[start + 8 : start + 8 + length]
        start += length + 12


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _row_sizes(
    width: int, height: int, depth: int, colour: int, _method: int, _filters: int, interlaced: int
) -> list[int]:
    """Return the bytes of each row, with its filter, in the order of the file."""
    bits = depth * _CHANNELS.get(colour, 1)
    if not interlaced:
        return [1 + (width * bits + 7) // 8] * height
    sizes = []
    for left, top, across, down in (*_PASSES, _LAST_PASS):
        columns, rows = -((left - width) // across), -((top - height) // down)
        if columns > 0 and rows > 0:
            sizes += [1 + (columns * bits + 7) // 8] * rows
    return sizes


def _unpacked_as_far_as_possible(packed: bytes, most: int) -> bytearray:
    unpacker = zlib.decompressobj()
    result = bytearray()
    step = 4096
    try:
        for start in range(0, len(packed), step):
            result += unpacker.decompress(packed[start : start + step], most - len(result) + 1)
            if len(result) >= most:
                break
    except zlib.error:
        pass
    return result[:most]
