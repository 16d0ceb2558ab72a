"""Opening image files: kinds that are not read, frames, giants, and what is cut off."""

import io
import struct
import sys
import types
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageFile, features

from humanseg.io.decoding import limits
from humanseg.io.images import ImageError, image_size, load_photo, photo_from_pil, read_photo
from humanseg.io.names import PHOTO_SUFFIXES
from humanseg.system.notices import ANIMATION
from tests.io.decoding.test_png import chunk

RNG = np.random.default_rng(0)
PHOTO: NDArray[np.uint8] = RNG.integers(0, 256, (40, 30, 3), np.uint8)


def boxes(brand: bytes, *others: bytes) -> bytes:
    body = brand + bytes(4) + b"".join(others)
    return struct.pack(">I", len(body) + 8) + b"ftyp" + body + bytes(500)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (boxes(b"heic", b"mif1", b"heic"), "is HEIC, whatever its name: pip install pillow-heif"),
        (boxes(b"mif1", b"heic"), "is HEIC"),
        (boxes(b"crx ", b"isom"), "camera RAW"),
        (b"FUJIFILMCCD-RAW 0201" + bytes(500), "camera RAW"),
        (b"IIRO\x08\0\0\0" + bytes(500), "camera RAW"),
        (b"IIU\0\x08\0\0\0" + bytes(500), "camera RAW"),
        (b"\xff\x0a" + bytes(500), "is JPEG XL.*save it as JPEG"),
        (b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(500), "is JPEG XL"),
        (b"8BPS\0\x01" + bytes(500), "is a Photoshop document"),
        (b"<?xml version='1.0'?>\n<svg xmlns='x'></svg>", "is a drawing .SVG."),
        (b"<svg xmlns='x'></svg>", "is a drawing"),
        (b"%PDF-1.7\n" + bytes(500), "is a PDF"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "is a PostScript drawing"),
        (boxes(b"isom", b"mp41"), "is a video"),
        (boxes(b"qt  "), "is a video"),
        (b"\x1aE\xdf\xa3" + bytes(500), "is a video"),
        (b"RIFF\0\0\0\0AVI LIST" + bytes(500), "is a video"),
        (b"v/1\x01" + bytes(500), "is OpenEXR"),
        (b"#?RADIANCE\n", "Radiance HDR"),
        (b"\n<!DOCTYPE html><html>Not found</html>", "is a web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "git lfs pull"),
        (b"PK\x03\x04" + bytes(500), "is a ZIP archive"),
        (bytes(5000), "nothing but zeros"),
        (b"a letter", "is not an image"),
        (b"", "is an empty file"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
@pytest.mark.parametrize("name", ["photo.jpg", "photo"])
def test_what_is_no_photo_is_called_by_its_kind(
    tmp_path: Path, name: str, content: bytes, says: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    for read in (load_photo, image_size):
        with pytest.raises(ImageError, match=says) as caught:
            read(path)
        assert str(caught.value).startswith(str(path)) and "\n" not in str(caught.value)
    if not content:
        return
    with pytest.raises(ImageError, match=f"^The image in these bytes .*{says}"):
        load_photo(io.BytesIO(content), "the image in these bytes")


def test_heic_is_read_where_its_library_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Heic(ImageFile.ImageFile):
        format = "HEIF"

        def _open(self) -> None:
            self._size, self._mode = (30, 40), "RGB"
            self.tile = [ImageFile._Tile("raw", (0, 0, 30, 40), len(head), "RGB")]

    def register() -> None:
        Image.register_open("HEIF", Heic, lambda prefix: prefix[4:12] == b"ftypheic")

    library = types.ModuleType("pillow_heif")
    library.register_heif_opener = register  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "pillow_heif", library)
    monkeypatch.setattr(Image, "OPEN", dict(Image.OPEN))
    monkeypatch.setattr(Image, "ID", list(Image.ID))
    head = boxes(b"heic", b"mif1")
    (tmp_path / "a.jpg").write_bytes(head + PHOTO.tobytes())
    np.testing.assert_array_equal(read_photo(tmp_path / "a.jpg"), PHOTO)
    assert image_size(tmp_path / "a.jpg") == (40, 30)


def photoshop(pixels: NDArray[np.uint8], *, depth: int = 8, is_composite: bool = True) -> bytes:
    """Return a Photoshop document with a composite picture, which Pillow does not write."""
    height, width, channels = pixels.shape
    head = struct.pack(">4sH6xHIIHHI", b"8BPS", 1, channels, height, width, depth, 3, 0)
    resource = b"8BIM" + struct.pack(">H2xIIBx", 1057, 5, 1, is_composite)
    planes = struct.pack(">IH", 0, 0) + pixels.transpose(2, 0, 1).tobytes()
    return head + struct.pack(">I", len(resource)) + resource + planes


def test_avif_says_so_where_pillow_lacks_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.fromarray(PHOTO).save(tmp_path / "a.avif")
    monkeypatch.setattr("PIL.AvifImagePlugin.SUPPORTED", False)
    monkeypatch.setattr(features, "check", lambda name: name != "avif")
    with (
        pytest.warns(UserWarning, match="AVIF support not installed"),
        pytest.raises(ImageError, match="a.avif is AVIF, which this Pillow was built without"),
    ):
        read_photo(tmp_path / "a.avif")


def test_a_photoshop_document_is_read_where_it_has_a_composite(tmp_path: Path) -> None:
    path = tmp_path / "a.psd"
    path.write_bytes(photoshop(PHOTO))
    np.testing.assert_array_equal(read_photo(path), PHOTO)
    assert image_size(path) == (40, 30) and path.suffix in PHOTO_SUFFIXES
    for content, says in (
        (photoshop(PHOTO, is_composite=False), "without a composite picture: .*export it as PNG"),
        (photoshop(PHOTO, depth=16), "cannot be read here: export it as PNG"),
    ):
        path.write_bytes(content)
        with pytest.raises(ImageError, match=says) as caught:
            read_photo(path)
        assert caught.value.code == "io.unsupported_image"


def test_a_name_with_a_nul_byte_is_no_file() -> None:
    for read in (load_photo, image_size):
        with pytest.raises(ImageError, match="There is no file .*NUL byte") as caught:
            read(Path("a\0b.jpg"))
        assert caught.value.code == "io.missing_file"


FRAMES = [Image.fromarray(np.roll(PHOTO, 7 * frame, axis=0)) for frame in range(3)]


@pytest.mark.parametrize(
    ("suffix", "exact"), [("png", True), ("webp", True), ("gif", False), ("avif", False)]
)
@pytest.mark.parametrize("empty", [0, 1, 2])
@pytest.mark.parametrize("colour", [(0, 0, 0, 0), (0, 0, 0, 255)])
def test_of_an_animation_the_first_frame_that_shows_anything_is_read(
    tmp_path: Path, suffix: str, exact: bool, empty: int, colour: tuple[int, ...]
) -> None:
    begin = [Image.new("RGBA", FRAMES[0].size, colour) for _ in range(empty)]
    if empty == 2:
        # An animation drops frames that are alike.
        begin[1].paste((9, 9, 9, colour[3]), (0, 0, 30, 40))
    frames = [*begin, *(frame.convert("RGBA") for frame in FRAMES)]
    options = {"lossless": True} if suffix == "webp" else {"quality": 100}
    path = tmp_path / f"a.{suffix}"
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=100, **options)
    picture = load_photo(path)
    assert picture.notices == (ANIMATION,)
    difference = np.abs(picture.rgb.astype(int) - PHOTO)
    assert difference.max() == 0 if exact else difference.mean() < 60
    assert image_size(path) == picture.rgb.shape[:2]


def test_an_animation_of_nothing_is_its_first_frame(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (9, 8), colour) for colour in ("red", "blue")]
    frames[0].save(tmp_path / "a.png", save_all=True, append_images=frames[1:])
    assert (read_photo(tmp_path / "a.png") == (255, 0, 0)).all()


