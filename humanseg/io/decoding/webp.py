"""WebP files that lack their end but not their picture, which Pillow refuses."""

import io
import struct
from typing import BinaryIO


def without_broken_end(file: BinaryIO) -> BinaryIO:
    """Return a WebP file without its last chunk, where that is cut off."""
    head = file.read(12)
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    if size >= int.from_bytes(head[4:8], "little") + 8:
        return file
    data = file.read()
    start = end = 12
    while end <= size:
        start = end
        length = int.from_bytes(data[start + 4 : start + 8], "little")
        end = start + 8 + length + length % 2
    return io.BytesIO(b"RIFF" + struct.pack("<I", start - 8) + data[8:start])
