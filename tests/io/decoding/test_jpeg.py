"""JPEG files that break off: a little is made up, and said; half a photo is an error."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from humanseg.io.images import ImageError, image_size, load_photo, read_mask
from humanseg.system.notices import CUT_OFF


def encoded(size: tuple[int, int], mode: str = "RGB", **options: Any) -> bytes:
    rng = np.random.default_rng(0)
    coarse = Image.fromarray(rng.integers(0, 256, (80, 60, 3), np.uint8))
    buffer = io.BytesIO()
    image = coarse.resize(size, Image.Resampling.BICUBIC).convert(mode)
    image.save(buffer, "JPEG", quality=92, **options)
    return buffer.getvalue()


KINDS: list[dict[str, Any]] = [
    {},
    {"subsampling": 0},
    {"progressive": True},
    {"restart_marker_rows": 1},
    {"mode": "L"},
    {"mode": "CMYK"},
]


@pytest.mark.parametrize("size", [(240, 320), (1200, 900)])
@pytest.mark.parametrize("options", KINDS, ids=str)
@pytest.mark.parametrize("lost", [1, 2, 20])
def test_a_few_bytes_less_change_hardly_a_pixel(
    tmp_path: Path, size: tuple[int, int], options: dict[str, Any], lost: int
) -> None:
    whole = encoded(size, **options)
    path = tmp_path / "a.jpg"
    path.write_bytes(whole[:-lost])
    picture = load_photo(path)
    expected = np.asarray(Image.open(io.BytesIO(whole)).convert("RGB"))
    assert picture.notices == (CUT_OFF,)
    assert (picture.rgb == expected).all(axis=2).mean() > (1 if lost <= 2 else 0.98) - 1e-9
    assert image_size(path) == picture.rgb.shape[:2]


@pytest.mark.parametrize("options", KINDS, ids=str)
@pytest.mark.parametrize("share", [0.05, 0.3, 0.5, 0.8, 0.9])
@pytest.mark.parametrize("size", [(64, 48), (240, 320)])
@pytest.mark.parametrize("end", [b"", b"\xff\xd9", bytes(9000), b"\xff" * 9000], ids=len)
def test_part_of_a_photo_is_an_error(
    tmp_path: Path, size: tuple[int, int], options: dict[str, Any], share: float, end: bytes
) -> None:
    if "progressive" in options and share == 0.9 and end == b"\xff\xd9":
        pytest.skip("only the finest bits of a part are missing, and nothing tells")
    whole = encoded(size, **options)
    path = tmp_path / "a.jpg"
    # Neither an end mark nor what a failed copy leaves makes half a file whole.
    path.write_bytes(whole[: int(len(whole) * share)] + end)
    with pytest.raises(ImageError, match=r"a\.jpg is (cut off|not an image)"):
        load_photo(path)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("states_no_coefficients", [False, True])
def test_a_panorama_of_samsung_has_other_data_in_place_of_its_end(
    tmp_path: Path, seed: int, states_no_coefficients: bool
) -> None:
    whole = encoded((900, 240))
    jpeg = bytearray(whole[:-2])
    if states_no_coefficients:
        scan = jpeg.index(b"\xff\xda")
        end_of_header = scan + 2 + int.from_bytes(jpeg[scan + 2 : scan + 4], "big")
        jpeg[end_of_header - 3 : end_of_header] = bytes(3)
    # A video, in which marks are by chance, another picture, and the phone's own sign.
    video = np.random.default_rng(seed).integers(0, 256, 100_000, np.uint8).tobytes()
    path = tmp_path / "a.jpg"
    path.write_bytes(bytes(jpeg) + video + encoded((32, 24)) + b"SEFT")
    expected = np.asarray(Image.open(io.BytesIO(whole)).convert("RGB"))
    np.testing.assert_array_equal(load_photo(path).rgb, expected)
    path.write_bytes(bytes(jpeg[: len(jpeg) // 2]) + video + b"SEFT")
    with pytest.raises(ImageError, match="cut off"):
        load_photo(path)


def test_a_progressive_file_without_its_finest_scans_is_an_error(tmp_path: Path) -> None:
    whole = encoded((240, 320), progressive=True)
    last_scan = whole.rindex(b"\xff\xda")
    path = tmp_path / "a.jpg"
    path.write_bytes(whole[:last_scan])
    with pytest.raises(ImageError, match="cut off"):
        load_photo(path)


def test_a_thumbnail_inside_is_not_taken_for_the_photo(tmp_path: Path) -> None:
    whole = encoded((240, 320))
    thumbnail = encoded((32, 24))
    segment = b"\xff\xe5" + (len(thumbnail) + 2).to_bytes(2, "big") + thumbnail
    path = tmp_path / "a.jpg"
    path.write_bytes((whole[:2] + segment + whole[2:])[:-2])
    assert load_photo(path).rgb.shape == (320, 240, 3)
    path.write_bytes((whole[:2] + segment + whole[2:])[:-9000])
    with pytest.raises(ImageError, match="cut off"):
        load_photo(path)


def test_a_photo_that_is_grey_where_it_ends_is_whole(tmp_path: Path) -> None:
    pixels = np.full((64, 48, 3), 128, np.uint8)
    pixels[:20] = 10
    Image.fromarray(pixels).save(tmp_path / "a.jpg", quality=95)
    picture = load_photo(tmp_path / "a.jpg")
    assert picture.notices == ()
    assert np.abs(picture.rgb.astype(int) - pixels).max() < 20


def test_a_mask_is_whole_or_an_error(tmp_path: Path) -> None:
    mask = np.zeros((320, 240), np.uint8)
    mask[60:, 40:200] = 1
    buffer = io.BytesIO()
    Image.fromarray(mask * 255).save(buffer, "JPEG", quality=95)
    path = tmp_path / "a.jpg"
    path.write_bytes(buffer.getvalue()[:-2])
    np.testing.assert_array_equal(read_mask(path), mask)
    path.write_bytes(buffer.getvalue()[:-12])
    with pytest.raises(ImageError, match="cut off"):
        read_mask(path)
