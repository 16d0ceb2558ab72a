"""The prediction of a model for one photo."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Prediction:
    """A photo, its predicted probabilities, and its true mask where that is known.

    Attributes
    ----------
    id
        The photo's id.
    photo
        uint8 (H,W,3), RGB.
    probability
        float32 (H,W), in [0,1]: of being person.
    truth
        uint8 (H,W) in {0,1}; None where there is no mask.
    """

    id: str
    photo: NDArray[np.uint8]
    probability: NDArray[np.float32]
    truth: NDArray[np.uint8] | None

    def mask(self, threshold: float) -> NDArray[np.bool_]:
        """Bool (H,W): the pixels whose probability is above `threshold`."""
        return np.asarray(self.probability > threshold)

    def require_truth(self) -> NDArray[np.uint8]:
        """Return the true mask; raise ValueError where there is none."""
        if self.truth is None:
            raise ValueError(f"photo {self.id!r} has no true mask to compare with")
        return self.truth
