"""Finding rows of a submission that are attached to the wrong ids."""

import numpy as np
from numpy.typing import NDArray

_PIXELS = 9000
_GAIN = 0.1
"""How much better a cycle of rows must fit on average, in Dice, before it is pointed out."""


def thumbnail(mask: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return every n-th row and column of a mask, flat: enough to tell masks apart.

    Parameters
    ----------
    mask : numpy.ndarray of bool, shape (H, W)

    Returns
    -------
    numpy.ndarray of float32, shape (P,)
        Zeros and ones; P is about 9000 at most, and the same for all masks of one shape.
    """
    step = max(1, int(np.ceil((mask.size / _PIXELS) ** 0.5)))
    return mask[::step, ::step].ravel().astype(np.float32)


def dice_matrix(
    predictions: NDArray[np.float32], truths: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Return Dice of every prediction with every truth.

    Parameters
    ----------
    predictions, truths : numpy.ndarray of float32, shape (N, P)
        Zeros and ones.

    Returns
    -------
    numpy.ndarray of float64, shape (N, N)
        Row i, column j: Dice of prediction i with truth j; 0 where both are empty.
    """
    both = (predictions @ truths.T).astype(np.float64)
    sizes = predictions.sum(1, dtype=np.float64)[:, None] + truths.sum(1, dtype=np.float64)
    return 2 * both / np.maximum(sizes, 1)


def misplaced(fit: NDArray[np.float64]) -> dict[int, int]:
    """Find rows that would fit much better if they changed places among themselves.

    The best one-to-one assignment of rows to ids is a permutation, which falls into cycles. In
    a sound file with some poor masks a cycle gains little: what one row wins by the change
    another loses. A cycle is told when its rows gain 0.1 Dice or more on average.

    Parameters
    ----------
    fit : numpy.ndarray of float64, shape (N, N)
        Dice of the mask in row i with the true mask of the id in row j.

    Returns
    -------
    dict
        For each misplaced row i the row j whose id it fits.
    """
    own = np.diag(fit)
    if not np.any(fit.max(axis=1, initial=0) >= own + _GAIN):
        return {}
    target = best_assignment(fit)
    found: dict[int, int] = {}
    seen: set[int] = set()
    for first in range(len(fit)):
        cycle: list[int] = []
        row = first
        while row not in seen:
            seen.add(row)
            cycle.append(row)
            row = int(target[row])
        if len(cycle) > 1 and np.mean(fit[cycle, target[cycle]] - own[cycle]) >= _GAIN:
            found.update({row: int(target[row]) for row in cycle})
    return found


def best_assignment(fit: NDArray[np.float64]) -> NDArray[np.int64]:
    """Assign each row to a column of its own so that the sum of fits is largest.

    The Hungarian method with shortest augmenting paths: R. Jonker and A. Volgenant, A Shortest
    Augmenting Path Algorithm for Dense and Sparse Linear Assignment Problems, Computing 38
    (1987), pp. 325-340; cubic in N at worst.

    Parameters
    ----------
    fit : numpy.ndarray of float64, shape (N, N)

    Returns
    -------
    numpy.ndarray of int64, shape (N,)
        The column of each row.
    """
    n = len(fit)
    cost = -fit
    column_price = cost.min(axis=0)
    row_price = np.zeros(n)
    row_of = np.full(n, -1)
    for free in range(n):
        distance = np.full(n, np.inf)
        before = np.full(n, -1)
        done = np.zeros(n, bool)
        row, column, so_far = free, -1, 0.0
        while True:
            # Reduced costs stay at or above zero, so this is a step of Dijkstra's method.
            reach = so_far + cost[row] - row_price[row] - column_price
            shorter = ~done & (reach < distance)
            distance[shorter] = reach[shorter]
            before[shorter] = column
            column = int(np.argmin(np.where(done, np.inf, distance)))
            so_far = float(distance[column])
            if row_of[column] < 0:
                break
            done[column] = True
            row = int(row_of[column])
        row_price[free] += so_far
        row_price[row_of[done]] += so_far - distance[done]
        column_price[done] -= so_far - distance[done]
        while column >= 0:
            previous = int(before[column])
            row_of[column] = free if previous < 0 else row_of[previous]
            column = previous
    result = np.empty(n, np.int64)
    result[row_of] = np.arange(n)
    return result
