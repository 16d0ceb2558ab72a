"""Metrics that hold their scores per photo until the end of an epoch.

Means over batches depend on how photos fell into batches; so what is kept, and exchanged between
processes, is a few whole numbers per photo, under its id.
"""

from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities.data import dim_zero_cat
from torchmetrics.utilities.distributed import gather_all_tensors

from humanseg.errors import HumansegError
from humanseg.io.names import natural_key
from humanseg.metrics.scores import EPSILON, boundary_band

#: Thresholds at which Dice is known besides the one that is scored.
GRID = tuple(round(0.05 * step, 2) for step in range(1, 20))
# Numbers per photo beside two for each threshold.
_FIXED_COUNTS = 5


#: What `PerPhotoScores.compute` takes means of.
MEANS = ("dice", "iou", "precision", "recall", "boundary_dice")


class PerPhotoScores(Metric):
    """Scores per photo at its own size, and their means over photos.

    The result depends neither on batches nor on processes. A photo that was seen twice, as a
    distributed sampler does to fill up its last batch, counts once.

    Parameters
    ----------
    threshold
        In (0, 1): a pixel is person where its probability is above it.

    Raises
    ------
    HumansegError
        `threshold` is out of range.
    """

    is_differentiable = False
    higher_is_better = True
    full_state_update = False
    photos: list[Tensor] | Tensor

    def __init__(self, threshold: float = 0.5, **kwargs: Any) -> None:
        super().__init__(dist_sync_fn=_gather, **kwargs)
        if not 0 < threshold < 1:
            raise HumansegError(
                f"The threshold must be between 0 and 1, not {threshold}. Change it."
            )
        self.threshold = float(threshold)
        self.thresholds = tuple(sorted({*GRID, self.threshold}))
        # One flat list of numbers: photos' ids differ in length, processes in how many they saw.
        self.add_state("photos", default=[], dist_reduce_fx="cat")

    def update(self, probability: Tensor, target: Tensor, ids: list[str]) -> None:
        """Add a batch of photos of one size.

        Parameters
        ----------
        probability
            (N, 1, H, W), floating, in [0, 1]; NaN counts as background.
        target
            (N, 1, H, W), any dtype, in {0, 1}.
        ids
            N ids.

        Raises
        ------
        ValueError
            The shapes and the number of ids do not belong together.
        """
        shape = tuple(probability.shape)
        if len(shape) != 4 or shape[1] != 1 or target.shape != shape or len(ids) != shape[0]:
            raise ValueError(
                "Scores take probability and target of one shape (N, 1, H, W) and N ids, not "
                f"{shape}, {tuple(target.shape)} and {len(ids)} ids."
            )
        assert isinstance(self.photos, list)
        values = probability.detach().float()[:, 0].cpu().numpy()
        truths = target.detach()[:, 0].bool().cpu().numpy()
        for photo, truth, id in zip(values, truths, ids, strict=True):
            name = list(id.encode("utf-8", "surrogatepass"))
            counts = _count(photo, truth, self.thresholds, self.threshold)
            # On the metric's own device, from where processes exchange it.
            self.photos.append(torch.tensor([len(name), *name, *counts], device=self.device))

    def compute(self) -> dict[str, float]:
        """Compute the means over photos: dice, iou, precision, recall, boundary_dice.

        A photo without a boundary is left out of the mean of boundary_dice, which is NaN when no
        photo has one.

        With several processes, all must call it; afterwards each alone may ask for `per_photo`
        and `best_threshold`.

        Raises
        ------
        ValueError
            No photo was seen.
        """
        flat = dim_zero_cat(self.photos) if len(self.photos) else torch.empty(0)
        self._counts = _unpack(flat.cpu().numpy(), len(self.thresholds))
        if not self._counts:
            raise ValueError("There are no scores: no photo was seen.")
        # `tolist` gives plain floats.
        means = self._table(self.threshold)[list(MEANS)].mean()
        return dict(zip(MEANS, means.tolist(), strict=True))

    def per_photo(self) -> pd.DataFrame:
        """Return the scores of each photo at the threshold, sorted naturally by id.

        Returns
        -------
        pandas.DataFrame
            By id, as `metrics.scores` defines them, each in [0, 1]: `MEANS`, of which `precision`
            is the share of the predicted person that is person, 0 where nothing was predicted,
            `recall` the share of the person that was predicted, 0 where there is none, and
            `boundary_dice` NaN where the mask is empty or full; and `foreground`, the share of the
            photo that is person by its mask.
        """
        self.compute()
        return self._table(self.threshold)

    def dice_at(self, threshold: float) -> float:
        """Return the mean Dice at one of `thresholds`.

        Raises
        ------
        ValueError
            `threshold` is not among them.
        """
        self.compute()
        return float(self._table(threshold)["dice"].mean())

    def best_threshold(self) -> float:
        """Return the one of `thresholds` that has the highest mean Dice.

        Of equal ones, the nearest to 0.5. The Dice there (`dice_at`) is optimistic: it was tuned
        on the photos that it scores.
        """
        scores = {threshold: self.dice_at(threshold) for threshold in self.thresholds}
        return max(scores, key=lambda threshold: (scores[threshold], -abs(threshold - 0.5)))

    def _table(self, threshold: float) -> pd.DataFrame:
        """Turn the photos' counts into their scores at one of `thresholds`."""
        ids = sorted(self._counts, key=natural_key)
        counts = np.array([self._counts[id] for id in ids])
        step = self.thresholds.index(threshold)
        predicted, hit = counts[:, step], counts[:, len(self.thresholds) + step]
        pixels, true, band_hit, band_predicted, band_true = counts[:, -_FIXED_COUNTS:].T
        in_band = 2 * band_hit / (band_predicted + band_true + EPSILON)
        scores = {
            "dice": 2 * hit / (predicted + true + EPSILON),
            "iou": hit / (predicted + true - hit + EPSILON),
            "precision": hit / (predicted + EPSILON),
            "recall": hit / (true + EPSILON),
            # The band holds true person wherever it holds anything, so it is empty when this is 0.
            "boundary_dice": np.where(band_true > 0, in_band, np.nan),
            "foreground": true / pixels,
        }
        return pd.DataFrame(scores, index=ids)


