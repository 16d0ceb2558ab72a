"""`scores.csv`: a row per photo."""

from pathlib import Path
from typing import Any, ClassVar

import pandas as pd

from humanseg.data.checks.concerns import describe_inverted, looks_inverted
from humanseg.evaluation.predict import Prediction, PredictionWriter
from humanseg.io.names import natural_key
from humanseg.io.tables import write_table
from humanseg.metrics.scores import PER_PHOTO, dice

COLUMNS = ["id", *PER_PHOTO, "foreground"]
MEANS = [*PER_PHOTO, "dice_at_half"]


class ScoresWriter(PredictionWriter):
    """Score each photo with the task's own formula, at its own size.

    Parameters
    ----------
    path
        The CSV file; None keeps the scores only.
    threshold
        A pixel is person above this probability.
    """

    columns: ClassVar = COLUMNS

    def __init__(self, path: Path | None, threshold: float) -> None:
        self._path = path
        self._threshold = threshold
        self._rows: list[tuple[Any, ...]] = []
        self._inverted = 0

    def add(self, prediction: Prediction) -> None:
        """Score one photo."""
        truth, mask = prediction.require_truth(), prediction.mask(self._threshold)
        self._inverted += looks_inverted(truth)
        self._rows.append(
            (
                prediction.id,
                *(score(mask, truth) for score in PER_PHOTO.values()),
                float(truth.mean()),
                dice(prediction.mask(0.5), truth),
            )
        )

    def finish(self) -> None:
        """Write the file."""
        if self._path is not None:
            write_table(self._path, self.table()[self.columns], missing="nan")

    def table(self) -> pd.DataFrame:
        """Return a row per photo, naturally sorted by id: `COLUMNS` and `dice_at_half`."""
        # Sorted, so that means do not depend on the order in which photos were predicted.
        rows = sorted(self._rows, key=lambda row: natural_key(row[0]))
        return pd.DataFrame(rows, columns=[*COLUMNS, "dice_at_half"])

    def means(self) -> dict[str, float]:
        """Return the mean over photos of each of `MEANS`; NaN where it is defined for none.

        `boundary_dice` is the mean over the photos whose mask has a boundary.
        """
        means = self.table()[MEANS].astype(float).mean()
        return {name: float(means[name]) for name in MEANS}

    def inverted_note(self) -> str:
        """Return a warning where low scores seem to come from inverted masks; empty otherwise."""
        reason = describe_inverted(self._inverted, len(self._rows))
        if not reason or self.means()["dice"] >= 0.5:
            return ""
        return f"{reason}, and the scores to be wrong: check --invert-masks"
