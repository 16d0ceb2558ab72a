"""New backgrounds: what a person may write, and what comes out."""

from pathlib import Path

import numpy as np
import pytest

from humanseg.errors import HumansegError
from humanseg.inference.backgrounds import (
    BlurBackground,
    ColorBackground,
    ImageBackground,
    composite,
    parse_background,
)
from humanseg.inference.matting import estimate_foreground
from humanseg.io.images import write_image

RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("white", ColorBackground((255, 255, 255))),
        ("#20c060", ColorBackground((32, 192, 96))),
        ("rgb(1,2,3)", ColorBackground((1, 2, 3))),
        ("rgb(300,0,0)", ColorBackground((255, 0, 0))),
        ("hsl(120,100%,150%)", ColorBackground((255, 255, 255))),
        ("blur:15", BlurBackground(15)),
        ("blur:0.5", BlurBackground(0.5)),
    ],
)
def test_colours_and_blurs_are_understood(
    text: str, wanted: ColorBackground | BlurBackground
) -> None:
    assert parse_background(text) == wanted


def test_a_picture_is_read(tmp_path: Path) -> None:
    pixels = RNG.integers(0, 256, (6, 8, 3), np.uint8)
    write_image(tmp_path / "sea.png", pixels)
    background = parse_background(str(tmp_path / "sea.png"))
    assert isinstance(background, ImageBackground)
    np.testing.assert_array_equal(background.pixels, pixels)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("blur:", "after blur: comes the radius"),
        ("blur:0", "after blur: comes the radius"),
        ("blur:nan", "after blur: comes the radius"),
        ("blur:2000", "up to 1000"),
        ("whit", "neither a colour"),
        ("sea.png", "nor a picture that is there"),
        ("#00000000", "not see-through"),
    ],
)
def test_anything_else_is_refused(text: str, message: str) -> None:
    with pytest.raises(HumansegError, match=message):
        parse_background(text)


def test_a_broken_picture_is_named(tmp_path: Path) -> None:
    (tmp_path / "sea.png").write_text("waves")
    with pytest.raises(HumansegError, match=r"sea\.png is not an image"):
        parse_background(str(tmp_path / "sea.png"))


def test_a_video_cannot_stand_behind_anybody(tmp_path: Path) -> None:
    (tmp_path / "sea.mkv").write_bytes(b"waves")
    with pytest.raises(HumansegError, match=r"sea\.mkv is a video, and only a picture"):
        parse_background(str(tmp_path / "sea.mkv"))


def test_blending_rounds_to_the_nearest() -> None:
    front, back = RNG.integers(0, 256, (2, 40, 50, 3), np.uint8)
    alpha = RNG.integers(0, 256, (40, 50), np.uint8)
    share = alpha[..., None] / 255
    exact = front * share + back * (1 - share)
    assert np.abs(composite(front, back, alpha) - exact).max() <= 0.5 + 1e-9


@pytest.mark.parametrize("size", [(30, 90), (90, 30), (7, 7), (300, 200)])
def test_a_picture_covers_the_photo_and_keeps_its_shape(size: tuple[int, int]) -> None:
    # A grid of squares, red in the middle column: squares stay squares.
    picture = np.zeros((60, 60, 3), np.uint8)
    picture[20:40, 20:40] = 255
    photo = np.zeros((*size, 3), np.uint8)
    result = ImageBackground(picture).render(photo, photo[..., 0])
    assert result.shape == photo.shape
    white = result[..., 0] > 127
    side = max(size) / 3
    assert white.any(axis=1).sum() == pytest.approx(min(side, size[0]), abs=2)
    assert white.any(axis=0).sum() == pytest.approx(min(side, size[1]), abs=2)
    np.testing.assert_array_equal(white, white[::-1, ::-1])


def test_a_picture_fits_each_size_anew() -> None:
    picture = ImageBackground(RNG.integers(0, 256, (9, 9, 3), np.uint8))
    for size in ((4, 5), (4, 5), (20, 10), (4, 5)):
        photo = np.zeros((*size, 3), np.uint8)
        alone = ImageBackground(picture.pixels).render(photo, photo[..., 0])
        np.testing.assert_array_equal(picture.render(photo, photo[..., 0]), alone)


@pytest.mark.parametrize("size", [(120, 90), (1100, 400)])
def test_a_blur_smears_nothing_of_the_person(size: tuple[int, int]) -> None:
    photo = np.full((*size, 3), (40, 80, 120), np.uint8)
    alpha = np.zeros(size, np.uint8)
    person = np.s_[size[0] // 3 : size[0] // 2, size[1] // 3 : size[1] // 2]
    photo[person] = (255, 0, 0)
    alpha[person] = 255
    behind = BlurBackground(15).render(photo, alpha).astype(int)
    outside = alpha == 0
    assert np.abs(behind[outside] - (40, 80, 120)).max() <= 2


def test_a_blur_looks_alike_in_every_size() -> None:
    def width_of_step(size: int) -> float:
        photo = np.zeros((size // 4, size, 3), np.uint8)
        photo[:, size // 2 :] = 255
        row = BlurBackground(20).render(photo, np.zeros(photo.shape[:2], np.uint8))[0, :, 0]
        return float(((row > 40) & (row < 215)).mean())

    assert width_of_step(300) == pytest.approx(width_of_step(2400), abs=0.01)
    assert 0.02 < width_of_step(300) < 0.06


def test_the_person_stays_and_the_place_goes() -> None:
    photo = np.full((60, 80, 3), (10, 60, 240), np.uint8)
    photo[:, 40:] = (200, 150, 40)
    alpha = np.zeros((60, 80), np.uint8)
    alpha[:, 40:] = 255
    alpha[:, 38:42] = (50, 100, 155, 205)
    photo[:, 38:42] = np.rint(
        alpha[:, 38:42, None] / 255 * photo[0, 79] + (1 - alpha[:, 38:42, None] / 255) * photo[0, 0]
    )
    green = ColorBackground((0, 255, 0)).render(photo, alpha)
    result = composite(estimate_foreground(photo, alpha), green, alpha).astype(int)
    np.testing.assert_array_equal(result[:, :38], np.broadcast_to((0, 255, 0), (60, 38, 3)))
    np.testing.assert_array_equal(result[:, 42:], photo[:, 42:])
    # Without the old place's blue, the edge is a mix of the person and the new one.
    share = alpha[:, 38:42, None] / 255
    wanted = share * (200, 150, 40) + (1 - share) * (0, 255, 0)
    assert np.abs(result[:, 38:42] - wanted).max() < 12
