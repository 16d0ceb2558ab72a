"""A few example predictions, for a logger that shows pictures."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from humanseg.evaluation.predict import Prediction, PredictionWriter
from humanseg.io.images import shrink
from humanseg.metrics.scores import dice

EACH = 4
"""At most as many photos of each kind: worst, median, best."""
DRAWN = 16
"""Photos drawn at random, of which those nearest to the median are shown."""
LONGER_SIDE = 512
"""Larger photos are shown smaller."""


@dataclass(frozen=True)
class ExamplePrediction:
    """A predicted photo, to be shown.

    Attributes
    ----------
    id
        The photo's id.
    dice
        The task's Dice, at the photo's own size.
    photo
        uint8 (H,W,3), RGB, the longer side at most `LONGER_SIDE`.
    prediction, truth
        uint8 (H,W) in {0,1}.
    kind
        `worst`, `median` or `best`.
    """

    id: str
    dice: float
    photo: NDArray[np.uint8]
    prediction: NDArray[np.uint8]
    truth: NDArray[np.uint8]
    kind: str = ""


Log = Callable[[Sequence[ExamplePrediction]], None]


class PredictionTable(PredictionWriter):
    """Select the worst, the median and the best valid photos as examples.

    Only the candidates are kept, in a small size: memory does not grow with the number of photos.
    Which are picked does not depend on the order in which they come.

    Parameters
    ----------
    log
        Called once, at the end, with at most 3 x `EACH` samples, the worst first.
    threshold
        A pixel whose probability is above it is person, in [0, 1].
    """

    def __init__(
        self, log: Callable[[Sequence[ExamplePrediction]], None], threshold: float
    ) -> None:
        self._log = log
        self._threshold = threshold
        self._worst: list[ExamplePrediction] = []
        self._best: list[ExamplePrediction] = []
        self._drawn: list[ExamplePrediction] = []
        self._dices: list[float] = []

    def add(self, prediction: Prediction) -> None:
        """Hold the photo while it is a candidate."""
        sample = _example(prediction, self._threshold)
        self._dices.append(sample.dice)
        self._worst = sorted([*self._worst, sample], key=_rank)[:EACH]
        self._best = sorted([*self._best, sample], key=_rank)[-EACH:]
        # The smallest hashes are a random draw that does not depend on the order.
        self._drawn = sorted([*self._drawn, sample], key=lambda sample: _hash(sample.id))[:DRAWN]

    def finish(self) -> None:
        """Log what was picked."""
        if self._dices:
            self._log(self._picked())

    def _picked(self) -> list[ExamplePrediction]:
        """Choose equally many of each kind, no photo twice."""
        count = min(EACH, max(1, len(self._dices) // 3))
        median = float(np.median(self._dices))
        worst = self._worst[:count]
        taken = {sample.id for sample in worst}
        best = [sample for sample in self._best[-count:] if sample.id not in taken]
        taken |= {sample.id for sample in best}
        others = [sample for sample in self._drawn if sample.id not in taken]
        others.sort(key=lambda sample: (abs(sample.dice - median), _hash(sample.id)))
        kinds = {"worst": worst, "median": sorted(others[:count], key=_rank), "best": best}
        return [replace(item, kind=kind) for kind, samples in kinds.items() for item in samples]


def _hash(identity: str) -> str:
    return sha256(identity.encode("utf-8", "surrogateescape")).hexdigest()


def _rank(sample: ExamplePrediction) -> tuple[float, str]:
    return sample.dice, _hash(sample.id)


def _example(prediction: Prediction, threshold: float) -> ExamplePrediction:
    """Score a photo and copy it, shrunk: the prediction itself is a view of the whole batch."""
    truth, mask = prediction.require_truth(), prediction.mask(threshold).astype(np.uint8)
    return ExamplePrediction(
        id=prediction.id,
        dice=float(dice(mask, truth)),
        photo=shrink(prediction.photo, LONGER_SIDE),
        prediction=shrink(mask, LONGER_SIDE, nearest=True),
        truth=shrink(truth, LONGER_SIDE, nearest=True),
    )
