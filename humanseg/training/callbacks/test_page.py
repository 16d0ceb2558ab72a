"""The test page: every test photo with its mask and its cut-out."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
from pytorch_lightning.callbacks import BasePredictionWriter

from humanseg.pages import TestCard, cutout, write_test_page
from humanseg.pages.folder import PageFolder
from humanseg.training.prediction import TEST, Prediction


class TestPageWriter(BasePredictionWriter):
    """Write `test.html` and its pictures while a trainer predicts.

    Each photo gives ``test/{id}_img.jpg``, ``test/{id}_pred_mask.png`` (0 and 255) and
    ``test/{id}_crop.png`` (RGBA). Pictures are written as the predictions come, so memory does
    not grow with the number of photos; all appear at the end, together.

    Parameters
    ----------
    folder
        Where the page goes.
    threshold
        A pixel whose probability is above it is person, in [0, 1].
    """

    # Tells pytest that this is no test, whatever its name says.
    __test__ = False

    def __init__(self, folder: Path, threshold: float) -> None:
        super().__init__(write_interval="batch")
        self._threshold = threshold
        self._folder = PageFolder(folder, "test")
        self._cards: list[TestCard] = []

    def on_predict_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Begin with no photos."""
        self._cards = []
        self._folder.start()

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
        """Write the pictures of a batch."""
        if dataloader_idx == TEST:
            self._cards += [self._card(one) for one in prediction]

    def on_predict_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Put the page in place."""
        facts = [("Threshold", f"{self._threshold:g}")]
        self._folder.finish(partial(write_test_page, cards=self._cards, facts=facts))

    def on_exception(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException
    ) -> None:
        """Leave the earlier page as it was."""
        self._folder.discard()

    def _card(self, prediction: Prediction) -> TestCard:
        """Write the pictures of one photo."""
        mask = prediction.mask(self._threshold)
        height, width = mask.shape
        return TestCard(
            id=prediction.id,
            photo=self._folder.add(prediction.id, "_img.jpg", prediction.photo),
            mask=self._folder.add(prediction.id, "_pred_mask.png", mask.astype(np.uint8) * 255),
            cutout=self._folder.add(prediction.id, "_crop.png", cutout(prediction.photo, mask)),
            foreground=float(mask.mean()),
            height=height,
            width=width,
        )
