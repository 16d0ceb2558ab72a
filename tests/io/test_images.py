import io
import signal
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageFile

from humanseg.errors import HumansegError
from humanseg.io.images import ImageError, image_size, read_mask, read_photo, write_image

RNG = np.random.default_rng(0)


def smooth_photo(height: int = 40, width: int = 30) -> NDArray[np.uint8]:
    rows, columns = np.mgrid[:height, :width]
    return np.stack([rows * 6, columns * 8, 255 - rows * 4], axis=-1).astype(np.uint8)


def disc(height: int = 40, width: int = 30) -> NDArray[np.uint8]:
    rows, columns = np.mgrid[:height, :width]
    return ((rows - 18) ** 2 + (columns - 12) ** 2 < 81).astype(np.uint8)


@pytest.mark.parametrize("suffix", ["png", "bmp"])
def test_a_plain_photo_is_read_as_it_is(tmp_path: Path, suffix: str) -> None:
    photo = smooth_photo()
    Image.fromarray(photo).save(tmp_path / f"a.{suffix}")
    read = read_photo(tmp_path / f"a.{suffix}")
    assert read.dtype == np.uint8
    assert read.flags.writeable
    assert read.flags.c_contiguous
    np.testing.assert_array_equal(read, photo)


@pytest.mark.parametrize("suffix", ["jpg", "webp", "JPEG"])
def test_a_compressed_photo_is_read_in_rgb(tmp_path: Path, suffix: str) -> None:
    Image.fromarray(smooth_photo()).save(tmp_path / f"a.{suffix}", quality=95)
    difference = read_photo(tmp_path / f"a.{suffix}").astype(int) - smooth_photo()
    assert np.abs(difference).mean() < 5


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", ["jpg", "png", "webp"])
def test_orientation_is_undone(tmp_path: Path, suffix: str, orientation: int) -> None:
    upright = np.zeros((48, 32, 3), np.uint8)
    upright[:16, :16] = (255, 0, 0)
    upright[32:, :16] = (0, 0, 255)
    # How a camera stores the scene for each value of the tag: where row 0 and column 0 lie.
    stored = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.transpose(1, 0, 2),
        6: upright.transpose(1, 0, 2)[::-1],
        7: upright.transpose(1, 0, 2)[::-1, ::-1],
        8: upright.transpose(1, 0, 2)[:, ::-1],
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / f"a.{suffix}"
    Image.fromarray(np.ascontiguousarray(stored)).save(path, exif=exif, quality=100)
    read = read_photo(path)
    assert image_size(path) == read.shape[:2] == (48, 32)
    assert np.abs(read.astype(int) - upright).mean() < 6


