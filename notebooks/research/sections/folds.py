"""Cross-validation of train: how far photos, seeds and folds vary."""

from dataclasses import dataclass

import numpy as np

from humanseg.metrics.statistics import bootstrap_interval
from research.records import Columns, Records
from research.show import Prose, Table, not_measured

RECORD = "folds/folds.csv"


@dataclass(frozen=True)
class Spread:
    """The results of a cross-validation.

    Attributes
    ----------
    photos, folds, seeds
        Counts.
    photo_deviation
        Standard deviation of Dice over photos, each the mean over seeds.
    seed_deviation
        Standard deviation of a fold's mean over seeds, pooled over folds.
    fold_deviation
        Standard deviation of the folds' means; `by_photos` is what the photos alone would give.
    by_photos
        `photo_deviation` over the square root of a fold's size.
    """

    photos: int
    folds: int
    seeds: int
    photo_deviation: float
    seed_deviation: float
    fold_deviation: float
    by_photos: float


def spread_of(table: Columns) -> Spread:
    """Separate photos, seeds and folds; the table has a row per fold, seed and photo."""
    dice = table.numbers("dice")
    fold, seed = np.array(table.text("fold")), np.array(table.text("seed"))
    by_photo = _means(table)
    folds, seeds = sorted(set(fold.tolist())), sorted(set(seed.tolist()))
    cells = np.array(
        [[dice[(fold == row) & (seed == column)].mean() for column in seeds] for row in folds]
    )
    photo_deviation = float(np.std(list(by_photo.values()), ddof=1))
    within = float(np.sqrt(cells.var(axis=1, ddof=1).mean())) if len(seeds) > 1 else 0.0
    return Spread(
        len(by_photo),
        len(folds),
        len(seeds),
        photo_deviation,
        within,
        float(cells.mean(axis=1).std(ddof=1)),
        photo_deviation / (len(by_photo) / len(folds)) ** 0.5,
    )


def folds_table(records: Records) -> Table | Prose:
    """Show the mean over all folds, and where its spread comes from."""
    if not (records.folder / RECORD).is_file():
        return not_measured(
            "cross-validation, which separates photos, seeds and folds",
            "humanseg train experiment=comparison search=folds",
        )
    table = records.table(RECORD)
    spread = spread_of(table)
    interval = bootstrap_interval(list(_means(table).values()))
    rows = [
        [
            "mean over all photos (95 % confidence interval)",
            f"{interval.mean:.4f} ({interval.low:.4f} to {interval.high:.4f})",
        ],
        [f"standard deviation over {spread.photos} photos", f"{spread.photo_deviation:.4f}"],
        [
            f"standard deviation of a fold's mean over {spread.seeds} seeds",
            f"{spread.seed_deviation:.4f}",
        ],
        [
            f"standard deviation of the means of {spread.folds} folds",
            f"{spread.fold_deviation:.4f}",
        ],
        ["the same, expected from the photos alone", f"{spread.by_photos:.4f}"],
    ]
    return Table(["what", "Dice>"], rows)


def _means(table: Columns) -> dict[str, float]:
    """Return the mean over seeds of each photo's Dice."""
    rows: dict[str, list[float]] = {}
    for id, dice in zip(table.text("id"), table.numbers("dice").tolist(), strict=True):
        rows.setdefault(id, []).append(dice)
    return {id: float(np.mean(scores)) for id, scores in rows.items()}
