"""Which picture of a TIFF file is the photo, and what is camera RAW."""

import struct
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from humanseg.io.images import ImageError, image_size, load_photo, read_mask
from humanseg.system.notices import PAGES, RESCALED

RNG = np.random.default_rng(0)
PHOTO: NDArray[np.uint8] = RNG.integers(0, 256, (48, 64, 3), np.uint8)
CFA, RGB, GREY = 32803, 2, 1

Tags = dict[int, int]


def directory(order: str, tags: Tags, following: int) -> bytes:
    entries = b"".join(
        struct.pack(order + "HHII", tag, 4, 1, value) for tag, value in sorted(tags.items())
    )
    return struct.pack(order + "H", len(tags)) + entries + struct.pack(order + "I", following)


def picture(offset: int, size: tuple[int, int], photometric: int, kind: int, bits: int) -> Tags:
    width, height = size
    samples = 3 if photometric == RGB else 1
    count = width * height * samples * bits // 8
    return {
        **{254: kind, 256: width, 257: height, 258: bits, 259: 1, 262: photometric},
        **{273: offset, 277: samples, 278: height, 279: count},
    }


def raw_like(order: str, photometric: int) -> bytes:
    """Return a file as cameras write it: a small preview first, the sensor's values beside it."""
    preview, sensor = bytes(16 * 12 * 3), bytes(64 * 48 * 2)
    start = 8
    data = preview + sensor
    beside = start + len(data)
    data += directory(order, picture(start + len(preview), (64, 48), photometric, 0, 16), 0)
    first = start + len(data)
    tags = picture(start, (16, 12), RGB, 1, 8) | {330: beside}
    data += directory(order, tags, 0)
    mark = b"II*\0" if order == "<" else b"MM\0*"
    return mark + struct.pack(order + "I", first) + data


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("photometric", [CFA, GREY])
@pytest.mark.parametrize("name", ["a.nef", "a.dng", "a.tif", "a.jpg"])
def test_camera_raw_is_not_read_as_its_preview(
    tmp_path: Path, order: str, photometric: int, name: str
) -> None:
    path = tmp_path / name
    path.write_bytes(raw_like(order, photometric))
    for read in (load_photo, image_size, read_mask):
        with pytest.raises(ImageError, match=f"{name} is a camera RAW file.*develop it"):
            read(path)


@pytest.mark.parametrize("tags", [{330: 0, 50706: 1}, {330: 0, 262: 34892}])
def test_raw_without_a_sensor_beside_it_is_raw_too(tmp_path: Path, tags: Tags) -> None:
    path = tmp_path / "a.tif"
    data = bytes(16 * 12 * 3)
    base = picture(8, (16, 12), RGB, 0, 8) | tags
    path.write_bytes(b"II*\0" + struct.pack("<I", 8 + len(data)) + data + directory("<", base, 0))
    with pytest.raises(ImageError, match="camera RAW"):
        load_photo(path)


def test_a_raw_suffix_is_believed_of_tiff_and_of_nothing_else(tmp_path: Path) -> None:
    Image.fromarray(PHOTO).save(tmp_path / "a.tif")
    (tmp_path / "a.tif").rename(tmp_path / "a.arw")
    with pytest.raises(ImageError, match="camera RAW"):
        load_photo(tmp_path / "a.arw")
    Image.fromarray(PHOTO).save(tmp_path / "b.jpg")
    (tmp_path / "b.jpg").rename(tmp_path / "b.cr2")
    assert load_photo(tmp_path / "b.cr2").rgb.shape == PHOTO.shape


@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("compression", [None, "tiff_lzw", "tiff_adobe_deflate"])
def test_a_preview_before_the_photo_is_passed_over(
    tmp_path: Path, compression: str | None, big: bool
) -> None:
    photo = Image.fromarray(PHOTO)
    preview = photo.resize((16, 12))
    preview.save(
        tmp_path / "a.tif",
        save_all=True,
        append_images=[photo],
        compression=compression,
        big_tiff=big,
    )
    read = load_photo(tmp_path / "a.tif")
    np.testing.assert_array_equal(read.rgb, PHOTO)
    assert read.notices == ()
    assert image_size(tmp_path / "a.tif") == (48, 64)


def test_of_several_pages_the_first_is_read_and_it_is_said(tmp_path: Path) -> None:
    pages = [Image.fromarray(np.roll(PHOTO, 20 * page, axis=0)) for page in range(3)]
    # A larger last page does not make the others previews.
    pages[2] = pages[2].resize((70, 50))
    pages[0].save(tmp_path / "a.tif", save_all=True, append_images=pages[1:])
    read = load_photo(tmp_path / "a.tif")
    np.testing.assert_array_equal(read.rgb, PHOTO)
    assert read.notices == (PAGES,)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
