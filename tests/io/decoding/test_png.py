"""PNG files with parts that other decoders pass over."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from humanseg.io.images import ImageError, image_size, load_photo, read_mask
from humanseg.system.notices import CUT_OFF

PHOTO: NDArray[np.uint8] = np.random.default_rng(0).integers(0, 256, (60, 40, 3), np.uint8)
LONG = b"history " * 200_000


def chunk(kind: bytes, body: bytes, wrong: int = 0) -> bytes:
    return (
        struct.pack(">I4s", len(body), kind)
        + body
        + struct.pack(">I", zlib.crc32(kind + body) ^ wrong)
    )


def saved(pixels: NDArray[np.uint8] = PHOTO, mode: str | None = None, **options: object) -> bytes:
    buffer = io.BytesIO()
    image = Image.fromarray(pixels)
    (image if mode is None else image.convert(mode)).save(buffer, "PNG", **options)
    return buffer.getvalue()


def with_chunk(data: bytes, *added: bytes, at_end: bool = False) -> bytes:
    place = len(data) - 12 if at_end else 33
    return data[:place] + b"".join(added) + data[place:]


@pytest.mark.parametrize("at_end", [False, True])
@pytest.mark.parametrize(
    "added",
    [
        chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(LONG)),
        chunk(b"zTXt", b"workflow\0\0" + zlib.compress(LONG)),
        chunk(b"tEXt", b"Comment\0" + LONG),
        chunk(b"tEXt", b"Comment\0hello", wrong=1),
        chunk(b"zTXt", b"Comment\0\0not packed"),
        chunk(b"iCCP", b"icc\0\0" + zlib.compress(bytes(1_200_000))),
        chunk(b"iCCP", b"icc\0\0not packed"),
        chunk(b"iCCP", b"icc\0\0" + zlib.compress(bytes(100)), wrong=1),
        chunk(b"eXIf", b"MM\0*\0\0\0\x08\0\0", wrong=1),
        chunk(b"eXIf", b"MM"),
        chunk(b"gAMA", b"\0\0"),
        chunk(b"cHRM", bytes(32)),
        chunk(b"sRGB", b""),
        chunk(b"tRNS", b"\0"),
        chunk(b"pHYs", b"\0"),
        chunk(b"acTL", bytes(8), wrong=1),
        chunk(b"prVt", LONG),
    ],
    ids=lambda added: f"{added[4:8].decode()}-{len(added)}-{added[12:18]!r}",
)
def test_what_stands_beside_whole_pixels_does_no_harm(
    tmp_path: Path, added: bytes, at_end: bool
) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(with_chunk(saved(), added, at_end=at_end))
    picture = load_photo(path)
    np.testing.assert_array_equal(picture.rgb, PHOTO)
    assert picture.alpha is None and picture.notices == ()
    assert image_size(path) == (60, 40)


def test_a_wrong_checksum_of_what_makes_the_picture_is_an_error(tmp_path: Path) -> None:
    data = bytearray(saved())
    data[29] ^= 1
    (tmp_path / "a.png").write_bytes(data)
    with pytest.raises(ImageError, match="a.png"):
        load_photo(tmp_path / "a.png")


def adam7(pixels: NDArray[np.uint8]) -> bytes:
    """Return an interlaced PNG, which Pillow does not write."""
    height, width = pixels.shape[:2]
    rows = b""
    for left, top, across, down in (
        (0, 0, 8, 8),
        (4, 0, 8, 8),
        (0, 4, 4, 8),
        (2, 0, 4, 4),
        (0, 2, 2, 4),
        (1, 0, 2, 2),
        (0, 1, 1, 2),
    ):
        rows += b"".join(b"\0" + row.tobytes() for row in pixels[top::down, left::across])
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 1)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        [chunk(b"IHDR", head), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b"")]
    )


@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize(("lost", "is_read"), [(12, True), (20, True), (70, True), (0.1, False)])
def test_an_end_that_is_cut_off_is_made_up_where_it_is_short(
    tmp_path: Path, interlaced: bool, lost: float, is_read: bool
) -> None:
    whole = adam7(PHOTO) if interlaced else saved()
    path = tmp_path / "a.png"
    path.write_bytes(whole[: -lost if isinstance(lost, int) else int(len(whole) * (1 - lost))])
    if not is_read:
        with pytest.raises(ImageError, match="cut off"):
            load_photo(path)
        return
    picture = load_photo(path)
    right = (picture.rgb == PHOTO).all(axis=2).mean()
    assert right > 0.98
    # All of the pixels are there where only the checksums and the end mark are not.
    assert (right == 1) == (lost <= 20)
    assert picture.notices in ((), (CUT_OFF,))
    assert bool(picture.notices) >= (right < 1)


def test_of_a_mask_nothing_is_made_up(tmp_path: Path) -> None:
    mask = (PHOTO[..., 0] > 127).astype(np.uint8)
    path = tmp_path / "a.png"
    path.write_bytes(saved(mask * 255)[:-20])
    np.testing.assert_array_equal(read_mask(path), mask)
    path.write_bytes(saved(mask * 255)[:-24])
    with pytest.raises(ImageError, match="cut off"):
        read_mask(path)
