"""Confidence intervals of means. Not `scipy.stats.bootstrap`: JavaScript repeats these draws.

All of it is the percentile bootstrap over photos: resamples of the photos are drawn with
replacement, and the middle 95 % of their means is the 95 % confidence interval of the mean
(B. Efron and R. Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13). Two runs are
compared photo by photo: what both find hard cancels out in the difference, so that it can be
significant where two intervals overlap.

Of 100 samples of photos, the intervals of about 95 hold the mean over all photos of that kind;
fewer where scores have a long tail, as the Dice of a strong model has, most of all of few photos.
The mean of another sample, which varies itself, is inside one only about 83 times in 100. An
interval says nothing about another seed.

The draws follow from a counter and a hash that a few lines of any language repeat. The page of the
leaderboard has them in JavaScript (`pages/templates/leaderboard/statistics.js`), and so gives the
same numbers as this module.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

RESAMPLES = 10_000
"""The number of bootstrap resamples."""

LEVEL = 0.95
"""Confidence level: the share of the resampled means that is in an interval."""

FEWEST_PHOTOS = 6
"""With fewer photos no difference is significant: one of the same sign on all five of five has
p = 2·(1/2)^5 > 5 % in a sign test."""

_STEP = 0x9E3779B9  # 2^32 divided by the golden ratio: neighbouring counters get far apart
_AT_ONCE = 4_000_000  # draws, to bound the memory


@dataclass(frozen=True)
class Interval:
    """A mean and its 95 % confidence interval.

    Attributes
    ----------
    mean
        Of the values themselves.
    low, high
        The 2.5 % and the 97.5 % quantile of the resampled means.
    """

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class PairedDifference:
    """The paired difference of two runs on the same photos.

    Attributes
    ----------
    difference
        Mean over photos of the first's score minus the second's.
    low, high
        Its 95 % confidence interval.
    photos
        How many photos it was taken on.
    """

    difference: float
    low: float
    high: float
    photos: int

    @property
    def significant(self) -> bool:
        """Whether the interval leaves out zero and there are at least `FEWEST_PHOTOS` photos."""
        return self.photos >= FEWEST_PHOTOS and (self.low > 0 or self.high < 0)

    def swapped(self) -> "PairedDifference":
        """Return the difference of the second from the first."""
        return PairedDifference(-self.difference, -self.high, -self.low, self.photos)

    def sentence(self) -> str:
        """Return the difference in words.

        Examples
        --------
        >>> PairedDifference(0.0042, 0.0019, 0.0066, 145).sentence()
        'better by 0.0042, interval 0.0019 to 0.0066'
        >>> PairedDifference(-0.0042, -0.0066, -0.0019, 145).sentence()
        'worse by 0.0042, interval 0.0019 to 0.0066'
        >>> PairedDifference(0.0004, -0.0010, 0.0019, 145).sentence()
        'not significantly different on these 145 photos'
        """
        if not self.significant:
            return f"not significantly different on {_photos(self.photos)}"
        near, far = sorted((abs(self.low), abs(self.high)))
        word = "better" if self.difference > 0 else "worse"
        return f"{word} by {abs(self.difference):.4f}, interval {near:.4f} to {far:.4f}"


def mean_of_sources(by_source: Mapping[str, Mapping[str, Any]]) -> float | None:
    """Return the mean over sources of their `dice`; None where no source has any."""
    dice = [scores["dice"] for scores in by_source.values() if "dice" in scores]
    return sum(dice) / len(dice) if dice else None


def bootstrap_interval(scores: ArrayLike, *, seed: int = 0) -> Interval:
    """Return the mean of a score over photos with its 95 % confidence interval.

    Parameters
    ----------
    scores : array_like, shape (photos,)
        A run's score on each photo, such as the column `dice` of its `scores.csv`.
    seed
        Of the draws.

    Returns
    -------
    Interval

    Raises
    ------
    ValueError
        There is no photo, or a score is not finite.
    """
    values = _checked(scores)
    low, high = interval_ends(resampled_means(values, seed=seed))
    return Interval(float(values.mean()), float(low), float(high))


def paired_difference(first: ArrayLike, second: ArrayLike, *, seed: int = 0) -> PairedDifference:
    """Compare two runs photo by photo.

    Parameters
    ----------
    first, second : array_like, shape (photos,)
        Their scores on the same photos, in the same order. Of a setting with several seeds give
        the mean over its runs.
    seed
        Of the draws.

    Returns
    -------
    PairedDifference
        Positive where the first is better.

    Raises
    ------
    ValueError
        The two are not equally long, there is no photo, or a score is not finite.
    """
    return paired_by_source([(first, second)], seed=seed)


def paired_by_source(
    pairs: Sequence[tuple[ArrayLike, ArrayLike]], *, seed: int = 0
) -> PairedDifference:
    """Compare two runs by their mean over sources of photos, photo by photo.

    Parameters
    ----------
    pairs
        For each source the scores of both runs, as `paired_difference` takes them. Photos are drawn
        within each source: the sources are those that there are.
    seed
        Of the draws.

    Returns
    -------
    PairedDifference
        Positive where the first is better.

    Raises
    ------
    ValueError
        There is no source, or as in `paired_difference`.
    """
    differences = [_differences(first, second) for first, second in pairs]
    means = [
        resampled_means(sample, seed=seed + number) for number, sample in enumerate(differences)
    ]
    low, high = interval_ends(np.mean(means, axis=0))
    mean = float(np.mean([sample.mean() for sample in differences]))
    return PairedDifference(mean, float(low), float(high), sum(map(len, differences)))


def _differences(first: ArrayLike, second: ArrayLike) -> NDArray[np.float64]:
    minuend, subtrahend = _checked(first), _checked(second)
    if minuend.shape != subtrahend.shape:
        raise ValueError(f"{minuend.size} and {subtrahend.size} scores are not of the same photos")
    return minuend - subtrahend


def resampled_means(scores: NDArray[np.float64], *, seed: int = 0) -> NDArray[np.float64]:
    """Return the mean over each draw of the photos.

    Parameters
    ----------
    scores : numpy.ndarray, shape (photos,) or (photos, runs)
        Every column sees the same draws, so that the columns of the result can be subtracted.
    seed
        Of the draws.

    Returns
    -------
    numpy.ndarray of float64, shape (RESAMPLES,) or (RESAMPLES, runs)
    """
    photos = scores.shape[0]
    means = [counts @ scores / photos for counts in _draws(photos, seed)]
    return np.concatenate(means)


def interval_ends(means: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the ends of the 95 % confidence interval by resampled means.

    Parameters
    ----------
    means : numpy.ndarray, shape (RESAMPLES, …)

    Returns
    -------
    numpy.ndarray of float64, shape (2, …)
        The lower and the upper end; between two means they are interpolated linearly.
    """
    tail = (1 - LEVEL) / 2
    ends: NDArray[np.float64] = np.quantile(means, [tail, 1 - tail], axis=0)
    return ends


