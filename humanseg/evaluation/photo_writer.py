"""What the writers of a final prediction have in common."""

from collections.abc import Sequence
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import BasePredictionWriter

from humanseg.evaluation.prediction import Prediction


class PhotoWriter(BasePredictionWriter):
    """Takes the predictions of one loader, photo by photo, as they come.

    Parameters
    ----------
    loader
        `VALID` or `TEST`; the photos of the other one are passed over.
    threshold
        A pixel is person above this probability, in [0, 1].
    """

    def __init__(self, loader: int, threshold: float) -> None:
        super().__init__(write_interval="batch")
        self._loader = loader
        self._threshold = threshold

    def take(self, prediction: Prediction) -> None:
        """Do what this writer does with one photo."""
        raise NotImplementedError

    def write_on_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        prediction: Sequence[Prediction],
        batch_indices: Sequence[int] | None,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int,
    ) -> None:
        """Take the photos of a batch."""
        if dataloader_idx == self._loader:
            for each in prediction:
                self.take(each)
