"""`scores.csv`: a row per valid photo."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytorch_lightning as pl

from humanseg.evaluation.photo_writer import PhotoWriter
from humanseg.evaluation.prediction import VALID, Prediction
from humanseg.io.names import natural_key
from humanseg.io.tables import write_table
from humanseg.metrics.scores import boundary_dice, dice, iou

COLUMNS = ("id", "dice", "iou", "boundary_dice", "foreground")


class ScoresWriter(PhotoWriter):
    """Score each valid photo with the task's own formula, at its own size.

    Parameters
    ----------
    path
        The CSV file; None keeps the rows only.
    threshold
        A pixel is person above this probability.
    """

    def __init__(self, path: Path | None, threshold: float) -> None:
        super().__init__(VALID, threshold)
        self._path = path
        self.rows: list[dict[str, Any]] = []
        self._dice_at_half: list[float] = []

    def take(self, prediction: Prediction) -> None:
        """Score one photo."""
        truth = prediction.truth
        assert truth is not None
        mask = prediction.mask(self._threshold)
        self.rows.append(
            {
                "id": prediction.id,
                "dice": dice(mask, truth),
                "iou": iou(mask, truth),
                "boundary_dice": boundary_dice(mask, truth),
                "foreground": float(truth.mean()),
            }
        )
        self._dice_at_half.append(dice(prediction.mask(0.5), truth))

    def on_predict_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Write the file."""
        self.rows.sort(key=lambda row: natural_key(row["id"]))
        if self._path is not None:
            write_table(self._path, pd.DataFrame(self.rows, columns=list(COLUMNS)), missing="nan")

    def means(self) -> dict[str, float]:
        """Mean of each score over photos, and of the Dice at threshold 0.5.

        Returns
        -------
        dict
            `dice`, `iou`, `boundary_dice` (over the photos that have a boundary), `dice_at_half`.
        """
        means = {
            name: _mean([row[name] for row in self.rows])
            for name in ("dice", "iou", "boundary_dice")
        }
        return means | {"dice_at_half": _mean(self._dice_at_half)}


def _mean(values: Sequence[float]) -> float:
    """Mean of the values that are numbers, the same in any order; NaN without any."""
    numbers = [value for value in values if not math.isnan(value)]
    return math.fsum(numbers) / len(numbers) if numbers else math.nan
