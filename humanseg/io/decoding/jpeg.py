"""JPEG files that lack their end, which Pillow refuses or fills with grey without a word."""

import io
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, JpegImagePlugin

_END = b"\xff\xd9"
_START, _START_OF_SCAN = 0xD8, 0xDA
_WITHOUT_LENGTH = {0x01, *range(0xD0, 0xDA)}
_BLOCK = 8
_TRIES = 2
_GREY = (127, 128)
_TAIL = 4096
"""Random bytes in the place of the missing ones; blocks after the first wrong one are lost."""


def complete_jpeg(data: bytes) -> tuple[bytes, float] | None:
    """End a cut-off JPEG file, and return the share of its pixels that is missing.

    None where a whole component or scan is missing. The file is decoded with nothing, and with
    random bytes, in place of the missing ones: from the first block that differs, the picture
    depends on them.
    """
    end = _end_of_scans(data)
    # A failed copy may continue with bytes of one value.
    data = data.rstrip(b"\0\xff") if end is None else data[:end]
    progressive = _is_progressive(data)
    if not _has_all_scans(data):
        return None
    ended = data + _END
    expected = _decode(ended, whole=progressive)
    share = 0.0
    for seed in range(_TRIES):
        noise = np.random.default_rng(seed).integers(0, 0xFF, _TAIL, np.uint8).tobytes()
        other = _decode(data + noise + _END, whole=progressive)
        share = max(share, _share_after_first_difference(expected, other, progressive))
    return ended, share


def lacks_end(file: BinaryIO, image: Image.Image) -> bool:
    """Return whether the end of a JPEG file is missing, though its decoder raised nothing.

    It takes zeros for pixels, and an end mark for the end wherever it stands.
    """
    file.seek(-len(_END), io.SEEK_END)
    is_grey, is_progressive = _ends_in_grey(image), "progressive" in image.info
    if file.read() == _END and not is_grey and not is_progressive:
        return False
    file.seek(0)
    data = file.read()
    if _end_of_picture(data) is None or (is_progressive and not _has_all_scans(data)):
        return True
    if not is_grey:
        return False
    completed = complete_jpeg(data)
    return completed is None or completed[1] > 0


def _ends_in_grey(image: Image.Image) -> bool:
    """Return whether an image ends in grey, as where the end mark comes too early."""
    width, height = image.size
    corner = image.crop((max(0, width - _BLOCK), max(0, height - _BLOCK), width, height))
    return bool(np.isin(np.asarray(corner), _GREY).all())


def _end_of_picture(data: bytes) -> int | None:
    """Return the offset of the end mark, if there is one."""
    return next((start for marker, _, start in _segments(data) if marker == _END[1]), None)


def _end_of_scans(data: bytes) -> int | None:
    """Return the offset where the scans end: at the end mark, or where one scan has everything.

    Such a scan ends at the next marker, whatever it is: panoramas of Samsung phones lack the end
    mark, and continue with a video, whose bytes look like markers by chance.
    """
    components, is_last = b"", False
    for marker, body, start in _segments(data):
        if is_last or marker == _END[1]:
            return start
        if marker in (0xC0, 0xC1):
            components = body[5:6]
        is_last = marker == _START_OF_SCAN and body[:1] == components
    return None


def _decode(data: bytes, whole: bool) -> NDArray[np.uint8]:
    """Return uint8 (H,W) or (H,W,C): all pixels, or one of each block."""
    with JpegImagePlugin.JpegImageFile(io.BytesIO(data)) as image:
        if not whole:
            image.draft(None, (max(1, image.width // _BLOCK), max(1, image.height // _BLOCK)))
        return np.array(image)


def _share_after_first_difference(
    expected: NDArray[np.uint8], other: NDArray[np.uint8], whole: bool
) -> float:
    differs = expected != other
    if differs.ndim == 3:
        differs = differs.any(axis=2)
    rows = np.flatnonzero(differs.any(axis=1))
    if not rows.size:
        return 0.0
    # Blocks lie in rows of 8 or 16 pixels; the first of them is known up to a column.
    height, width = differs.shape
    band = 2 * _BLOCK if whole else 2
    top = rows[0] - rows[0] % band
    left = np.flatnonzero(differs[top : top + band].any(axis=0))[0]
    below = max(0, height - top - band)
    return float((width - left) * min(band, height - top) + below * width) / differs.size


def _is_progressive(data: bytes) -> bool:
    return any(marker == 0xC2 for marker, _, _ in _segments(data))


def _has_all_scans(data: bytes) -> bool:
    """Return whether each component's coefficients exist to their last bit.

    The last scan counts, though it breaks off.
    """
    components: set[int] = set()
    is_progressive = _is_progressive(data)
    # Of each component and coefficient, the bits that are still missing.
    missing: dict[tuple[int, int], int] = {}
    for marker, body, _ in _segments(data):
        if marker in (0xC0, 0xC1, 0xC2) and len(body) >= 6:
            components = {
                body[6 + 3 * index] for index in range(body[5]) if len(body) > 6 + 3 * index
            }
        if marker == _START_OF_SCAN and body:
            count = body[0]
            if len(body) < 4 + 2 * count:
                return False
            # A scan that is not progressive has all, though some cameras state zeros there.
            first, last, bits = 0, 63, 0
            if is_progressive:
                first, last, bits = body[1 + 2 * count : 4 + 2 * count]
            for index in range(count):
                for coefficient in range(first, min(last, 63) + 1):
                    missing[body[1 + 2 * index], coefficient] = bits & 15
    return bool(components) and all(
        missing.get((component, coefficient), 1) == 0
        for component in components
        for coefficient in range(64)
    )


def _segments(data: bytes) -> Iterator[tuple[int, bytes, int]]:
    """Yield the markers of a file up to its end mark, with their contents and offsets."""
    start = data.find(b"\xff\xd8") + 2
    while 2 <= start < len(data):
        start = data.find(b"\xff", start)
        if start < 0 or start + 1 >= len(data):
            return
        marker = data[start + 1]
        if marker in (0x00, 0xFF) or marker in _WITHOUT_LENGTH:
            # Fill bytes, and what stands for a byte 255 or a restart among the pixels.
            if marker in (_START, _END[1]):
                yield marker, b"", start
            if marker == _END[1]:
                return
            start += 1 if marker == 0xFF else 2
            continue
        length = int.from_bytes(data[start + 2 : start + 4], "big")
        yield marker, data[start + 4 : start + 2 + length], start
        start += 2 + length