def test_directories_that_lead_in_a_circle_or_nowhere_end(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    data = PHOTO.tobytes()
    for following in (8 + len(data), 1 << 30):
        base = picture(8, (64, 48), RGB, 0, 8)
        path.write_bytes(
            b"II*\0" + struct.pack("<I", 8 + len(data)) + data + directory("<", base, following)
        )
        np.testing.assert_array_equal(load_photo(path).rgb, PHOTO)
    for share in (0.001, 0.3, 0.9):
        path.write_bytes(path.read_bytes()[: int(len(data) * share)])
        with pytest.raises(ImageError, match=r"a\.tif"):
            load_photo(path)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("compression", [None, "tiff_lzw"])
def test_orientation_is_undone_once(
    tmp_path: Path, compression: str | None, orientation: int
) -> None:
    upright = np.zeros((48, 32, 3), np.uint8)
    upright[:16, :16] = (255, 0, 0)
    upright[32:, :16] = (0, 0, 255)
    across = upright.transpose(1, 0, 2)
    stored = {
        **{1: upright, 2: upright[:, ::-1], 3: upright[::-1, ::-1], 4: upright[::-1]},
        **{5: across, 6: across[::-1], 7: across[::-1, ::-1], 8: across[:, ::-1]},
    }[orientation]
    path = tmp_path / "a.tif"
    image = Image.fromarray(np.ascontiguousarray(stored))
    image.save(path, tiffinfo={274: orientation}, compression=compression)
    np.testing.assert_array_equal(load_photo(path).rgb, upright)
    assert image_size(path) == (48, 32)
    # And by the other decoder, which colours of fractions need.
    floats = np.ascontiguousarray(stored[..., ::-1]).astype(np.float32) / 255
    cv2.imwrite(str(path), floats)
    data = bytearray(path.read_bytes())
    first = struct.unpack("<I", data[4:8])[0]
    count = struct.unpack("<H", data[first : first + 2])[0]
    entries = [data[first + 2 + 12 * at : first + 14 + 12 * at] for at in range(count)]
    entries.append(bytearray(struct.pack("<HHIHxx", 274, 3, 1, orientation)))
    entries.sort(key=lambda entry: struct.unpack("<H", entry[:2]))
    new = len(data) + len(data) % 2
    data += bytes(new - len(data)) + struct.pack("<H", len(entries)) + b"".join(entries) + bytes(4)
    data[4:8] = struct.pack("<I", new)
    path.write_bytes(data)
    np.testing.assert_array_equal(load_photo(path).rgb, upright)
    assert image_size(path) == (48, 32)


@pytest.mark.parametrize(
    ("dtype", "white"), [("float32", 1), ("float32", 255), ("float32", 65535), ("uint16", 65535)]
)
@pytest.mark.parametrize("channels", [3, 4])
def test_colours_of_more_bits_are_read(
    tmp_path: Path, dtype: str, white: int, channels: int
) -> None:
    pixels = np.dstack([PHOTO, np.full(PHOTO.shape[:2], 255, np.uint8)])[..., [2, 1, 0, 3]]
    values = (pixels[..., :channels].astype(np.float64) * white / 255).astype(dtype)
    assert cv2.imwrite(str(tmp_path / "a.tif"), values)
    read = load_photo(tmp_path / "a.tif")
    assert np.abs(read.rgb.astype(int) - PHOTO).max() <= 1
    assert read.alpha is None and RESCALED not in read.notices


@pytest.mark.parametrize("suffix", ["png", "tif"])
@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize(("bits", "is_said"), [(8, True), (12, True), (16, False)])
def test_colours_of_fewer_bits_than_the_files_sixteen_are_not_black(
    tmp_path: Path, suffix: str, channels: int, bits: int, is_said: bool
) -> None:
    white = (1 << bits) - 1
    values = np.rint(PHOTO[..., ::-1] * (white / 255)).astype(np.uint16)
    if channels == 4:
        values = np.dstack([values, np.full(PHOTO.shape[:2], 32896, np.uint16)])
    path = tmp_path / f"a.{suffix}"
    assert cv2.imwrite(str(path), values)
    read = load_photo(path)
    assert np.abs(read.rgb.astype(int) - PHOTO).max() <= 1
    assert (RESCALED in read.notices) == is_said
    if channels == 4:
        assert read.alpha is not None and (read.alpha == 128).all()