def test_a_phones_second_picture_is_no_animation(tmp_path: Path) -> None:
    for name in ("a.jpg", "a.mpo"):
        FRAMES[0].save(tmp_path / name, "MPO", save_all=True, append_images=FRAMES[1:])
        assert load_photo(tmp_path / name).notices == ()
        assert (tmp_path / name).suffix in PHOTO_SUFFIXES


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "avif", "tif"])
def test_an_orientation_in_xmp_only_is_none_as_in_browsers(tmp_path: Path, suffix: str) -> None:
    xmp = (
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
        b'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description '
        b'xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6"/></rdf:RDF></x:xmpmeta>'
    )
    path = tmp_path / f"a.{suffix}"
    if suffix == "tif":
        FRAMES[0].save(path, tiffinfo={700: xmp})
    elif suffix == "png":
        buffer = io.BytesIO()
        FRAMES[0].save(buffer, "PNG")
        data = buffer.getvalue()
        text = chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp)
        path.write_bytes(data[:33] + text + data[33:])
    else:
        FRAMES[0].save(path, xmp=xmp)
    assert image_size(path) == read_photo(path).shape[:2] == (40, 30)
    with Image.open(path) as image:
        assert photo_from_pil(image).rgb.shape[:2] == (40, 30)


def bomb(width: int, height: int) -> bytes:
    """Return a whole PNG of one colour that is thousands of times smaller than its pixels."""
    packer = zlib.compressobj(9)
    rows = packer.compress(bytes(1 + width // 8) * height) + packer.flush()
    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        [chunk(b"IHDR", head), chunk(b"IDAT", rows), chunk(b"IEND", b"")]
    )


def test_a_file_of_far_too_many_pixels_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(bomb(32_000, 32_000))
    assert path.stat().st_size < 1_000_000
    for read in (load_photo, image_size):
        with pytest.raises(ImageError, match="too large to be read: 32000×32000"):
            read(path)


@pytest.mark.parametrize("suffix", ["jpg", "png", "tif"])
def test_a_photo_beyond_pillows_limit_is_read_without_a_word(
    tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / f"a.{suffix}"
    FRAMES[0].save(path)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read_photo(path).shape == (40, 30, 3)
        assert image_size(path) == (40, 30)
    # Other code in the process keeps its limit.
    assert Image.MAX_IMAGE_PIXELS == 100


def test_a_photo_that_is_worked_on_in_strips_is_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    pixels = np.dstack([PHOTO, RNG.integers(0, 256, PHOTO.shape[:2], np.uint8)])
    Image.fromarray(pixels).save(tmp_path / "a.png", exif=exif)
    whole = load_photo(tmp_path / "a.png")
    monkeypatch.setattr("humanseg.io.decoding.pixels._STRIP", 7 * 30)
    strips = load_photo(tmp_path / "a.png")
    np.testing.assert_array_equal(strips.rgb, whole.rgb)
    assert strips.alpha is not None and whole.alpha is not None
    np.testing.assert_array_equal(strips.alpha, whole.alpha)
    np.testing.assert_array_equal(strips.over_white(), whole.over_white())
    np.testing.assert_array_equal(whole.rgb, np.rot90(PHOTO, -1))


@pytest.mark.parametrize("lossless", [False, True])
def test_a_webp_that_lacks_only_what_follows_the_picture_is_read(
    tmp_path: Path, lossless: bool
) -> None:
    path = tmp_path / "a.webp"
    FRAMES[0].save(path, lossless=lossless, xmp=b"x" * 300, exif=b"Exif\0\0" + b"y" * 300)
    whole = path.read_bytes()
    expected = read_photo(path)
    for lost in (1, 200, 500):
        path.write_bytes(whole[:-lost])
        np.testing.assert_array_equal(read_photo(path), expected)
        assert image_size(path) == (40, 30)
    path.write_bytes(whole[: len(whole) - 900])
    with pytest.raises(ImageError, match=r"a\.webp"):
        read_photo(path)


def test_a_photo_that_the_machine_does_not_hold_is_refused_unread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(bomb(16_000, 12_000))
    assert image_size(path) == (12_000, 16_000)
    monkeypatch.setattr(limits, "usable_memory", lambda: 1e9)
    for read in (load_photo, image_size):
        with pytest.raises(ImageError, match="too large for this machine.*takes 1.3 GB"):
            read(path)
