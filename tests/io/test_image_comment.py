"""A text that travels inside a picture."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from humanseg.io.image_comment import read_comment
from humanseg.io.images import read_photo, write_image

PIXELS = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp"])
def test_a_comment_is_kept_beside_the_same_pixels(tmp_path: Path, suffix: str) -> None:
    plain, told = tmp_path / f"plain{suffix}", tmp_path / f"told{suffix}"
    write_image(plain, PIXELS)
    write_image(told, PIXELS, "made of sand")
    assert read_comment(plain) is None
    assert read_comment(told) == "made of sand"
    np.testing.assert_array_equal(read_photo(plain), read_photo(told))


def test_what_is_no_picture_has_none(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_text("no picture")
    (tmp_path / "b.png").touch()
    Image.new("L", (3, 3)).save(tmp_path / "c.bmp")
    for name in ("a.png", "b.png", "c.bmp", "gone.png", "x" * 300):
        assert read_comment(tmp_path / name) is None


def test_a_picture_larger_than_pillow_likes_keeps_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    write_image(tmp_path / "a.png", PIXELS, "large")
    assert read_comment(tmp_path / "a.png") == "large"
