"""Steadying masks over time: what stands still in the picture shall stand still in the mask."""

import cv2
import numpy as np
from numpy.typing import NDArray

DEFAULT_STRENGTH = 0.8
"""What `Smoother` takes when nobody says otherwise."""

_STEP = 1 / 30
"""The strength is what is left of the past after so many seconds."""
_WINDOW = (5, 5)
"""Differences are seen over so many pixels, which takes most of the camera's noise out of them."""
_MOVED = 8.0
"""Levels of difference (of 255) at which a pixel counts more as moved than as still."""
_CUT = 0.3
"""Where less than this share of the picture stood still, nothing of the past is of use."""


class TemporalSmoother:
    """Averages the probabilities of one video over time, except where something moves.

    An exponential average whose weight is each pixel's own. The average of the pictures is kept
    beside that of the probabilities, under the same weights, so that it shows what the kept
    probabilities were made from: where a new picture differs from it, the past says nothing and
    the new probability is taken as it is. Slow motion adds up in that difference, so it is seen
    too and the mask does not lag behind. A cut to another scene, or a camera that turns, changes
    most of the picture and starts anew.

    Recursive filters whose weight falls with the difference between frames are the classic of
    noise reduction in video: E. Dubois and S. Sabri, Noise Reduction in Image Sequences Using
    Motion-Compensated Temporal Filtering, IEEE Transactions on Communications 32 (1984), 826-831.
    """

    def __init__(self, strength: float = DEFAULT_STRENGTH) -> None:
        if not 0 <= strength < 1:
            raise ValueError(f"the strength of smoothing lies in [0, 1), and {strength} does not")
        self.strength = strength
        self._past: tuple[NDArray[np.float32], NDArray[np.float32]] | None = None

    def __call__(
        self,
        picture: NDArray[np.uint8],
        probability: NDArray[np.float32],
        seconds: float = _STEP,
    ) -> NDArray[np.float32]:
        """Take the next frame."""
        if self.strength == 0:
            return probability
        seen = cv2.blur(picture, _WINDOW).astype(np.float32)
        if self._past is not None:
            weight = self.strength ** (seconds / _STEP) * _stillness(seen, self._past[0])
            if weight.any():
                seen = _mix(seen, self._past[0], weight[..., None])
                probability = _mix(probability, self._past[1], weight)
        self._past = seen, probability
        return probability


def _stillness(seen: NDArray[np.float32], past: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return 1 where nothing moved, down to 0 where something did; 0 all over after a cut."""
    change = np.abs(seen - past).max(axis=2)
    # The edge of a mask lies beside what moves as often as on it.
    change = cv2.dilate(change, np.ones(_WINDOW, np.uint8))
    still = np.exp(-np.square(change / _MOVED))
    return still if still.mean() >= _CUT else np.zeros_like(still)


def _mix(
    new: NDArray[np.float32], old: NDArray[np.float32], weight: NDArray[np.float32]
) -> NDArray[np.float32]:
    return new + weight * (old - new)
