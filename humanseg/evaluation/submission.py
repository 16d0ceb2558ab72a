"""`pred_valid.csv`: the task's file."""

from collections.abc import Sequence
from pathlib import Path

import pytorch_lightning as pl

from humanseg.evaluation.photo_writer import PhotoWriter
from humanseg.evaluation.prediction import VALID, Prediction
from humanseg.submission.write import exact_rle, write_rles


class SubmissionWriter(PhotoWriter):
    """Write the valid masks as RLE, once all are there.

    Only the RLE of each is kept until then.

    Parameters
    ----------
    path
        The CSV file.
    order
        The ids, in the order of the rows.
    threshold
        A pixel is person above this probability.
    """

    def __init__(self, path: Path, order: Sequence[str], threshold: float) -> None:
        super().__init__(VALID, threshold)
        self._path = path
        self._order = list(order)
        self._rles: dict[str, str] = {}

    def take(self, prediction: Prediction) -> None:
        """Keep the mask of one photo."""
        self._rles[prediction.id] = exact_rle(prediction.mask(self._threshold))

    def on_predict_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Write the file."""
        write_rles(self._path, self._rles, self._order)
