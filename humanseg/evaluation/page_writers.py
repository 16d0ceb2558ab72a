"""Writers of the pages of a split: every photo with its mask, or with its errors."""

import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from shlex import join
from typing import Generic, TypeVar

import numpy as np

from humanseg.data.splits import SplitName
from humanseg.evaluation.evaluated_model import EvaluatedModel
from humanseg.evaluation.predict import EvaluatedPhotos, Prediction, PredictionWriter
from humanseg.metrics.scores import boundary_dice, dice, iou
from humanseg.pages.cards import TestCard, ValidCard
from humanseg.pages.folder import PageFolder
from humanseg.pages.gallery import write_test_page, write_valid_page
from humanseg.pages.origin import Origin, PageLink, now, readable_date
from humanseg.pages.pictures import cutout, error_overlay
from humanseg.runs.origin import shown_path

Card = TypeVar("Card")


class PageWriter(PredictionWriter, Generic[Card]):
    """Write a page and its pictures.

    Pictures are written as the predictions come, so memory does not grow with the number of
    photos; all appear at the end, together with the page.

    Parameters
    ----------
    folder
        Where the page goes.
    threshold
        A pixel is person above this probability.
    split
        Whose photos these are: the name of the page, and of the folder of its pictures.
    origin
        Where the page comes from.
    """

    def __init__(
        self, folder: Path, threshold: float, split: str, origin: Origin | None = None
    ) -> None:
        self._threshold = threshold
        self._origin = origin and origin.at(f"{split}.html")
        self._split = split
        self._pages = PageFolder(folder, split)
        self._cards: list[Card] = []

    def start(self) -> None:
        """Start without photos."""
        self._pages.start()

    def add(self, prediction: Prediction) -> None:
        """Add one photo to the page."""
        self._cards.append(self._card(prediction))

    def finish(self) -> None:
        """Move the page into place."""
        self._pages.finish(self._write)

    def discard(self) -> None:
        """Leave the earlier page as it was."""
        self._pages.close()

    def _card(self, prediction: Prediction) -> Card:
        """Write the pictures of one photo, and describe it."""
        raise NotImplementedError

    def _write(self, path: Path) -> None:
        raise NotImplementedError

    def _facts(self) -> list[tuple[str, str]]:
        return [("Threshold", f"{self._threshold:g}")]


class TestPageWriter(PageWriter[TestCard]):
    """Write `test.html`: every test photo with its mask and its cut-out.

    Each photo gives ``test/{id}_img.jpg``, ``test/{id}_pred_mask.png`` (0 and 255) and
    ``test/{id}_crop.png`` (RGBA).
    """

    # Tells pytest that this is no test, whatever its name says.
    __test__ = False

    def _card(self, prediction: Prediction) -> TestCard:
        mask = prediction.mask(self._threshold)
        add = partial(self._pages.add, prediction.id)
        height, width = mask.shape
        return TestCard(
            id=prediction.id,
            photo=add("_img.jpg", prediction.photo),
            mask=add("_pred_mask.png", mask.astype(np.uint8) * 255),
            cutout=add("_crop.png", cutout(prediction.photo, mask)),
            predicted_foreground=float(mask.mean()),
            height=height,
            width=width,
        )

    def _write(self, path: Path) -> None:
        write_test_page(path, self._cards, facts=self._facts(), origin=self._origin)


class ValidPageWriter(PageWriter[ValidCard]):
    """Write the error gallery of a split with masks, such as `valid.html`.

    Each photo gives ``{split}/{id}_img.jpg`` and ``{split}/{id}_errors.png``; its masks (0 and 255)
    are ``{split}/{id}_pred_mask.png`` and ``{split}/{id}_true_mask.png``.
    """

    def _card(self, prediction: Prediction) -> ValidCard:
        truth, mask = prediction.require_truth(), prediction.mask(self._threshold)
        add = partial(self._pages.add, prediction.id)
        height, width = mask.shape
        return ValidCard(
            id=prediction.id,
            photo=add("_img.jpg", prediction.photo),
            # PNG: JPEG would smear the colour of errors that are one pixel wide.
            errors=add("_errors.png", error_overlay(prediction.photo, mask, truth)),
            prediction=add("_pred_mask.png", mask.astype(np.uint8) * 255),
            truth=add("_true_mask.png", (truth != 0).astype(np.uint8) * 255),
            dice=dice(mask, truth),
            iou=iou(mask, truth),
            boundary_dice=boundary_dice(mask, truth),
            foreground=float(truth.mean()),
            predicted_foreground=float(mask.mean()),
            height=height,
            width=width,
        )

    def _write(self, path: Path) -> None:
        write_valid_page(
            path, self._cards, facts=self._facts(), split=self._split, origin=self._origin
        )


def evaluation_origin(
    model: EvaluatedModel,
    photos: EvaluatedPhotos,
    split: SplitName,
    out: Path,
    data: Path | None,
    options: Sequence[str] = (),
) -> Origin:
    """Return where the pages of an evaluation come from; they lead to the run's own page."""
    words = ["evaluate", shown_path(model.path), *(() if data is None else ("--data", data))]
    words += ["--split", split, *options, "--out", shown_path(out)]
    pages = [] if split == "test" else [PageLink("Errors", f"{split}.html")]
    if split == "test" or (split == "valid" and photos.items("test")):
        pages.append(PageLink("Test photos", "test.html"))
    if model.run is not None and model.run.index_page.is_file():
        home = os.path.relpath(model.run.index_page, out.absolute())
        pages.insert(0, PageLink("The run", Path(home).as_posix()))
    run = model.path.parent if model.run is None else model.run.path
    return Origin(
        run=run.name,
        data=f"{photos.root.name} · {len(photos.items(split))} {split} photos",
        date=readable_date(now()),
        command=join(["humanseg", *map(str, words)]),
        pages=tuple(pages),
    )
