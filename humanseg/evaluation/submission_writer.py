"""`pred_valid.csv`: the task's file."""

from collections.abc import Sequence
from pathlib import Path

from humanseg.data.splits import SplitName
from humanseg.evaluation.predict import EvaluatedPhotos, Prediction, PredictionWriter
from humanseg.submission.template import submission_ids
from humanseg.submission.write import exact_rle, write_rles


class SubmissionWriter(PredictionWriter):
    """Write masks as RLE, once all are there; only the RLE of each is kept until then.

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
        self._path = path
        self._order = list(order)
        self._threshold = threshold
        self._rles: dict[str, str] = {}

    def add(self, prediction: Prediction) -> None:
        """Add the mask of one photo."""
        self._rles[prediction.id] = exact_rle(prediction.mask(self._threshold))

    def finish(self) -> None:
        """Write the file."""
        write_rles(self._path, self._rles, self._order)


def submission_order(photos: EvaluatedPhotos, split: SplitName = "valid") -> list[str]:
    """Return ids in the order of the submission: the template's, where the data has one.

    Naturally sorted without a template, on a fold (its photos are those of train), and for any
    other split.
    """
    ids = [item.id for item in photos.items(split)]
    is_valid = split == "valid" and photos.fold is None
    return submission_ids(photos.root, ids) if is_valid else ids
