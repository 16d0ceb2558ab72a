"""How often a 95 % confidence interval over photos holds the mean that it is about."""

import numpy as np
from numpy.typing import NDArray

from humanseg.metrics.statistics import interval_ends, resampled_means

_SAMPLES = 1000


def coverage(scores: NDArray[np.float64], photos: int) -> float:
    """Return the share of samples whose interval holds the mean of all.

    Parameters
    ----------
    scores
        One for each photo; they stand for all photos that there are.
    photos
        How many of them a sample has, drawn with replacement.

    Returns
    -------
    float
        Of 1000 samples.
    """
    generator = np.random.Generator(np.random.PCG64(0))
    samples = generator.choice(scores, (photos, _SAMPLES))
    low, high = interval_ends(resampled_means(samples))
    return float(np.mean((low <= scores.mean()) & (scores.mean() <= high)))
