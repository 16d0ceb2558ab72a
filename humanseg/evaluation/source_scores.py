"""Scores of the photos of `data.extra_valid`, and their means by source."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from humanseg.data.layout.extra import source_of
from humanseg.evaluation.predict import Prediction
from humanseg.evaluation.scores import COLUMNS, ScoresWriter
from humanseg.metrics.statistics import mean_of_sources

SOURCE_COLUMNS = [COLUMNS[0], "source", *COLUMNS[1:], "predicted_foreground"]
FALSE_POSITIVE = 0.01
"""A photo without people is a false positive above this share of predicted pixels."""


class SourceScoresWriter(ScoresWriter):
    """Score photos of several sources; see `ScoresWriter`."""

    columns: ClassVar = SOURCE_COLUMNS

    def __init__(self, path: Path | None, threshold: float) -> None:
        super().__init__(path, threshold)
        self._predicted: dict[str, float] = {}

    def add(self, prediction: Prediction) -> None:
        """Score one photo."""
        super().add(prediction)
        self._predicted[prediction.id] = float(prediction.mask(self._threshold).mean())

    def table(self) -> pd.DataFrame:
        """Return a row per photo: `SOURCE_COLUMNS` and `dice_at_half`."""
        table = super().table()
        table["source"] = table["id"].map(source_of)
        table["predicted_foreground"] = table["id"].map(self._predicted)
        return table

    def by_source(self) -> dict[str, dict[str, Any]]:
        """Return the means of each source; see `summarize_sources`."""
        return summarize_sources(self.table())

    def selection(self, valid: float) -> float:
        """Return the mean Dice over sources at threshold 0.5, the valid photos being one."""
        table = self.table()
        by_source = summarize_sources(table.assign(dice=table["dice_at_half"]))
        dice = [scores["dice"] for scores in by_source.values() if "dice" in scores]
        return float(np.mean([valid, *dice]))


def summarize_sources(table: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """Summarise scores by source.

    Parameters
    ----------
    table
        With the columns `source`, `dice`, `foreground`, `predicted_foreground`, a row per photo.

    Returns
    -------
    dict
        For each source the number of its `photos` and their mean `dice`; for a source
        without people, instead of the Dice, which is 0 then, `false_positives`: the share of
        photos of which more than `FALSE_POSITIVE` is predicted.
    """
    summary: dict[str, dict[str, Any]] = {}
    for name, rows in table.groupby("source"):
        means: dict[str, Any] = {"photos": len(rows)}
        if (rows["foreground"] == 0).all():
            means["false_positives"] = float((rows["predicted_foreground"] > FALSE_POSITIVE).mean())
        else:
            means["dice"] = float(rows["dice"].mean())
        summary[str(name)] = means
    return summary


def describe_sources(summary: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return a line for each source, and one for the mean over those with people."""
    lines = [
        f"{name:<14} "
        + (
            f"dice {scores['dice']:.4f}"
            if "dice" in scores
            else f"false positives {scores['false_positives']:.1%}"
        )
        + f" ({scores['photos']} photos)"
        for name, scores in summary.items()
    ]
    mean = mean_of_sources(summary)
    if mean is not None and sum("dice" in scores for scores in summary.values()) > 1:
        lines.append(f"{'mean of these':<14} dice {mean:.4f}")
    return lines
