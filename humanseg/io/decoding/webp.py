"""WebP files that lack their end but not their picture, which Pillow refuses."""

import io
import struct
from typing import BinaryIO

_PICTURE = {b"VP8 ", b"VP8L", b"ANMF"}
_FLAGS = {b"EXIF": 0x08, b"XMP ": 0x04}
"""Bits of the VP8X chunk that promise a later one."""


def without_broken_end(file: BinaryIO) -> BinaryIO:
    """Return a WebP file without its last chunk, where that is cut off and the picture is not."""
    head = file.read(12)
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    promised = int.from_bytes(head[4:8], "little") + 8
    if size >= promised:
        return file
    data = file.read()
    file.seek(0)
    chunks: list[tuple[bytes, bytes]] = []
    start = 12
    while start + 8 <= size:
        kind, length = struct.unpack("<4sI", data[start : start + 8])
        if start + 8 + length > size:
            break
        chunks.append((kind, data[start + 8 : start + 8 + length]))
        start += 8 + length + length % 2
    names = {kind for kind, _ in chunks}
    if not names & _PICTURE:
        return file
    lost = sum(flag for kind, flag in _FLAGS.items() if kind not in names)
    body = b"WEBP"
    for kind, content in chunks:
        if kind == b"VP8X" and content:
            content = bytes([content[0] & ~lost]) + content[1:]
        body += struct.pack("<4sI", kind, len(content)) + content + b"\0" * (len(content) % 2)
    return io.BytesIO(b"RIFF" + struct.pack("<I", len(body)) + body)
