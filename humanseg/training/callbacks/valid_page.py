"""The error gallery: every valid photo with what was missed and what was wrongly added."""

from functools import partial
from pathlib import Path

import pytorch_lightning as pl

from humanseg.pages import ValidCard, error_overlay, write_valid_page
from humanseg.pages.folder import PageFolder
from humanseg.task import boundary_dice, dice, iou
from humanseg.training.callbacks.photo_writer import PhotoWriter
from humanseg.training.prediction import VALID, Prediction


class ValidPageWriter(PhotoWriter):
    """Write `valid.html` and its pictures while a trainer predicts.

    Each photo gives ``valid/{id}_img.jpg`` and ``valid/{id}_errors.png``. Pictures are written as
    the predictions come, so memory does not grow with the number of photos; all appear at the
    end, together.

    Parameters
    ----------
    folder
        Where the page goes.
    threshold
        A pixel whose probability is above it is person, in [0, 1].
    """

    def __init__(self, folder: Path, threshold: float) -> None:
        super().__init__(VALID, threshold)
        self._folder = PageFolder(folder, "valid")
        self._cards: list[ValidCard] = []

    def on_predict_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Begin with no photos."""
        self._cards = []
        self._folder.start()

    def take(self, prediction: Prediction) -> None:
        """Score one photo and write its pictures.

        Raises
        ------
        ValueError
            It comes without its true mask.
        """
        self._cards.append(self._card(prediction))

    def on_predict_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Put the page in place."""
        facts = [("Threshold", f"{self._threshold:g}")]
        self._folder.finish(partial(write_valid_page, cards=self._cards, facts=facts))

    def on_exception(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException
    ) -> None:
        """Leave the earlier page as it was."""
        self._folder.discard()

    def _card(self, prediction: Prediction) -> ValidCard:
        """Score one photo and write its pictures."""
        mask, truth = prediction.mask(self._threshold), prediction.truth
        if truth is None:
            raise ValueError(f"photo {prediction.id!r} has no true mask to compare with")
        errors = error_overlay(prediction.photo, mask, truth)
        height, width = mask.shape
        return ValidCard(
            id=prediction.id,
            photo=self._folder.add(prediction.id, "_img.jpg", prediction.photo),
            # PNG: JPEG would smear the colour of errors that are one pixel wide.
            errors=self._folder.add(prediction.id, "_errors.png", errors),
            dice=dice(mask, truth),
            iou=iou(mask, truth),
            boundary_dice=boundary_dice(mask, truth),
            foreground=float(mask.mean()),
            height=height,
            width=width,
        )
