"""Temporal smoothing of masks: what stands still in the video stands still in the mask."""

import cv2
import numpy as np
from numpy.typing import NDArray

DEFAULT_STRENGTH = 0.8
"""The default of `TemporalSmoother`."""

_STEP = 1 / 30
"""The strength is the weight of the past after so many seconds."""
_WINDOW = (5, 5)
"""Differences are averaged over so many pixels, which removes most of the camera's noise."""
_MOVED = 8.0
"""A difference (of 255) at which a pixel counts more as moved than as still."""
_CUT = 0.3
"""If a smaller share of the frame than this is static, the past is dropped."""


class TemporalSmoother:
    """Averages the probabilities of one video over time, except where something moves.

    An exponential average whose weight is each pixel's own. The average of the frames is kept
    beside that of the probabilities, under the same weights, so that it shows what the kept
    probabilities were made from: where a new frame differs from it, the past is ignored and the
    new probability is taken as it is. Slow motion adds up in that difference, so the mask does not
    lag behind. A cut to another scene, or a camera that turns, changes most of the frame and
    starts again.

    `strength`, in [0, 1), is the weight of the past after a thirtieth of a second where nothing
    moves; 0 leaves every frame as it is.

    Recursive filters whose weight falls with the difference between frames are the classic of
    noise reduction in video: E. Dubois and S. Sabri, Noise Reduction in Image Sequences Using
    Motion-Compensated Temporal Filtering, IEEE Transactions on Communications 32 (1984), 826-831.
    """

    def __init__(self, strength: float = DEFAULT_STRENGTH) -> None:
        if not 0 <= strength < 1:
            raise ValueError(f"the strength of smoothing must be in [0, 1), not {strength}")
        self.strength = strength
        self._past: tuple[NDArray[np.float32], NDArray[np.float32]] | None = None

    def __call__(
        self,
        frame: NDArray[np.uint8],
        probability: NDArray[np.float32],
        seconds: float = _STEP,
    ) -> NDArray[np.float32]:
        """Return the smoothed probability of the next frame, `seconds` after the one before."""
        if self.strength == 0:
            return probability
        blurred = cv2.blur(frame, _WINDOW).astype(np.float32)
        if self._past is not None:
            weight = self.strength ** (seconds / _STEP) * _stillness(blurred, self._past[0])
            if weight.any():
                blurred = _mix(blurred, self._past[0], weight[..., None])
                probability = _mix(probability, self._past[1], weight)
        self._past = blurred, probability
        return probability


def _stillness(blurred: NDArray[np.float32], past: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return 1 where nothing moved, down to 0 where something did; 0 all over after a cut."""
    change = np.abs(blurred - past).max(axis=2)
    # The edge of a mask is beside what moves as often as on it.
    change = cv2.dilate(change, np.ones(_WINDOW, np.uint8))
    still = np.exp(-np.square(change / _MOVED))
    return still if still.mean() >= _CUT else np.zeros_like(still)


def _mix(
    new: NDArray[np.float32], old: NDArray[np.float32], weight: NDArray[np.float32]
) -> NDArray[np.float32]:
    return new + weight * (old - new)