def _draws(photos: int, seed: int) -> Iterator[NDArray[np.float64]]:
    """Yield how often each photo is drawn, (resamples, photos), some resamples at a time."""
    rows = max(1, _AT_ONCE // photos)
    for first in range(0, RESAMPLES, rows):
        yield _some_draws(photos, seed, first, min(rows, RESAMPLES - first))


# Up to 400 photos are one block, which every run and every effect of a group then shares.
@lru_cache(maxsize=1)
def _some_draws(photos: int, seed: int, first: int, rows: int) -> NDArray[np.float64]:
    """Count the draws of `rows` resamples from number `first` on.

    Draw i of resample r takes photo ⌊h·photos / 2³²⌋ with h the hash of the counter r·photos + i.
    """
    start = _mixed(np.array([seed], np.uint32))
    counter = np.arange(rows * photos, dtype=np.uint64) + np.uint64(first * photos)
    hashed = _mixed((counter * np.uint64(_STEP)).astype(np.uint32) + start)
    drawn = (hashed.astype(np.uint64) * np.uint64(photos)) >> np.uint64(32)
    cell = drawn.astype(np.int64) + np.repeat(np.arange(rows) * photos, photos)
    counts = np.bincount(cell, minlength=rows * photos)
    return counts.reshape(rows, photos).astype(np.float64)


def _mixed(values: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Hash 32-bit numbers: the last step of MurmurHash3 (A. Appleby, public domain)."""
    mixed = values ^ (values >> np.uint32(16))
    mixed = mixed * np.uint32(0x85EBCA6B)
    mixed ^= mixed >> np.uint32(13)
    mixed *= np.uint32(0xC2B2AE35)
    return mixed ^ (mixed >> np.uint32(16))


def _checked(scores: ArrayLike) -> NDArray[np.float64]:
    values = np.asarray(scores, np.float64)
    if values.ndim != 1 or not values.size or not np.isfinite(values).all():
        raise ValueError("scores are numbers, one a photo, of one photo at least")
    return values


def _photos(photos: int) -> str:
    return "this one photo" if photos == 1 else f"these {photos} photos"