def _gather(state: Tensor, group: Any | None = None) -> list[Tensor]:
    """Exchange a state that is flat; a process that saw no photo has an empty float one."""
    return gather_all_tensors(state.long(), group)


def _count(
    probability: NDArray[np.float32],
    truth: NDArray[np.bool_],
    thresholds: tuple[float, ...],
    threshold: float,
) -> list[int]:
    """Count one photo's pixels.

    Parameters
    ----------
    probability
        (H, W).
    truth
        (H, W).
    thresholds
        T of them.
    threshold
        The one for the band around the boundary.

    Returns
    -------
    list of int
        2 T + 5: predicted pixels at each threshold, hits at each; all pixels, true ones; within
        the band hits, predicted ones, true ones.
    """
    # Twenty comparisons of a whole array are ten times faster than one search per pixel.
    inside = probability[truth]
    predicted = [np.count_nonzero(probability > cut) for cut in thresholds]
    hits = [np.count_nonzero(inside > cut) for cut in thresholds]
    band = boundary_band(truth)
    near, near_truth = probability[band] > threshold, truth[band]
    in_band = [int(np.count_nonzero(pixels)) for pixels in (near & near_truth, near, near_truth)]
    return [*map(int, predicted), *map(int, hits), truth.size, inside.size, *in_band]


def _unpack(flat: NDArray[Any], thresholds: int) -> dict[str, NDArray[np.int64]]:
    """Read (length of id, id as bytes, counts) back, photo by photo; the first of an id holds."""
    size = 2 * thresholds + _FIXED_COUNTS
    photos: dict[str, NDArray[np.int64]] = {}
    start = 0
    while start < len(flat):
        name_end = start + 1 + int(flat[start])
        id = flat[start + 1 : name_end].astype(np.uint8).tobytes().decode("utf-8", "surrogatepass")
        photos.setdefault(id, flat[name_end : name_end + size])
        start = name_end + size
    return photos
