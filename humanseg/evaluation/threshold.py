"""The confidence threshold: a pixel with a higher probability is person."""

import torch
from omegaconf import DictConfig

from humanseg.data.module import PhotoData
from humanseg.evaluation.data import data_of
from humanseg.evaluation.predict import Predictor, predict_split
from humanseg.metrics.per_photo import PerPhotoScores
from humanseg.runs import RunFolder, read_summary


def choose_threshold(config: DictConfig, predictor: Predictor, photos: PhotoData) -> float:
    """Return the run's threshold, or for `tune` the one with the best valid Dice."""
    if config.threshold != "tune":
        return float(config.threshold)
    scores = PerPhotoScores()
    for prediction in predict_split(predictor, photos, "valid"):
        scores.update(
            torch.from_numpy(prediction.probability)[None, None],
            torch.from_numpy(prediction.require_truth())[None, None],
            [prediction.id],
        )
    return scores.best_threshold()


def run_threshold(run: RunFolder, config: DictConfig, predictor: Predictor) -> float:
    """Return the threshold of a run; a tuned one is not tuned again on the scored photos."""
    recorded = read_summary(run.summary).get("threshold")
    if config.threshold == "tune" and isinstance(recorded, float):
        return recorded
    return choose_threshold(config, predictor, data_of(config))
