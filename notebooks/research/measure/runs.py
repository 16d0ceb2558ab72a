"""Predictions of runs on valid photos, plain and mirrored."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from humanseg.evaluation.data import data_of
from humanseg.evaluation.predictor import load_predictor
from humanseg.runs import RunFolder

Probability = NDArray[np.float32]


def valid_predictions(
    runs: Sequence[RunFolder], data: Path | None = None
) -> Iterator[tuple[str, list[Probability], list[Probability], NDArray[np.uint8]]]:
    """Predict the valid photos of the first run by each of the runs.

    Yields the id of a photo; float32 (H, W) by each run, plain and averaged with the prediction of
    the mirrored photo; and its mask, uint8 (H, W) in {0, 1}.
    """
    loaded = [load_predictor(run) for run in runs]
    for batch in data_of(loaded[0][1], data).whole_photos("valid"):
        plain = [predictor(batch["image"]) for predictor, _ in loaded]
        turned = [predictor(batch["image"].flip(-1))[..., ::-1] for predictor, _ in loaded]
        both = [(first + other) / 2 for first, other in zip(plain, turned, strict=True)]
        for index, id in enumerate(batch["id"]):
            alone, mirrored = (
                [probabilities[index] for probabilities in group] for group in (plain, both)
            )
            yield id, alone, mirrored, batch["mask"][index, 0].numpy()
