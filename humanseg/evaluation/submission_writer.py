"""`pred_valid.csv`: the task's file."""

from collections.abc import Sequence
from pathlib import Path

from humanseg.evaluation.predict import PredictionWriter
from humanseg.evaluation.prediction import Prediction
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
        """Keep the mask of one photo."""
        self._rles[prediction.id] = exact_rle(prediction.mask(self._threshold))

    def finish(self) -> None:
        """Write the file."""
        write_rles(self._path, self._rles, self._order)