@pytest.mark.parametrize("value", [0, 9, 65535])
def test_a_senseless_orientation_is_passed_over(tmp_path: Path, value: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = value
    Image.fromarray(smooth_photo()).save(tmp_path / "a.png", exif=exif)
    np.testing.assert_array_equal(read_photo(tmp_path / "a.png"), smooth_photo())


def test_a_broken_tag_block_does_not_spoil_the_photo(tmp_path: Path) -> None:
    Image.fromarray(smooth_photo()).save(tmp_path / "a.jpg", exif=b"Exif\0\0MM\0*\0\0\xff")
    assert read_photo(tmp_path / "a.jpg").shape == (40, 30, 3)
    assert image_size(tmp_path / "a.jpg") == (40, 30)


def test_sixteen_bits_are_scaled_not_cut_off(tmp_path: Path) -> None:
    wide = np.array([[0, 257, 300, 32768], [40000, 65000, 65535, 129]], np.uint16)
    Image.fromarray(wide).save(tmp_path / "a.png")
    expected = np.rint(wide / 257).astype(np.uint8)
    np.testing.assert_array_equal(read_photo(tmp_path / "a.png"), np.dstack([expected] * 3))


@pytest.mark.parametrize("mode", ["L", "1", "P", "CMYK", "YCbCr", "LA", "RGBA"])
def test_any_colour_mode_is_read(tmp_path: Path, mode: str) -> None:
    photo = Image.fromarray(smooth_photo()).convert(mode)
    path = tmp_path / ("a.jpg" if mode in ("CMYK", "YCbCr") else "a.png")
    photo.save(path)
    expected = np.asarray(photo.convert("RGB")).astype(int)
    assert np.abs(read_photo(path).astype(int) - expected).mean() < 8


@pytest.mark.parametrize("palette", [False, True])
def test_see_through_pixels_lie_over_white(tmp_path: Path, palette: bool) -> None:
    pixels = np.zeros((2, 2, 4), np.uint8)
    pixels[0] = (200, 0, 0, 255)
    pixels[1] = (1, 2, 3, 0)
    image = Image.fromarray(pixels)
    (image.quantize() if palette else image).save(tmp_path / "a.png")
    read = read_photo(tmp_path / "a.png")
    assert read[0, 0].tolist() == [200, 0, 0]
    assert read[1, 1].tolist() == [255, 255, 255]


@pytest.mark.parametrize("lenient", [False, True])
@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "bmp"])
def test_a_photo_cut_off_anywhere_is_named(
    tmp_path: Path, suffix: str, lenient: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", lenient)
    buffer = io.BytesIO()
    noise = RNG.integers(0, 256, (64, 48, 3), np.uint8)
    Image.fromarray(noise).save(buffer, {"jpg": "JPEG"}.get(suffix, suffix.upper()))
    whole = buffer.getvalue()
    path = tmp_path / f"photo.{suffix}"
    for share in (0.001, 0.01, 0.1, 0.3, 0.5, 0.7, 0.9, 0.97):
        path.write_bytes(whole[: int(len(whole) * share)])
        with pytest.raises(ImageError, match=f"photo.{suffix}") as caught:
            read_photo(path)
        assert "\n" not in str(caught.value)
    # It belongs to the program, whose own photos may need it.
    assert ImageFile.LOAD_TRUNCATED_IMAGES is lenient


@pytest.mark.parametrize("read", [read_photo, read_mask, image_size])
@pytest.mark.parametrize(
    ("content", "says"),
    [(b"", "empty file"), (b"this is a text\n" * 50, "not an image"), (None, "There is no file")],
)
def test_what_is_no_image_is_named(  # type: ignore[no-untyped-def]
    tmp_path: Path, read, content: bytes | None, says: str
) -> None:
    path = tmp_path / "photo.jpg"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ImageError, match=f"(?s)photo.jpg.*{says}|{says}.*photo.jpg") as caught:
        read(path)
    assert isinstance(caught.value, HumansegError)


def test_a_folder_is_no_photo(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="Cannot read"):
        read_photo(tmp_path)


def test_the_size_needs_only_the_header(tmp_path: Path) -> None:
    noise = RNG.integers(0, 256, (64, 48, 3), np.uint8)
    for suffix in ("jpg", "png"):
        path = tmp_path / f"a.{suffix}"
        Image.fromarray(noise).save(path)
        path.write_bytes(path.read_bytes()[:1000])
        assert image_size(path) == (64, 48)


@pytest.mark.parametrize(
    "stored",
    [
        disc(),
        disc() * 255,
        disc() * 100 + 50,
        disc().astype(np.uint16) * 65535,
        np.dstack([disc() * 255] * 3),
        np.dstack([disc() * 0, disc() * 0, disc() * 255]),
        np.dstack([disc() * 255] * 3 + [disc() * 0 + 255]),
        np.dstack([disc() * 0] * 3 + [disc() * 255]),
        np.dstack([disc() * 0 + 255] * 3 + [disc() * 255]),
        np.dstack([disc() * 255] * 3 + [np.pad(disc()[1:] * 0 + 255, ((1, 0), (0, 0)))]),
    ],
    ids=[
        "0/1",
        "0/255",
        "50/150",
        "16 bits",
        "RGB",
        "blue",
        "RGBA, opaque",
        "RGBA, black, alpha only",
        "RGBA, white, alpha only",
        "RGBA, both",
    ],
)
def test_a_mask_is_read_however_it_is_written(tmp_path: Path, stored: np.ndarray) -> None:
    Image.fromarray(stored).save(tmp_path / "a.png")
    mask = read_mask(tmp_path / "a.png")
    assert mask.dtype == np.uint8
    np.testing.assert_array_equal(mask, disc())


