"""Light, colour and sharpness of photos."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class LightStats:
    """Statistics of one photo.

    Attributes
    ----------
    brightness, contrast
        Mean and standard deviation of the grey photo, in [0, 1].
    saturation
        Mean saturation (HSV), in [0, 1].
    warmth
        Mean red minus mean blue, in [-1, 1].
    sharpness
        Logarithm to base 10 of the variance of the grey photo's Laplacian, in levels of 255.
    separation
        Distance between the mean colours of person and background (CIE 1976); NaN without mask.
    """

    brightness: float
    contrast: float
    saturation: float
    warmth: float
    sharpness: float
    separation: float


def light_stats(photo: NDArray[np.uint8], mask: NDArray[np.uint8] | None) -> LightStats:
    """Measure a photo, uint8 (H,W,3) in RGB, and its mask, uint8 (H,W) in {0,1}, if it has one."""
    grey = cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY)
    red, _, blue = (float(mean) / 255 for mean in photo.mean(axis=(0, 1)))
    edges = float(cv2.Laplacian(grey, cv2.CV_32F).var())
    separation = float("nan")
    if mask is not None and 0 < mask.mean() < 1:
        colours = cv2.cvtColor(photo.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
        person, behind = colours[mask == 1].mean(axis=0), colours[mask == 0].mean(axis=0)
        separation = float(np.linalg.norm(person - behind))
    return LightStats(
        brightness=float(grey.mean()) / 255,
        contrast=float(grey.std()) / 255,
        saturation=float(cv2.cvtColor(photo, cv2.COLOR_RGB2HSV)[..., 1].mean()) / 255,
        warmth=red - blue,
        sharpness=float(np.log10(max(edges, 1e-3))),
        separation=separation,
    )
