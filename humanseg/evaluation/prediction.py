"""What a model says of one photo."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Prediction:
    """A photo, what the model says of it, and what is true where that is known.

    Attributes
    ----------
    id
        The photo's id.
    photo
        uint8 (H,W,3), RGB.
    probability
        float32 (H,W), in [0,1]: how sure the model is that a pixel is person.
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


VALID, TEST = 0, 1
"""The numbers of the two loaders of a final prediction."""
