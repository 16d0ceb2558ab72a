"""Smoothing takes the flicker out of what stands still, and does not lag behind what moves."""

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from humanseg.inference.video.smoothing import DEFAULT_STRENGTH, TemporalSmoother
from humanseg.metrics.scores import dice

Masks = list[NDArray[np.uint8]]
NOISE = np.random.default_rng(0)


def camera(photos: Masks) -> Masks:
    """Add what a sensor adds."""
    return [
        np.clip(photo + NOISE.normal(0, 2.5, photo.shape), 0, 255).astype(np.uint8)
        for photo in photos
    ]


def unsteady(masks: Masks) -> list[NDArray[np.float32]]:
    """Return probabilities of a net that wavers along the edge, otherwise for every picture."""
    probabilities = []
    for mask in masks:
        soft = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 2)
        wavering = cv2.GaussianBlur(NOISE.normal(0, 1, mask.shape), (0, 0), 1.5)
        probabilities.append(np.clip(soft + 0.8 * wavering, 0, 1).astype(np.float32))
    return probabilities


def smoothed(
    photos: Masks, probabilities: list[NDArray[np.float32]], strength: float = DEFAULT_STRENGTH
) -> list[NDArray[np.float32]]:
    smoother = TemporalSmoother(strength)
    return [smoother(photo, each) for photo, each in zip(photos, probabilities, strict=True)]


def flicker(probabilities: list[NDArray[np.float32]], masks: Masks) -> float:
    """Return how much the mask changes from picture to picture where the truth does not."""
    shares = []
    for number in range(1, len(masks)):
        still = masks[number] == masks[number - 1]
        changed = (probabilities[number] > 0.5) != (probabilities[number - 1] > 0.5)
        shares.append(changed[still].mean())
    return float(np.mean(shares))


def mean_dice(probabilities: list[NDArray[np.float32]], masks: Masks) -> float:
    return float(np.mean([dice(p > 0.5, m) for p, m in zip(probabilities, masks, strict=True)]))


def test_a_still_figure_flickers_less(walk: Any) -> None:
    masks = [walk.masks[15]] * 20
    photos, raw = camera([walk.photos[15]] * 20), unsteady(masks)
    steady = smoothed(photos, raw)
    assert flicker(steady, masks) < 0.5 * flicker(raw, masks)
    assert mean_dice(steady, masks) > mean_dice(raw, masks)


def test_more_strength_flickers_less(walk: Any) -> None:
    masks = [walk.masks[15]] * 20
    photos, raw = camera([walk.photos[15]] * 20), unsteady(masks)
    found = [flicker(smoothed(photos, raw, strength), masks) for strength in (0, 0.5, 0.8, 0.9)]
    assert found == sorted(found, reverse=True)
    assert found[0] == flicker(raw, masks)


def test_a_walking_figure_is_followed_beside_one_that_stands(walk: Any) -> None:
    photos = camera([np.hstack([walk.photos[15], photo]) for photo in walk.photos])
    masks = [np.hstack([walk.masks[15], mask]) for mask in walk.masks]
    raw = unsteady(masks)
    steady = smoothed(photos, raw)
    standing, walking = np.s_[:, :128], np.s_[:, 128:]

    def compared(score: Callable[..., float], part: tuple[slice, slice]) -> tuple[float, float]:
        before, after, truth = ([each[part] for each in all] for all in (raw, steady, masks))
        return score(before, truth), score(after, truth)

    before, after = compared(flicker, standing)
    assert after < 0.5 * before
    before, after = compared(flicker, walking)
    assert after < before
    before, after = compared(mean_dice, walking)
    assert after > before


def test_nothing_lags_behind_a_sure_net(walk: Any) -> None:
    sure = [mask.astype(np.float32) for mask in walk.masks]
    assert mean_dice(smoothed(camera(walk.photos), sure), walk.masks) > 0.995


@pytest.mark.parametrize("contrast", [20, 120])
@pytest.mark.parametrize("speed", [0.1, 0.3, 1, 4])
def test_slow_motion_is_followed_too(speed: float, contrast: float) -> None:
    x = np.arange(160, dtype=np.float32)[None].repeat(40, 0)
    photos, masks = [], []
    for number in range(30):
        edge = 20 + speed * number
        step = np.clip(x - edge + 0.5, 0, 1)
        photos.append(np.repeat(np.round(60 + contrast * step)[..., None], 3, 2).astype(np.uint8))
        masks.append(step)
    steady = smoothed(camera(photos), masks)
    # In pixels: where the edge is found in the last picture, against where it is.
    lag = np.abs(steady[-1].sum(1) - masks[-1].sum(1)).mean()
    assert lag < 0.75


def test_a_cut_starts_anew(walk: Any) -> None:
    before, after = walk.photos[0], 255 - walk.photos[20]
    smoother = TemporalSmoother(0.9)
    for _ in range(5):
        smoother(before, walk.masks[0].astype(np.float32))
    other = walk.masks[20].astype(np.float32)
    np.testing.assert_array_equal(smoother(after, other), other)


def test_the_past_fades_with_time_and_not_with_pictures(walk: Any) -> None:
    photo, nothing = walk.photos[0], np.zeros((96, 128), np.float32)
    everything = np.ones_like(nothing)
    quick, slow = TemporalSmoother(0.8), TemporalSmoother(0.8)
    quick(photo, nothing)
    slow(photo, nothing)
    for _ in range(2):
        after_two = quick(photo, everything, 1 / 60)
    np.testing.assert_allclose(after_two, slow(photo, everything, 1 / 30), rtol=1e-5)
    np.testing.assert_allclose(after_two, 0.2, rtol=1e-5)


def test_no_strength_leaves_every_picture_as_it_is(walk: Any) -> None:
    raw = unsteady(walk.masks[:3])
    for before, after in zip(raw, smoothed(walk.photos[:3], raw, 0), strict=True):
        assert before is after


@pytest.mark.parametrize("strength", [-0.1, 1.0, float("nan")])
def test_an_impossible_strength_is_refused(strength: float) -> None:
    with pytest.raises(ValueError, match="must be in"):
        TemporalSmoother(strength)
