"""Transparency, in each of the ways that files have it."""

import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from humanseg.io.images import load_photo, photo_from_pil, read_photo
from tests.io.decoding.test_png import chunk

SHAPE = (8, 6)
COLOUR = (200, 60, 20)


def alpha(half: int = 128) -> NDArray[np.uint8]:
    """Return a picture that is transparent above, partly so in a row, and opaque below."""
    result = np.full(SHAPE, 255, np.uint8)
    result[:3] = 0
    result[3] = half
    return result


def rgba(half: int = 128) -> Image.Image:
    pixels = np.zeros((*SHAPE, 4), np.uint8)
    pixels[..., :3] = COLOUR
    pixels[..., 3] = alpha(half)
    return Image.fromarray(pixels)


def keyed(mode: str, key: int | tuple[int, int, int]) -> Callable[[Path], None]:
    def save(path: Path) -> None:
        image = Image.new(mode, SHAPE[::-1], COLOUR if mode == "RGB" else 100)
        image.paste(key, (0, 0, SHAPE[1], 3))
        image.save(path, transparency=key)

    return save


def palette(path: Path) -> None:
    pixels = np.full(SHAPE, 2, np.uint8)
    pixels[:3] = 0
    pixels[3] = 1
    image = Image.fromarray(pixels, "P")
    image.putpalette([0, 255, 0, *COLOUR, *COLOUR])
    image.save(path, transparency=bytes([0, 128, 255]))


def sixteen_bits(path: Path) -> None:
    pixels = np.full((*SHAPE, 4), 0, ">u2")
    pixels[..., :3] = np.array(COLOUR) * 257
    pixels[..., 3] = alpha().astype(int) * 257
    rows = b"".join(b"\0" + row.tobytes() for row in pixels)
    head = struct.pack(">IIBBBBB", SHAPE[1], SHAPE[0], 16, 6, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


def premultiplied(path: Path) -> None:
    """Write a TIFF file whose colours are multiplied by their opacity already."""
    pixels = np.array(rgba())
    pixels[..., :3] = np.rint(pixels[..., :3] * (pixels[..., 3:] / 255)).astype(np.uint8)
    Image.fromarray(pixels).save(path)
    # Tag 338 says of the extra sample: 1 is associated alpha, 2 the other, which Pillow writes.
    own, other = (struct.pack("<HHIHxx", 338, 3, 1, kind) for kind in (2, 1))
    data = path.read_bytes()
    assert data.count(own) == 1
    path.write_bytes(data.replace(own, other))


WAYS: dict[str, tuple[str, Callable[[Path], None], int]] = {
    "RGBA": ("png", lambda path: rgba().save(path), 128),
    "LA": ("png", lambda path: rgba().convert("LA").save(path), 128),
    "WebP": ("webp", lambda path: rgba().save(path, lossless=True), 128),
    "AVIF": ("avif", lambda path: rgba().save(path, quality=100), 128),
    "TIFF": ("tif", lambda path: rgba().save(path), 128),
    "premultiplied TIFF": ("tif", premultiplied, 128),
    "GIF": ("gif", lambda path: rgba(255).save(path), 255),
    "palette": ("png", palette, 128),
    "key of RGB": ("png", keyed("RGB", (0, 255, 0)), 255),
    "key of grey": ("png", keyed("L", 7), 255),
    "key of 16 bits": ("png", keyed("I;16", 65535), 255),
    "16 bits": ("png", sixteen_bits, 128),
    "TGA": ("tga", lambda path: rgba().save(path), 128),
    "JPEG 2000": ("jp2", lambda path: rgba().save(path), 128),
}


@pytest.mark.parametrize("way", WAYS)
def test_transparency_is_read_beside_the_colours(tmp_path: Path, way: str) -> None:
    suffix, save, half = WAYS[way]
    path = tmp_path / f"a.{suffix}"
    save(path)
    picture = load_photo(path)
    assert picture.alpha is not None
    assert np.abs(picture.alpha.astype(int) - alpha(half)).max() <= 3
    if way not in ("LA", "key of grey", "key of 16 bits"):
        seen = picture.alpha > 0
        assert np.abs(picture.rgb[seen].astype(int) - COLOUR).max() <= 4
    # Nothing of what is hidden is shown.
    assert (read_photo(path)[:3] == 255).all()
    same = photo_from_pil(Image.open(path))
    np.testing.assert_array_equal(same.rgb, picture.rgb)
    assert same.alpha is not None
    np.testing.assert_array_equal(same.alpha, picture.alpha)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_transparency_is_turned_with_the_photo(tmp_path: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    rgba().save(tmp_path / "a.png", exif=exif)
    picture = load_photo(tmp_path / "a.png")
    assert picture.alpha is not None
    upper = picture.alpha[0] if orientation < 5 else picture.alpha[:, 0]
    assert (upper == (0 if orientation in (1, 2, 5, 8) else 255)).all() or orientation in (
        3,
        4,
        6,
        7,
    )
    assert (picture.rgb == COLOUR).all()
    np.testing.assert_array_equal(np.unique(picture.alpha), [0, 128, 255])


def test_what_is_opaque_all_over_has_no_alpha(tmp_path: Path) -> None:
    Image.fromarray(np.full((3, 2, 4), 255, np.uint8)).save(tmp_path / "a.png")
    assert load_photo(tmp_path / "a.png").alpha is None


@pytest.mark.parametrize("name", ["a.bmp", "a.tga", "a.png"])
def test_an_opacity_that_a_program_left_at_zero_hides_no_photo(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    pixels = np.full((3, 2, 4), (10, 20, 30, 0), np.uint8)
    Image.fromarray(pixels).save(path)
    if name == "a.bmp":
        # Pillow writes 32 bits without an opacity: a header that states one, as of GDI.
        head = struct.pack("<IiiHHIIiiII", 108, 2, 3, 1, 32, 3, 24, 0, 0, 0, 0)
        masks = struct.pack("<IIII", 0xFF0000, 0xFF00, 0xFF, 0xFF000000)
        start = struct.pack("<2sIHHI", b"BM", 146, 0, 0, 122)
        bgra = pixels[::-1, :, [2, 1, 0, 3]].tobytes()
        path.write_bytes(start + head + masks + bytes(52) + bgra)
    photo = load_photo(path)
    np.testing.assert_array_equal(photo.rgb, pixels[..., :3])
    if name == "a.png":
        # Its opacity is meant.
        np.testing.assert_array_equal(photo.alpha, pixels[..., 3])
    else:
        assert photo.alpha is None
