"""The test page: every test photo with its mask and its cut-out."""

from functools import partial
from pathlib import Path

import numpy as np
import pytorch_lightning as pl

from humanseg.pages import TestCard, cutout, write_test_page
from humanseg.pages.folder import PageFolder
from humanseg.training.callbacks.photo_writer import PhotoWriter
from humanseg.training.prediction import TEST, Prediction


class TestPageWriter(PhotoWriter):
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
        super().__init__(TEST, threshold)
        self._folder = PageFolder(folder, "test")
        self._cards: list[TestCard] = []

    def on_predict_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Begin with no photos."""
        self._cards = []
        self._folder.start()

    def take(self, prediction: Prediction) -> None:
        """Write the pictures of one photo."""
        self._cards.append(self._card(prediction))

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
