"""The predictor of a checkpoint, torch in fp32, and the threshold of its run."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from omegaconf import DictConfig
from torch import Tensor

from humanseg.config.checking.check import check_config
from humanseg.data.module import PhotoData
from humanseg.evaluation.data import data_of
from humanseg.evaluation.predict import Predictor, predict_split
from humanseg.metrics.per_photo import PerPhotoScores
from humanseg.models import Segmenter
from humanseg.models.checkpoint import load_segmenter
from humanseg.models.device import find_device, usable_accelerator
from humanseg.runs import RunFolder, read_summary


class CheckpointPredictor:
    """A `Segmenter` in fp32, on one device whatever it was trained on.

    Parameters
    ----------
    segmenter
        Photo in, logits of the same size out; it is put into evaluation mode.
    device
        `cpu`, `cuda` or `mps`.
    channels_last
        Whether activations lie in memory channel by channel of one pixel (NHWC).
    tta
        Whether to average with the prediction of the mirrored photo.
    """

    def __init__(
        self,
        segmenter: Segmenter,
        device: str = "cpu",
        channels_last: bool = True,
        tta: bool = False,
    ) -> None:
        self._layout = torch.channels_last if channels_last else torch.contiguous_format
        self._device = device
        self._tta = tta
        self._segmenter = segmenter.float().to(device).to(memory_format=self._layout).eval()

    def __call__(self, image: Tensor) -> NDArray[np.float32]:
        """Return probabilities float32 (N,H,W) of photos uint8 (N,3,H,W)."""
        with torch.inference_mode(), exact_fp32():
            probability: NDArray[np.float32] = self.probabilities(image)[:, 0].cpu().numpy()
        return probability

    def probabilities(self, image: Tensor) -> Tensor:
        """Return probabilities (N,1,H,W), on the device, of photos uint8 (N,3,H,W)."""
        image = image.to(self._device).contiguous(memory_format=self._layout)
        probabilities: Tensor = self._segmenter(image).sigmoid()
        if self._tta:
            mirrored = self._segmenter(image.flip(-1)).sigmoid().flip(-1)
            probabilities = (probabilities + mirrored) / 2
        return probabilities


def load_predictor(
    run: RunFolder,
    *,
    checkpoint: Path | None = None,
    tta: bool = False,
    device: str | None = None,
) -> tuple[CheckpointPredictor, DictConfig]:
    """Load a checkpoint of a run to predict with in fp32, and the run's config."""
    segmenter, config = load_segmenter(run, checkpoint)
    check_config(config)
    if device is None:
        device = find_device(usable_accelerator(config.trainer.get("accelerator", "auto")))
    layout = config.get("channels_last")
    return (
        CheckpointPredictor(
            segmenter,
            device,
            # As a training chooses it: NHWC is slower on Apple's GPUs.
            channels_last=device != "mps" if layout is None else bool(layout),
            tta=tta or bool(config.get("tta", False)),
        ),
        config,
    )


@contextmanager
def exact_fp32() -> Iterator[None]:
    """Multiply in fp32 proper: by default a GPU rounds to 10 bits (TF32) in convolutions."""
    saved = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False
    try:
        yield
    finally:
        torch.backends.cudnn.allow_tf32 = saved


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
