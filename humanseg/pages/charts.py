"""Small line charts that the page itself draws, so that they follow its colours and its width."""

import math
from collections.abc import Sequence
from typing import Any

Points = Sequence[tuple[float, float]]


def draw_chart(
    title: str, curves: Sequence[tuple[str, str, Points]], best: float | None = None
) -> dict[str, Any] | None:
    """Lay out a chart with the epoch `best` marked; None where no curve has a point.

    Positions run from 0, at the left or the bottom, to 100.

    Parameters
    ----------
    title
        Its heading.
    curves
        Name, class in the style sheet, and points of each.
    best
        None: no epoch is marked.

    Returns
    -------
    dict or None
        `title`; `text`: what it shows in words; `curves`: name, class, points as SVG reads them,
        and the height of the label; `x_ticks`, `y_ticks`: positions and labels; `mark`: the
        position of the best epoch, and of its value in the first curve; None without one.
    """
    drawn = [(name, style, points) for name, style, points in curves if points]
    if not drawn:
        return None
    epochs = [x for _, _, points in drawn for x, _ in points]
    values = [y for _, _, points in drawn for _, y in points]
    left, right = min(epochs), max(epochs)
    pad = 0.06 * (max(values) - min(values)) or 0.05 * abs(values[0]) or 0.1
    low, high = min(values) - pad, max(values) + pad
    x = _scale(left, right)
    y = _scale(low, high)
    ends = _apart([y(points[-1][1]) for _, _, points in drawn])
    words = [
        f"{name}: {points[0][1]:.4g} in epoch {points[0][0]:g}, {points[-1][1]:.4g} in epoch "
        f"{points[-1][0]:g}."
        for name, _, points in drawn
    ]
    return {
        "title": title,
        "text": " ".join([f"{title}.", *words]),
        "curves": [
            (name, style, " ".join(f"{x(a):.2f},{100 - y(b):.2f}" for a, b in points), end)
            for (name, style, points), end in zip(drawn, ends, strict=True)
        ],
        "x_ticks": [(x(value), label) for value, label in ticks(left, right, 6, whole=True)],
        "y_ticks": [(y(value), label) for value, label in ticks(low, high, 5)],
        "mark": next(((x(epoch), y(value)) for epoch, value in drawn[0][2] if epoch == best), None),
    }


def ticks(low: float, high: float, count: int, whole: bool = False) -> list[tuple[float, str]]:
    """Return round numbers in [low, high] with labels, no two of which read the same.

    Parameters
    ----------
    low, high
        Ends of the axis.
    count
        About how many, at most.
    whole
        Whether only whole numbers make sense.

    Examples
    --------
    >>> ticks(0.9803, 0.9812, 4), ticks(1, 1, 6, whole=True)
    ([(0.9804, '0.9804'), (0.9808, '0.9808'), (0.9812, '0.9812')], [(1, '1')])
    """
    if not high > low:
        return [(low, f"{low:.6g}")]
    rough = (high - low) / count
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough * (1 - 1e-9))
    step = max(1.0, round(step)) if whole else step
    digits = max(0, -math.floor(math.log10(step) + 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    values = [round(index * step, 12) for index in range(first, last + 1)]
    return [(value, f"{value:.{digits}f}") for value in values]


def _scale(low: float, high: float):  # type: ignore[no-untyped-def]
    """Return a function that maps [low, high] to [0, 100]; the middle where there is no range."""
    width = high - low
    return lambda value: 100 * (value - low) / width if width else 50.0


def _apart(heights: Sequence[float]) -> list[float]:
    """Move labels up until none covers another."""
    placed = list(heights)
    lowest = -math.inf
    for index in sorted(range(len(placed)), key=lambda index: placed[index]):
        placed[index] = lowest = max(placed[index], lowest + 9.0)
    return placed
