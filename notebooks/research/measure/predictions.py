"""Measurements of a prediction: thresholds, sizes, ways of scoring, post-processing."""

from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from humanseg.io.postprocessing import postprocess
from humanseg.metrics.scores import dice

THRESHOLDS = tuple(round(0.05 * step, 2) for step in range(1, 20))
"""Confidence thresholds that are tried."""

DISTANCES = (1, 2, 3, 5, 10, 20)
"""Upper ends of the bands around the true outline, in pixels; a last band holds the rest."""

SQUARE = 224
"""The side, in pixels, at which many solutions score."""

_SMALL_PART = 0.005  # of the photo
_DIGITS = 7


def measure(
    probability: NDArray[np.float32], mirrored: NDArray[np.float32], truth: NDArray[np.uint8]
) -> dict[str, Any]:
    """Measure a prediction of one photo.

    Parameters
    ----------
    probability
        float32 (H,W) in [0,1].
    mirrored
        The same, averaged with the prediction of the mirrored photo.
    truth
        uint8 (H,W) in {0,1}.

    Returns
    -------
    dict
        `dice`, and `both`, `predicted`, `true` in pixels, at the photo's size and, with `_224`,
        after resizing to a square; Dice of each post-processing (`tta`, `largest`,
        `holes`, `parts`, `blur`); Dice at each threshold (`at0.05` …); pixels and wrong ones in
        each band around the outline (`band1`, `wrong1` …, the last called `beyond`).
    """
    return {
        **_counts(probability > 0.5, truth, ""),
        **_counts(_square(probability, cv2.INTER_LINEAR) > 0.5, _square(truth, cv2.INTER_NEAREST)),
        **{
            name: _rounded(dice(soft > 0.5, truth))
            for name, soft in finished(probability, mirrored).items()
        },
        **{f"at{cut}": _rounded(dice(probability > cut, truth)) for cut in THRESHOLDS},
        **_by_distance(probability > 0.5, truth),
    }


def finished(
    probability: NDArray[np.float32], mirrored: NDArray[np.float32]
) -> Mapping[str, NDArray[np.float32]]:
    """Return the prediction after each post-processing, by its name."""
    return {
        "tta": mirrored,
        "largest": postprocess(probability, 0.5, keep_largest=True),
        "holes": postprocess(probability, 0.5, fill_holes=True),
        "parts": postprocess(probability, 0.5, min_area=_SMALL_PART),
        "blur": np.asarray(cv2.GaussianBlur(probability, (0, 0), 1.0), np.float32),
    }


def _counts(
    mask: NDArray[np.bool_], truth: NDArray[np.uint8], tail: str = f"_{SQUARE}"
) -> dict[str, Any]:
    return {
        f"dice{tail}": _rounded(dice(mask, truth)),
        f"both{tail}": int(np.count_nonzero(mask & (truth > 0))),
        f"predicted{tail}": int(np.count_nonzero(mask)),
        f"true{tail}": int(np.count_nonzero(truth)),
    }


def _square(pixels: NDArray[Any], how: int) -> NDArray[Any]:
    return np.asarray(cv2.resize(pixels, (SQUARE, SQUARE), interpolation=how))


def _by_distance(mask: NDArray[np.bool_], truth: NDArray[np.uint8]) -> dict[str, int]:
    # From a pixel's centre to the outline it is half a pixel less than to the next centre beyond.
    inside, outside = (
        cv2.distanceTransform(part, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
        for part in (truth, 1 - truth)
    )
    distance = np.maximum(inside, outside) - 0.5
    band = np.searchsorted(DISTANCES, distance, side="left")
    wrong = mask != (truth > 0)
    names = [*map(str, DISTANCES), "beyond"]
    pixels = np.bincount(band.ravel(), minlength=len(names))
    errors = np.bincount(band[wrong], minlength=len(names))
    return {f"band{name}": int(count) for name, count in zip(names, pixels, strict=True)} | {
        f"wrong{name}": int(count) for name, count in zip(names, errors, strict=True)
    }


def _rounded(score: float) -> float:
    return round(score, _DIGITS)
