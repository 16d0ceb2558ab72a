"""What the writers of pages have in common."""

from collections.abc import Callable
from functools import partial
from typing import Generic, TypeVar

import pytorch_lightning as pl

from humanseg.evaluation.photo_writer import PhotoWriter
from humanseg.evaluation.prediction import Prediction
from humanseg.pages.folder import PageFolder

Card = TypeVar("Card")


class PageWriter(PhotoWriter, Generic[Card]):
    """Write a page and its pictures while a trainer predicts.

    Pictures are written as the predictions come, so memory does not grow with the number of
    photos; all appear at the end, together with the page.

    Parameters
    ----------
    loader
        `VALID` or `TEST`: whose photos the page shows.
    threshold
        A pixel whose probability is above it is person, in [0, 1].
    pages
        Where the pictures and the page go.
    write
        Writes the page: called with its path, `cards` and `facts`.
    """

    def __init__(
        self, loader: int, threshold: float, pages: PageFolder, write: Callable[..., None]
    ) -> None:
        super().__init__(loader, threshold)
        self._pages = pages
        self._write = write
        self._cards: list[Card] = []

    def card(self, prediction: Prediction) -> Card:
        """Write the pictures of one photo, and say what the page knows of it."""
        raise NotImplementedError

    def on_predict_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Begin with no photos."""
        self._cards = []
        self._pages.start()

    def take(self, prediction: Prediction) -> None:
        """Put one photo on the page."""
        self._cards.append(self.card(prediction))

    def on_predict_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Put the page in place."""
        facts = [("Threshold", f"{self._threshold:g}")]
        self._pages.finish(partial(self._write, cards=self._cards, facts=facts))

    def on_exception(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException
    ) -> None:
        """Leave the earlier page as it was."""
        self._pages.discard()
