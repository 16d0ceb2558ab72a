"""The size at which a net works: one rule for training, the exported file and the browser."""

from collections.abc import Callable
from typing import Any


def working_size(
    height: int, width: int, long_side: int, largest: Callable[[Any, Any], Any] = max
) -> tuple[int, int]:
    """Scale a size so that its longer side is `long_side`.

    In whole numbers, halves rounded up: so it is the same in an exported file and in a browser,
    which round floating-point numbers in ways of their own.
    """
    longer = largest(height, width)
    scaled = [
        largest(1, (2 * side * long_side + longer) // (2 * longer)) for side in (height, width)
    ]
    return scaled[0], scaled[1]
