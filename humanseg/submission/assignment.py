"""Finding rows of a submission that are attached to the wrong ids."""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

_PIXELS = 9000
_GAIN = 0.1
"""The gain in mean Dice from which a cycle of rows is reported."""


def thumbnail(mask: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return every n-th row and column of a mask, flat: enough to tell masks apart.

    Zeros and ones in float32, about 9000 at most, and as many for all masks of one shape.
    """
    step = max(1, int(np.ceil((mask.size / _PIXELS) ** 0.5)))
    return mask[::step, ::step].ravel().astype(np.float32)


def dice_matrix(
    predictions: NDArray[np.float32], truths: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Return Dice of every prediction, (N, P), with every truth, (N, P), as (N, N).

    Row i, column j: Dice of prediction i with truth j; 0 where both are empty.
    """
    both = (predictions @ truths.T).astype(np.float64)
    sizes = predictions.sum(1, dtype=np.float64)[:, None] + truths.sum(1, dtype=np.float64)
    return 2 * both / np.maximum(sizes, 1)


def misplaced(fit: NDArray[np.float64]) -> dict[int, int]:
    """Find rows that would fit much better if they changed places, and the row whose id each fits.

    The best one-to-one assignment of rows to ids is a permutation, which falls into cycles. In a
    sound file with some poor masks a cycle gains little: what one row wins by the change another
    loses. A cycle is told when its rows gain 0.1 Dice or more on average.
    """
    current = np.diag(fit)
    if not np.any(fit.max(axis=1, initial=0) >= current + _GAIN):
        return {}
    rows, target = linear_sum_assignment(fit, maximize=True)
    _, cycle = connected_components(csr_array((np.ones(len(rows)), (rows, target))))
    gain = np.bincount(cycle, weights=fit[rows, target] - current) / np.bincount(cycle)
    moved = (rows != target) & (gain[cycle] >= _GAIN)
    return dict(zip(rows[moved].tolist(), target[moved].tolist(), strict=True))
