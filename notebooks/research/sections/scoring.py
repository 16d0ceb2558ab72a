"""How the task is scored, and other ways to score."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from humanseg.data.synthetic import draw_photo
from humanseg.metrics.scores import boundary_dice, dice
from humanseg.pages.pictures import error_overlay
from research.measure.masks import shifted
from research.measure.predictions import SQUARE, THRESHOLDS
from research.records import Columns, Records
from research.show import (
    Picture,
    Prose,
    Table,
    not_measured,
    picture,
    score,
    show_tile,
    tiles,
)

_EXAMPLE = (0, 3)  # seed and number of the drawn photo
_KEEP = "scripts/keep_record.py RUN RECORD --measure"


def example(shifts: Sequence[int] = (0, 2, 6)) -> Picture:
    """Show a drawn person with masks at growing shifts, and their scores."""
    photo, truth, _ = draw_photo(*_EXAMPLE)
    figure, (axes,) = tiles(1, len(shifts) + 1, lines=2)
    show_tile(axes[0], photo, "a drawn person\n")
    for axis, by in zip(axes[1:], shifts, strict=True):
        mask = shifted(truth, 0, by)
        title = f"{by} pixels off" if by else "true mask"
        scores = f"{dice(mask, truth):.3f}, boundary {boundary_dice(mask, truth):.3f}"
        show_tile(axis, error_overlay(photo, mask, truth), f"{title}\n{scores}")
    alt = "A drawn person, with masks that are shifted further and further from the truth."
    return picture(figure, alt, photos=True)


def solutions_table(records: Records) -> Table:
    """Show the scores that other solutions report, and those of their files."""
    table = records.table("others/solutions.csv")
    rows = []
    for name, how, reported, rescored in zip(
        table.text("solution"),
        table.text("reported_how"),
        table.numbers("reported"),
        table.numbers("rescored"),
        strict=True,
    ):
        gap = "" if np.isnan(reported - rescored) else f"{rescored - reported:+.4f}"
        rows.append([name, f"{score(reported)} {how}".strip(), score(rescored), gap])
    return Table(["solution", "reported>", "rescored>", "difference>"], rows)


def ways_table(records: Records) -> Table | Prose:
    """Score the same predictions in the ways that other solutions use."""
    measured = records.measured()
    if not measured:
        return not_measured("one run's predictions scored in several ways", _KEEP)
    rows = []
    for way, take in WAYS.items():
        values = [take(columns) for columns in measured.values()]
        differences = [
            "" if way == TASK else f"{value - WAYS[TASK](columns):+.4f}"
            for value, columns in zip(values, measured.values(), strict=True)
        ]
        pairs = zip(values, differences, strict=True)
        rows.append([way, *(cell for value, gap in pairs for cell in (score(value), gap))])
    names = [cell for run in measured for cell in (f"`{run}`>", "difference>")]
    return Table(["scoring", *names], rows)


def pooled(columns: Columns, tail: str = "") -> float:
    """Return one Dice over the pixels of all photos, as if they were one large photo."""
    both, predicted, true = (
        columns.numbers(f"{name}{tail}").sum() for name in ("both", "predicted", "true")
    )
    return float(2 * both / (predicted + true))


def at_thresholds(columns: Columns) -> NDArray[np.float64]:
    """Return Dice of each photo at each threshold, shape (photos, thresholds)."""
    return np.stack([columns.numbers(f"at{cut}") for cut in THRESHOLDS], axis=1)


def tuned(columns: Columns) -> tuple[float, float]:
    """Return the threshold that is best on all photos, and its Dice on the same photos."""
    means = at_thresholds(columns).mean(axis=0)
    best = int(means.argmax())
    return THRESHOLDS[best], float(means[best])


def cross_tuned(columns: Columns) -> float:
    """Return the Dice of a threshold that was chosen on the other half of the photos."""
    scores = at_thresholds(columns)
    halves = scores[0::2], scores[1::2]
    dice = [
        scored[:, int(tuning.mean(axis=0).argmax())] for scored, tuning in (halves, halves[::-1])
    ]
    return float(np.concatenate(dice).mean())


TASK = "mean over photos, original size, threshold 0.5"
"""The scoring of the task."""

WAYS: dict[str, Callable[[Columns], float]] = {
    TASK: lambda columns: float(columns.numbers("dice").mean()),
    "pooled over all pixels": pooled,
    f"resized to {SQUARE}×{SQUARE}": lambda columns: float(
        columns.numbers(f"dice_{SQUARE}").mean()
    ),
    f"pooled, resized to {SQUARE}×{SQUARE}": lambda columns: pooled(columns, f"_{SQUARE}"),
    "threshold tuned on the same photos": lambda columns: tuned(columns)[1],
    "threshold tuned on the other half": cross_tuned,
}
"""Ways to score one set of predictions."""