@pytest.mark.parametrize("mode", ["1", "P", "LA", "I;16"])
def test_a_mask_of_another_mode_is_read(tmp_path: Path, mode: str) -> None:
    Image.fromarray(disc() * 255).convert(mode).save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_mask(tmp_path / "a.png"), disc())


@pytest.mark.parametrize("palette", [[0, 0, 0, 128, 0, 0], [0] * 768, [90, 9, 9, 250, 250, 9]])
def test_a_palette_mask_goes_by_what_is_seen(tmp_path: Path, palette: list[int]) -> None:
    image = Image.fromarray(disc(), "P")
    image.putpalette(palette)
    image.save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_mask(tmp_path / "a.png"), disc())


def test_classes_of_a_palette_mask_are_named_by_the_numbers_that_choose_them(
    tmp_path: Path,
) -> None:
    # As in Pascal VOC: a class beside the person, and white lines of unsure pixels.
    classes = np.repeat(np.array([0, 15, 255], np.uint8), 20)[None].repeat(9, axis=0)
    image = Image.fromarray(classes, "P")
    image.putpalette([0, 0, 0] * 15 + [192, 128, 128] + [0, 0, 0] * 239 + [224, 224, 192])
    image.save(tmp_path / "a.png")
    with pytest.raises(ImageError, match="holds 3 values from 0 to 255.*the values 0, 15, 255"):
        read_mask(tmp_path / "a.png")
    assert np.array_equal(read_mask(tmp_path / "a.png", [15]), classes == 15)


@pytest.mark.parametrize("quality", [20, 50, 75, 95])
def test_a_compressed_mask_is_split_half_way(tmp_path: Path, quality: int) -> None:
    large = np.kron(disc(), np.ones((8, 8), np.uint8))
    Image.fromarray(large * 255).save(tmp_path / "a.jpg", quality=quality)
    assert np.mean(read_mask(tmp_path / "a.jpg") == large) > 0.999


@pytest.mark.parametrize("scale", [0.5, 2])
def test_a_resized_mask_is_split_half_way(tmp_path: Path, scale: float) -> None:
    large = np.kron(disc(), np.ones((8, 8), np.uint8))
    size = (int(240 * scale), int(320 * scale))
    image = Image.fromarray(large * 255)
    image.resize(size, Image.Resampling.BILINEAR).save(tmp_path / "a.png")
    expected = np.asarray(image.resize(size, Image.Resampling.NEAREST)) > 0
    assert np.mean(read_mask(tmp_path / "a.png") == expected) > 0.99


@pytest.mark.parametrize(("value", "expected"), [(0, 0), (1, 1), (255, 1), (250, 1)])
def test_empty_and_full_masks(tmp_path: Path, value: int, expected: int) -> None:
    Image.fromarray(np.full((9, 9), value, np.uint8)).save(tmp_path / "a.png")
    assert (read_mask(tmp_path / "a.png") == expected).all()


def test_a_full_mask_with_noise_is_full(tmp_path: Path) -> None:
    noisy = RNG.integers(253, 256, (40, 30), np.uint8)
    Image.fromarray(noisy).save(tmp_path / "a.png")
    assert read_mask(tmp_path / "a.png").all()


