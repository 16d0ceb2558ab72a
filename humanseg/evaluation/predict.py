"""Predicts the photos of a split one by one, and passes the predictions to writers."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from humanseg.data.splits import SplitName

if TYPE_CHECKING:
    from humanseg.data.module import PhotoData
    from humanseg.evaluation.exported import FolderPhotos


@dataclass(frozen=True)
class Prediction:
    """A photo, its predicted probabilities, and its true mask where that is known.

    Attributes
    ----------
    id
        The photo's id.
    photo
        uint8 (H,W,3), RGB.
    probability
        float32 (H,W), in [0,1]: of being person.
    truth
        uint8 (H,W) in {0,1}; None where there is no mask.
    """

    id: str
    photo: NDArray[np.uint8]
    probability: NDArray[np.float32]
    truth: NDArray[np.uint8] | None

    def mask(self, threshold: float) -> NDArray[np.bool_]:
        """Bool (H,W): the pixels whose probability is above `threshold`."""
        return np.asarray(self.probability > threshold)

    def require_truth(self) -> NDArray[np.uint8]:
        """Return the true mask; raise ValueError where there is none."""
        if self.truth is None:
            raise ValueError(f"photo {self.id!r} has no true mask to compare with")
        return self.truth


Predictor: TypeAlias = Callable[[Any], NDArray[np.float32]]
"""Returns probabilities float32 (N,H,W) of photos uint8 (N,3,H,W): tensors or arrays."""

EvaluatedPhotos: TypeAlias = "PhotoData | FolderPhotos"
"""The data of an evaluation; a folder is read without torch."""


def predict_split(
    predictor: Predictor, photos: EvaluatedPhotos, split: SplitName
) -> Iterator[Prediction]:
    """Predict the photos of a split at their own size, each once.

    Parameters
    ----------
    predictor
        A checkpoint or an exported model.
    photos
        The data.
    split
        Which photos.

    Yields
    ------
    Prediction
        In any order. Its arrays are views of one batch: memory does not grow with the number of
        photos, unless they are kept.
    """
    for batch in photos.whole_photos(split):
        probabilities = predictor(batch["image"])
        # Tensors on the CPU are arrays too.
        pixels = np.ascontiguousarray(np.asarray(batch["image"]).transpose(0, 2, 3, 1))
        masks = np.asarray(batch["mask"])[:, 0] if "mask" in batch else [None] * len(pixels)
        for fields in zip(batch["id"], pixels, probabilities, masks, strict=True):
            yield Prediction(*fields)


class PredictionWriter(ABC):
    """Receives predictions one by one, and moves its files into place at the end.

    As a context manager it begins with no photos; an error leaves what was there as it was.
    """

    def start(self) -> None:  # noqa: B027 - most have nothing to do
        """Start without photos."""

    @abstractmethod
    def add(self, prediction: Prediction) -> None:
        """Add the prediction of one photo."""

    def finish(self) -> None:  # noqa: B027
        """Move the files into place."""

    def discard(self) -> None:  # noqa: B027
        """Remove what is not in place."""

    def __enter__(self) -> Self:
        """Start without photos."""
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Move the files into place; after an error, remove them."""
        if error is None:
            self.finish()
        else:
            self.discard()


def write_predictions(
    predictor: Predictor,
    photos: EvaluatedPhotos,
    writers: Mapping[SplitName, Sequence[PredictionWriter]],
    on_progress: Callable[[int, int], None] | None = None,
) -> None:
    """Predict splits and hand each photo to the writers of its split.

    Parameters
    ----------
    predictor
        A checkpoint or an exported model.
    photos
        The data.
    writers
        For each split to be predicted.
    on_progress
        Called with the number of photos that are done, and of all photos.
    """
    done, total = 0, sum(len(photos.items(split)) for split in writers)
    with ExitStack() as stack:
        for writer in [item for group in writers.values() for item in group]:
            stack.enter_context(writer)
        for split, group in writers.items():
            for prediction in predict_split(predictor, photos, split):
                for writer in group:
                    writer.add(prediction)
                done += 1
                if on_progress is not None:
                    on_progress(done, total)
