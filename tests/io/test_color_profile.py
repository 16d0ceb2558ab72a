"""Colour profiles: a photo is read in the colours that a viewer shows."""

import io
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageCms

from humanseg.io.images import photo_from_pil, read_photo


def swapping(size: int = 128) -> bytes:
    """Return an RGB profile whose red is sRGB's green and the other way round.

    Made from sRGB's own by swapping the two tags in its table.
    """
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    table = profile[size : size + 4 + 12 * int.from_bytes(profile[size : size + 4])]
    red, green = table.index(b"rXYZ"), table.index(b"gXYZ")
    profile[size + red : size + red + 4] = b"gXYZ"
    profile[size + green : size + green + 4] = b"rXYZ"
    # sRGB says its name, by which it is passed over; of the same length, so that all stays put.
    for name in ("sRGB built-in", "sRGB"):
        for coded in (name.encode(), name.encode("utf-16-be")):
            other = name.replace("sRGB", "swap")
            form = coded if coded == name.encode() else None
            new = other.encode() if form else other.encode("utf-16-be")
            profile = bytearray(bytes(profile).replace(coded, new))
    return bytes(profile)


@pytest.fixture(scope="module")
def profile() -> bytes:
    return swapping()


def photo() -> NDArray[np.uint8]:
    pixels = np.full((20, 30, 3), (30, 60, 200), np.uint8)
    pixels[:, 15:] = (230, 40, 90)
    return pixels


def test_the_profile_for_these_tests_is_one(profile: bytes) -> None:
    own = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    assert "srgb" not in ImageCms.getProfileDescription(own).lower()


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P"])
@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_colours_are_brought_to_srgb(
    tmp_path: Path, profile: bytes, mode: str, suffix: str
) -> None:
    image = Image.fromarray(photo())
    image = image.quantize(2) if mode == "P" else image.convert(mode)
    path = tmp_path / f"a.{suffix}"
    image.save(path, icc_profile=profile)
    swapped = photo()[..., [1, 0, 2]].astype(int)
    for read in (read_photo(path), photo_from_pil(Image.open(path)).rgb):
        assert np.abs(read - swapped).max() <= 3


def test_srgb_of_linear_light_is_brought_to_srgb(tmp_path: Path) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for coding in ("ascii", "utf-16-be"):
        profile = profile.replace("sRGB built-in".encode(coding), "sRGB (linear)".encode(coding))
    # From the curve of sRGB, with five numbers, to that of gamma 1.
    curve = profile.index(b"para") + 8
    linear = bytearray(profile)
    linear[curve : curve + 8] = bytes.fromhex("0000 0000 0001 0000")
    light = np.array([[[0, 13, 55], [128, 188, 255]]], np.uint8)
    Image.fromarray(light).save(tmp_path / "a.png", icc_profile=bytes(linear))
    share = light / 255
    wanted = 255 * np.where(share <= 0.0031308, share * 12.92, 1.055 * share ** (1 / 2.4) - 0.055)
    assert np.abs(read_photo(tmp_path / "a.png") - wanted).max() <= 3


@pytest.mark.parametrize("kind", ["none", "broken", "srgb", "of CMYK"])
def test_any_other_profile_changes_nothing(tmp_path: Path, profile: bytes, kind: str) -> None:
    content = {
        "none": None,
        "broken": b"profile" * 30,
        "srgb": ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(),
        "of CMYK": profile[:16] + b"CMYK" + profile[20:],
    }[kind]
    Image.fromarray(photo()).save(tmp_path / "a.png", icc_profile=content)
    np.testing.assert_array_equal(read_photo(tmp_path / "a.png"), photo())


def test_grey_is_left_as_it_is(tmp_path: Path, profile: bytes) -> None:
    Image.new("L", (3, 2), 100).save(tmp_path / "a.png", icc_profile=profile)
    assert (read_photo(tmp_path / "a.png") == 100).all()
