"""The error gallery: every valid photo with what was missed and what was wrongly added."""

from pathlib import Path

from humanseg.evaluation.page_writer import PageWriter
from humanseg.evaluation.prediction import VALID, Prediction
from humanseg.metrics.scores import boundary_dice, dice, iou
from humanseg.pages import ValidCard, error_overlay, write_valid_page
from humanseg.pages.folder import PageFolder


class ValidPageWriter(PageWriter[ValidCard]):
    """Write `valid.html` and its pictures while a trainer predicts.

    Each photo gives ``valid/{id}_img.jpg`` and ``valid/{id}_errors.png``.

    Parameters
    ----------
    folder
        Where the page goes.
    threshold
        A pixel whose probability is above it is person, in [0, 1].
    """

    def __init__(self, folder: Path, threshold: float) -> None:
        super().__init__(VALID, threshold, PageFolder(folder, "valid"), write_valid_page)

    def card(self, prediction: Prediction) -> ValidCard:
        """Score one photo and write its pictures.

        Raises
        ------
        ValueError
            It comes without its true mask.
        """
        mask, truth = prediction.mask(self._threshold), prediction.truth
        if truth is None:
            raise ValueError(f"photo {prediction.id!r} has no true mask to compare with")
        errors = error_overlay(prediction.photo, mask, truth)
        height, width = mask.shape
        return ValidCard(
            id=prediction.id,
            photo=self._pages.add(prediction.id, "_img.jpg", prediction.photo),
            # PNG: JPEG would smear the colour of errors that are one pixel wide.
            errors=self._pages.add(prediction.id, "_errors.png", errors),
            dice=dice(mask, truth),
            iou=iou(mask, truth),
            boundary_dice=boundary_dice(mask, truth),
            foreground=float(truth.mean()),
            predicted_foreground=float(mask.mean()),
            height=height,
            width=width,
        )
