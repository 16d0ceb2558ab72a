"""The person's own colours in pixels that are partly background."""

import numpy as np
import pytest
from numpy.typing import NDArray

from humanseg.inference.matting import alpha_from_probability, estimate_foreground

PERSON, PLACE = np.array([200, 150, 40]), np.array([10, 60, 240])


def mixed(height: int, width: int, edge: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return a photo whose person fades into the place over `edge` columns, and its alpha."""
    ramp = np.clip((np.arange(width) - width / 2) / edge + 0.5, 0, 1)
    alpha = np.tile(np.rint(ramp * 255), (height, 1)).astype(np.uint8)
    share = alpha[..., None] / 255
    return np.rint(share * PERSON + (1 - share) * PLACE).astype(np.uint8), alpha


@pytest.mark.parametrize(("size", "edge"), [((40, 60), 4), ((240, 320), 6), ((300, 1300), 12)])
def test_the_backgrounds_colour_is_taken_out(size: tuple[int, int], edge: int) -> None:
    photo, alpha = mixed(*size, edge)
    before = photo.copy()
    result = estimate_foreground(photo, alpha)
    np.testing.assert_array_equal(photo, before)
    # Pixels of which a tenth or more is seen.
    seen = (alpha > 25) & (alpha < 255)
    assert np.abs(photo[seen] - PERSON).mean() > 30
    assert np.abs(result[seen] - PERSON).mean() < 8


def test_whole_pixels_keep_their_colour() -> None:
    photo = np.random.default_rng(0).integers(0, 256, (50, 70, 3), np.uint8)
    alpha = np.zeros((50, 70), np.uint8)
    alpha[10:30, 20:60] = 255
    np.testing.assert_array_equal(estimate_foreground(photo, alpha), photo)
    alpha[10:30, 19] = 100
    whole = alpha != 100
    np.testing.assert_array_equal(estimate_foreground(photo, alpha)[whole], photo[whole])


@pytest.mark.parametrize("alpha", [1, 128, 254])
@pytest.mark.parametrize("size", [(1, 1), (3, 2), (1, 2000)])
def test_a_photo_without_a_whole_pixel_gives_colours_too(size: tuple[int, int], alpha: int) -> None:
    photo = np.full((*size, 3), 77, np.uint8)
    result = estimate_foreground(photo, np.full(size, alpha, np.uint8))
    assert np.abs(result.astype(int) - 77).max() <= 2


@pytest.mark.parametrize("threshold", [0.02, 0.3, 0.5, 0.9])
def test_opacity_is_half_at_the_threshold_and_whole_at_the_ends(threshold: float) -> None:
    probability = np.linspace(0, 1, 1001, dtype=np.float32)[None]
    alpha = alpha_from_probability(probability, threshold)[0].astype(int)
    assert alpha[0] == 0 and alpha[-1] == 255
    middle = alpha_from_probability(np.full((1, 1), threshold, np.float32), threshold)
    assert abs(int(middle[0, 0]) - 127.5) < 1
    assert (np.diff(alpha) >= 0).all()
    # Not only at the ends: a net is seldom quite sure.
    assert alpha[int(1000 * threshold * 0.3)] == 0
    assert alpha[int(1000 * (1 - (1 - threshold) * 0.3))] == 255