@pytest.mark.parametrize(
    ("stored", "says"),
    [
        (RNG.integers(0, 256, (64, 48), np.uint8), "256 values from 0 to 255"),
        (np.mgrid[:64, :48][0].astype(np.uint8) * 4, "64 values from 0 to 252"),
        (np.arange(3, dtype=np.uint8).repeat(16).reshape(6, 8), "3 values from 0 to 2"),
        (np.array([0] * 50 + [1] * 45 + [255] * 5, np.uint8).reshape(10, 10), "3 values"),
        (np.array([0] * 50 + [15] * 45 + [255] * 5, np.uint8).reshape(10, 10), "3 values"),
        (np.array([0] * 40 + [128] * 20 + [255] * 40, np.uint8).reshape(10, 10), "3 values"),
        (np.full((5, 5), 90, np.uint8), "the one value 90"),
    ],
    ids=["noise", "ramp", "classes", "0, 1, unsure", "VOC", "trimap", "one grey"],
)
def test_what_is_no_mask_is_named(tmp_path: Path, stored: np.ndarray, says: str) -> None:
    Image.fromarray(stored).save(tmp_path / "wrong.png")
    with pytest.raises(ImageError, match=f"wrong.png is not a mask: it holds {says}"):
        read_mask(tmp_path / "wrong.png")


def test_a_cut_out_is_no_mask(tmp_path: Path) -> None:
    cut_out = np.dstack([smooth_photo(), disc() * 255])
    Image.fromarray(cut_out).save(tmp_path / "a.png")
    with pytest.raises(ImageError, match="not a mask"):
        read_mask(tmp_path / "a.png")


@pytest.mark.parametrize("suffix", ["png", "webp", "PNG"])
@pytest.mark.parametrize("channels", [0, 3, 4])
def test_a_written_picture_reads_back(tmp_path: Path, suffix: str, channels: int) -> None:
    pixels = np.full((6, 5, channels) if channels else (6, 5), 200, np.uint8)
    path = tmp_path / "new" / f"a.{suffix}"
    write_image(path, pixels)
    with Image.open(path) as image:
        assert image.format == suffix.upper()
    assert np.abs(read_photo(path)[..., 0].astype(int) - 200).max() < 60
    assert len(list(path.parent.iterdir())) == 1


@pytest.mark.skipif(not hasattr(signal, "SIGXFSZ"), reason="this system limits no file's size")
@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "bmp"])
def test_a_picture_of_which_the_disk_takes_a_part_is_not_written(
    tmp_path: Path, suffix: str
) -> None:
    import resource

    pixels = np.random.default_rng(0).integers(0, 256, (60, 60, 3), np.uint8)
    path = tmp_path / f"a.{suffix}"
    write_image(path, pixels)
    size = path.stat().st_size
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size - 100, limits[1]))
    try:
        with pytest.raises(HumansegError, match="Cannot write"):
            write_image(path, pixels)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert path.stat().st_size == size and list(tmp_path.iterdir()) == [path]


def test_jpeg_is_written_at_the_quality_of_the_house(tmp_path: Path) -> None:
    write_image(tmp_path / "a.jpg", smooth_photo())
    Image.fromarray(smooth_photo()).save(tmp_path / "b.jpg", quality=92)
    assert (tmp_path / "a.jpg").read_bytes() == (tmp_path / "b.jpg").read_bytes()


@pytest.mark.parametrize(
    ("name", "shape", "says"),
    [
        ("a.gif", (2, 2), "choose one of the formats"),
        ("a.jpg", (2, 2, 4), "no transparency"),
        ("a.webp", (17000, 2, 3), "does not fit"),
    ],
)
def test_what_a_format_cannot_hold_is_refused(
    tmp_path: Path, name: str, shape: tuple[int, ...], says: str
) -> None:
    with pytest.raises(HumansegError, match=says):
        write_image(tmp_path / name, np.zeros(shape, np.uint8))
    assert not list(tmp_path.iterdir())
