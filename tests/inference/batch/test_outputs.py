"""The pictures that are kept of a photo, and their names."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from humanseg.inference.backgrounds import ColorBackground
from humanseg.inference.batch.outputs import (
    OUTPUTS,
    Destination,
    Matte,
    render_background,
    render_cutout,
    render_mask,
    render_overlay,
    render_probability,
)
from humanseg.io.images import ImageError, write_image


@pytest.fixture
def cut() -> Matte:
    photo = np.random.default_rng(0).integers(0, 256, (40, 50, 3), np.uint8)
    columns = np.clip((np.arange(50, dtype=np.float32) - 20) / 10, 0, 1)
    return Matte(photo, np.tile(columns, (40, 1)), 0.5, ColorBackground((1, 2, 3)))


def test_mask_and_probability_are_grey(cut: Matte) -> None:
    mask, soft = render_mask(cut), render_probability(cut)
    np.testing.assert_array_equal(mask, 255 * (cut.probability > 0.5))
    assert np.abs(soft - 255 * cut.probability).max() <= 0.5 + 1e-4
    assert mask.dtype == soft.dtype == np.uint8


def test_a_cut_out_keeps_nothing_of_what_is_not_seen(cut: Matte) -> None:
    result = render_cutout(cut)
    assert result.shape == (40, 50, 4)
    np.testing.assert_array_equal(result[..., 3], cut.alpha)
    assert not result[cut.alpha == 0].any()
    whole = cut.alpha == 255
    np.testing.assert_array_equal(result[whole][:, :3], cut.photo[whole])
    assert 0 < ((cut.alpha > 0) & ~whole).mean() < 0.5


def test_an_overlay_tints_the_person_only(cut: Matte) -> None:
    result, mask = render_overlay(cut), render_mask(cut) > 0
    away = ~mask & ~np.roll(mask, -2, axis=1)
    np.testing.assert_array_equal(result[away], cut.photo[away])
    inside = np.s_[2:-2, 30:48]
    changed = result[inside].astype(int) - cut.photo[inside]
    assert changed[..., 2].mean() > 30 > changed[..., 0].mean()


def test_a_background_is_seen_where_nobody_is(cut: Matte) -> None:
    result = render_background(cut)
    assert (result[cut.alpha == 0] == (1, 2, 3)).all()
    np.testing.assert_array_equal(result[cut.alpha == 255], cut.photo[cut.alpha == 255])


def test_the_transparency_of_the_input_stays(cut: Matte) -> None:
    own = np.full((40, 50), 255, np.uint8)
    own[:10], own[10:20] = 0, 128
    part = Matte(cut.photo, cut.probability, cut.threshold, cut.background, own)
    result, before = render_cutout(part), cut.alpha.astype(float)
    assert not result[:10].any()
    assert np.abs(result[10:20, :, 3] - before[10:20] * 128 / 255).max() <= 1
    np.testing.assert_array_equal(result[20:, :, 3], before[20:])
    # Neither what was hidden nor the white that a viewer shows behind it is mixed in.
    person = before[10:20] > 0
    np.testing.assert_array_equal(result[10:20][person][:, :3], cut.photo[10:20][person])
    behind = render_background(part)
    assert (behind[:10] == (1, 2, 3)).all()
    half = (cut.photo[15, 49] * 128.0 + np.array((1, 2, 3)) * 127.0) / 255
    assert np.abs(behind[15, 49] - half).max() <= 1


def test_each_output_has_its_name_and_is_an_image(cut: Matte, tmp_path: Path) -> None:
    modes = {"mask": "L", "cutout": "RGBA", "overlay": "RGB", "soft": "L", "background": "RGB"}
    modes["probability"] = "L"
    assert set(modes) == set(OUTPUTS)
    for kind, (_, draw) in OUTPUTS.items():
        path = Destination(tmp_path).path(Path("a/17.5"), kind)
        write_image(path, draw(cut))
        with Image.open(path) as image:
            assert (image.mode, image.size) == (modes[kind], (50, 40))
    names = {path.name for path in (tmp_path / "a").iterdir()}
    assert names == {
        "17.5_mask.png",
        "17.5_cutout.png",
        "17.5_overlay.jpg",
        "17.5_probability.png",
        "17.5_soft.png",
        "17.5_background.jpg",
    }


@pytest.mark.parametrize("size", [(1, 65_501), (70_000, 1)])
def test_what_is_too_long_for_jpeg_becomes_png(size: tuple[int, int], tmp_path: Path) -> None:
    for kind in ("overlay", "background"):
        path = Destination(tmp_path).path(Path("17"), kind, size)
        assert path.name == f"17_{kind}.png"
        assert Destination(tmp_path).path(Path("17"), kind, (1, 65_500)).suffix == ".jpg"
    write_image(path, np.zeros((*size, 3), np.uint8))
    with pytest.raises(ImageError, match=r"does not fit in JPEG.*Name it \.png"):
        Destination(tmp_path, tmp_path / "17.jpg").path(Path("17"), "overlay", size)


def test_a_file_that_is_named_is_the_result(tmp_path: Path) -> None:
    named = Destination(tmp_path, tmp_path / "mine.webp")
    assert named.path(Path("a/17"), "cutout") == tmp_path / "mine.webp"


def test_an_empty_and_a_full_mask_are_drawn() -> None:
    photo: NDArray[np.uint8] = np.full((9, 9, 3), 50, np.uint8)
    for value in (0, 1):
        cut = Matte(photo, np.full((9, 9), value, np.float32), 0.5, ColorBackground((0, 0, 0)))
        assert render_cutout(cut)[..., 3].mean() == 255 * value
        assert render_background(cut).mean() == 50 * value
        assert render_overlay(cut).shape == (9, 9, 3)


@pytest.fixture
def half_hidden() -> Matte:
    """A photo of one person all over, that is transparent at the left and half so in a column."""
    rng = np.random.default_rng(0)
    photo = rng.integers(100, 200, (40, 50, 3), np.uint8)
    visible = np.full((40, 50), 255, np.uint8)
    visible[:, :20] = 0
    visible[:, 20:22] = 128
    # What is hidden is of a colour that would be seen wherever it came through.
    photo[:, :20] = (0, 255, 0)
    return Matte(photo, np.ones((40, 50), np.float32), 0.5, ColorBackground((1, 2, 3)), visible)


def test_a_cut_out_is_as_transparent_as_the_photo(half_hidden: Matte) -> None:
    result = render_cutout(half_hidden)
    assert half_hidden.visible is not None
    np.testing.assert_array_equal(result[..., 3], half_hidden.visible)
    seen = half_hidden.visible > 0
    np.testing.assert_array_equal(result[seen][:, :3], half_hidden.photo[seen])
    assert not result[~seen].any()


def test_what_a_photo_hides_is_in_no_output(half_hidden: Matte) -> None:
    assert half_hidden.visible is not None
    hidden, half = half_hidden.visible == 0, half_hidden.visible == 128
    assert not render_mask(half_hidden)[hidden].any()
    assert not render_probability(half_hidden)[hidden].any()
    assert np.abs(render_probability(half_hidden)[half].astype(int) - 128).max() <= 1
    assert (render_overlay(half_hidden)[:, :10] == 255).all()
    background = render_background(half_hidden)
    assert (background[hidden] == (1, 2, 3)).all()
    mixed = (half_hidden.photo[half].astype(int) * 128 + np.array([1, 2, 3]) * 127) / 255
    assert np.abs(background[half] - mixed).max() <= 1


def test_the_edge_of_a_photo_that_was_cut_out_takes_no_hidden_colour(half_hidden: Matte) -> None:
    assert half_hidden.visible is not None
    photo = np.full((40, 50, 3), (180, 120, 60), np.uint8)
    photo[:, :20] = (0, 255, 0)
    # The model is not sure near the edge, where all that is visible is person.
    probability = np.tile(np.clip((np.arange(50, dtype=np.float32) - 15) / 20, 0, 1), (40, 1))
    cut = Matte(photo, probability.astype(np.float32), 0.5, None, half_hidden.visible)
    result = render_cutout(cut)
    unsure = (cut.alpha > 0) & (cut.alpha < 255)
    assert unsure.sum() > 200
    assert np.abs(result[unsure][:, :3].astype(int) - (180, 120, 60)).max() <= 12
