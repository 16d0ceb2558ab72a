"""The test page: every test photo with its mask and its cut-out."""

from pathlib import Path

import numpy as np

from humanseg.evaluation.page_writer import PageWriter
from humanseg.evaluation.prediction import TEST, Prediction
from humanseg.pages import TestCard, cutout, write_test_page
from humanseg.pages.folder import PageFolder


class TestPageWriter(PageWriter[TestCard]):
    """Write `test.html` and its pictures while a trainer predicts.

    Each photo gives ``test/{id}_img.jpg``, ``test/{id}_pred_mask.png`` (0 and 255) and
    ``test/{id}_crop.png`` (RGBA).

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
        super().__init__(TEST, threshold, PageFolder(folder, "test"), write_test_page)

    def card(self, prediction: Prediction) -> TestCard:
        """Write the pictures of one photo."""
        mask = prediction.mask(self._threshold)
        height, width = mask.shape
        return TestCard(
            id=prediction.id,
            photo=self._pages.add(prediction.id, "_img.jpg", prediction.photo),
            mask=self._pages.add(prediction.id, "_pred_mask.png", mask.astype(np.uint8) * 255),
            cutout=self._pages.add(prediction.id, "_crop.png", cutout(prediction.photo, mask)),
            predicted_foreground=float(mask.mean()),
            height=height,
            width=width,
        )
