"""Evaluation of an exported model, without torch: its photos and its predictor."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from humanseg.data.cache.photos import UncachedPhotos
from humanseg.data.splits import DatasetSplits, SplitName
from humanseg.inference.model import Model


class ExportPredictor:
    """An exported model, used as `humanseg predict` uses it.

    Parameters
    ----------
    model
        Larger photos than its `long_side` are scaled down for it, and the edges refined.
    tta
        Whether to average with the prediction of the mirrored photo.
    """

    def __init__(self, model: Model, tta: bool = False) -> None:
        self._model = model
        self._tta = tta

    def __call__(self, image: Any) -> NDArray[np.float32]:
        """Return probabilities float32 (N,H,W) of photos uint8 (N,3,H,W)."""
        photos = np.ascontiguousarray(np.asarray(image).transpose(0, 2, 3, 1))
        return np.stack([self._model.probability(photo, tta=self._tta) for photo in photos])


class FolderPhotos(DatasetSplits):
    """The photos of a data folder as an evaluation takes them from `PhotoData`, one by one."""

    def whole_photos(self, name: SplitName) -> Iterator[dict[str, Any]]:
        """Yield batches of one photo at its own size: `id`, `image`, and `mask` where it has one.

        The arrays are uint8 (1,3,H,W) and (1,1,H,W).
        """
        items = self.items(name)
        photos = UncachedPhotos(items)
        for index, item in enumerate(items):
            photo, mask = photos[index]
            batch = {"id": [item.id], "image": np.moveaxis(photo, 2, 0)[None]}
            yield batch if mask is None else batch | {"mask": mask[None, None]}
