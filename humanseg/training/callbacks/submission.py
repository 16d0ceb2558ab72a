"""`pred_valid.csv`: the task's file."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
from numpy.typing import NDArray
from pytorch_lightning.callbacks import BasePredictionWriter

from humanseg.task import write_submission
from humanseg.training.prediction import VALID, Prediction


class SubmissionWriter(BasePredictionWriter):
    """Write the valid masks as RLE, once all are there.

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
        super().__init__(write_interval="batch")
        self._path = path
        self._order = list(order)
        self._threshold = threshold
        self._masks: dict[str, NDArray[np.bool_]] = {}

    def write_on_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        prediction: list[Prediction],
        batch_indices: Sequence[int] | None,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int,
    ) -> None:
        """Keep the masks of a batch."""
        if dataloader_idx == VALID:
            self._masks |= {each.id: each.mask(self._threshold) for each in prediction}

    def on_predict_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Write the file."""
        write_submission(self._path, self._masks, self._order)
