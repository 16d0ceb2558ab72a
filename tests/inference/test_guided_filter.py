"""A coarse mask at the size of its photo: no worse anywhere, and better at the edge."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from humanseg.data.synthetic import draw_photo
from humanseg.inference.guided_filter import refine, row_bands
from humanseg.metrics.scores import boundary_dice


def reduced(photo: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    return cv2.resize(photo, size[::-1], interpolation=cv2.INTER_AREA).astype(np.uint8)


def displaced(mask: NDArray[np.uint8], size: tuple[int, int], seed: int) -> NDArray[np.float32]:
    """Return a mask as a net gives it: small, soft, its outline off by about a pixel."""
    rng = np.random.default_rng(seed)
    coarse = cv2.resize(mask.astype(np.float32), size[::-1], interpolation=cv2.INTER_AREA)
    shifts = [cv2.GaussianBlur(rng.standard_normal(size), (0, 0), 3) for _ in range(2)]
    rows, columns = np.mgrid[: size[0], : size[1]]
    across, down = (shift / shift.std() * 0.7 for shift in shifts)
    moved = cv2.remap(
        coarse,
        (columns + across).astype(np.float32),
        (rows + down).astype(np.float32),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return cv2.GaussianBlur(moved, (0, 0), 0.8).astype(np.float32)


def test_the_edge_of_a_large_figure_is_much_better_than_enlarged() -> None:
    plain, refined = [], []
    for number in range(2):
        photo, mask, _ = draw_photo(7, number, (480, 360))
        noisy = photo + np.random.default_rng(number).normal(0, 4, photo.shape)
        photo = noisy.clip(0, 255).astype(np.uint8)
        coarse = displaced(mask, (120, 90), number)
        bilinear = cv2.resize(coarse, (360, 480))
        plain.append(boundary_dice(bilinear > 0.5, mask))
        refined.append(boundary_dice(refine(coarse, reduced(photo, (120, 90)), photo) > 0.5, mask))
    assert np.mean(refined) > np.mean(plain) + 0.1
    assert min(refined) > 0.85


def test_a_sure_net_stays_sure_away_from_the_edge() -> None:
    rng = np.random.default_rng(0)
    photo = rng.integers(0, 256, (200, 150, 3), np.uint8)
    small = reduced(photo, (40, 30))
    for sure in (0.0, 1.0):
        result = refine(np.full((40, 30), sure, np.float32), small, photo)
        np.testing.assert_allclose(result, sure, atol=1e-5)
    coarse = np.zeros((40, 30), np.float32)
    coarse[:, 15:] = 1
    result = refine(coarse, small, photo)
    # Two windows of 3 pixels to each side of the edge, and the blend to the next one.
    np.testing.assert_allclose(result[:, : 7 * 5], 0, atol=1e-5)
    np.testing.assert_allclose(result[:, 23 * 5 :], 1, atol=1e-5)


def test_without_edges_in_the_photo_it_only_enlarges() -> None:
    coarse = np.random.default_rng(0).random((9, 7), np.float32)
    photo = np.full((95, 61, 3), 80, np.uint8)
    border = cv2.BORDER_REPLICATE
    result = refine(coarse, photo[:9, :7], photo)
    smooth = cv2.blur(cv2.blur(coarse, (7, 7), borderType=border), (7, 7), borderType=border)
    np.testing.assert_allclose(result, cv2.resize(smooth, (61, 95)), atol=1e-4)


@pytest.mark.parametrize("size", [(1, 700), (700, 1), (33, 34)])
def test_thin_photos_and_small_steps_fit(size: tuple[int, int]) -> None:
    photo = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    small = reduced(photo, (max(1, size[0] // 20), max(1, size[1] // 20)))
    result = refine(np.full(small.shape[:2], 0.25, np.float32), small, photo)
    assert result.shape == size
    np.testing.assert_allclose(result, 0.25, atol=1e-5)


def test_a_photo_of_the_nets_size_keeps_what_the_net_says() -> None:
    coarse = np.random.default_rng(0).random((20, 30), np.float32)
    photo = np.zeros((20, 30, 3), np.uint8)
    assert refine(coarse, photo, photo) is coarse


def test_bands_cover_every_row_once() -> None:
    for height, width in ((1, 1), (5000, 3000), (7, 10**6)):
        rows = [row for band in row_bands(height, width) for row in range(height)[band]]
        assert rows == list(range(height))
