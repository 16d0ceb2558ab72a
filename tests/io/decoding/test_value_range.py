"""Values of more than 8 bits: black is black and white is white, or it is said."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from humanseg.io.images import ImageError, load_photo, read_mask
from humanseg.system.notices import RESCALED

GREY = np.linspace(0, 1, 256).reshape(16, 16)


def read(path: Path, values: np.ndarray) -> tuple[np.ndarray, bool]:
    Image.fromarray(values).save(path)
    picture = load_photo(path)
    assert (picture.rgb[..., 0] == picture.rgb[..., 2]).all()
    return picture.rgb[..., 0].astype(int), RESCALED in picture.notices


@pytest.mark.parametrize(
    ("values", "is_said"),
    [
        (GREY.astype(np.float32), False),
        ((GREY * 255).astype(np.float32), False),
        ((GREY * 65535).astype(np.float32), False),
        ((GREY * 2 - 1).astype(np.float32), False),
        ((GREY * 255).round().astype(np.int32), False),
        ((GREY * 65535).round().astype(np.int32), False),
        ((GREY * 65535).round().astype(np.uint16), False),
        ((GREY * (2**31 - 1)).round().astype(np.int32), False),
        ((GREY * 4095).round().astype(np.uint16), True),
        ((GREY * 255).round().astype(np.uint16), True),
        ((GREY * 4095).round().astype(np.int32), True),
        ((GREY * 1000 - 300).astype(np.float32), True),
        ((GREY * 1000 - 300).round().astype(np.int32), True),
        ((GREY * 1e9).astype(np.float32), True),
    ],
    ids=[
        "0 to 1",
        "0 to 255",
        "0 to 65535",
        "-1 to 1",
        "8 bits in 32",
        "16 bits in 32",
        "16 bits",
        "31 bits",
        "12 bits in 16",
        "8 bits in 16",
        "12 bits in 32",
        "fractions with a sign",
        "integers with a sign",
        "very large",
    ],
)
def test_a_ramp_from_black_to_white_is_one(
    tmp_path: Path, values: np.ndarray, is_said: bool
) -> None:
    shown, said = read(tmp_path / "a.tif", values)
    assert np.abs(shown - GREY * 255).max() <= 1.5
    assert said == is_said


def test_a_dim_photo_stays_dim(tmp_path: Path) -> None:
    for values in ((GREY * 0.3).astype(np.float32), (GREY * 19660).round().astype(np.uint16)):
        shown, said = read(tmp_path / "a.tif", values)
        assert np.abs(shown - GREY * 76.5).max() <= 1.5 and not said


def test_what_goes_beyond_white_is_white_and_no_number_is_black(tmp_path: Path) -> None:
    values = GREY.astype(np.float32)
    values[0, :4] = np.nan, np.inf, -np.inf, -0.02
    values[15, 15] = 1.9
    shown, said = read(tmp_path / "a.tif", values)
    assert shown[0, :4].tolist() == [0, 255, 0, 0] and shown[15, 15] == 255
    assert np.abs(shown[1:15] - GREY[1:15] * 255).max() <= 1 and not said
    # One hot pixel does not turn the others black.
    large = np.tile(GREY, (8, 8)).astype(np.float32)
    large[5, 5] = 90.0
    shown, _ = read(tmp_path / "a.tif", large)
    assert np.abs(shown[16:] - np.tile(GREY, (7, 8)) * 255).max() <= 1


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0, np.nan])
def test_one_value_all_over_is_read(tmp_path: Path, value: float) -> None:
    shown, said = read(tmp_path / "a.tif", np.full((3, 4), value, np.float32))
    assert np.abs(shown - 255 * np.nan_to_num(value)).max() <= 1 and not said


def test_masks_of_fractions_are_masks(tmp_path: Path) -> None:
    mask = np.zeros((20, 30), np.uint8)
    mask[5:15, 8:20] = 1
    soft = mask.astype(np.float32)
    soft[5:8, 8] = 0.6
    for values in (mask.astype(np.float32), mask * np.float32(255), soft):
        Image.fromarray(values).save(tmp_path / "a.tif")
        np.testing.assert_array_equal(read_mask(tmp_path / "a.tif"), mask)
    classes = mask.astype(np.float32)
    classes[:3] = 2
    Image.fromarray(classes).save(tmp_path / "a.tif")
    with pytest.raises(ImageError, match="not a mask: it holds 3 values"):
        read_mask(tmp_path / "a.tif")
