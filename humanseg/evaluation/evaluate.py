"""The best checkpoint speaks, in fp32: its scores and its files."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from lightning_fabric.plugins.environments.lightning import LightningEnvironment
from numpy.typing import NDArray
from omegaconf import DictConfig, OmegaConf
from rich.console import Console

from humanseg.config.build import build
from humanseg.config.check import check_config
from humanseg.data.module import PhotoData
from humanseg.data.splits import SplitName
from humanseg.data.transforms.augmentation import Augmentation
from humanseg.evaluation.scores import ScoresWriter
from humanseg.evaluation.submission import SubmissionWriter
from humanseg.evaluation.test_page import TestPageWriter
from humanseg.evaluation.valid_page import ValidPageWriter
from humanseg.models.checkpoint import load_segmenter
from humanseg.runs import RunFolder, open_run, read_summary
from humanseg.runs.drift import say_drift
from humanseg.submission.template import submission_ids
from humanseg.system.progress import progress_on
from humanseg.system.terminal import quieten
from humanseg.training.callbacks.prediction_table import PredictionTable, Sample
from humanseg.training.callbacks.progress import PredictedPhotos
from humanseg.training.machine.hardware import choose_hardware, usable_accelerator
from humanseg.training.module import SegmentationModule

Probability = NDArray[np.float32]


@dataclass(frozen=True)
class EvaluationReport:
    """How a run's best checkpoint scores on a split.

    Attributes
    ----------
    run
        The run's folder.
    what
        The photos that were scored.
    threshold
        A pixel is person above this probability.
    scores
        Mean over photos of `dice`, `iou`, `boundary_dice`, and `dice_at_half` at threshold 0.5.
    per_photo
        A row per photo: `id`, `dice`, `iou`, `boundary_dice`, `foreground`.
    note
        How that is not what the run recorded of the same photos; empty where it is.
    """

    run: Path
    what: str
    threshold: float
    scores: dict[str, float]
    per_photo: list[dict[str, Any]]
    note: str = ""

    def text(self) -> str:
        """Say it in a few lines, the worst photos last."""
        dices = [row["dice"] for row in self.per_photo]
        worst = sorted(self.per_photo, key=lambda row: row["dice"])[:5]
        return "\n".join(
            [
                f"{self.run} on {len(dices)} {self.what}",
                f"dice           {self.scores['dice']:.6f} ± {np.std(dices):.4f} over photos, "
                f"at threshold {self.threshold:g}",
                f"dice at 0.5    {self.scores['dice_at_half']:.6f}",
                f"iou            {self.scores['iou']:.6f}",
                f"boundary dice  {self.scores['boundary_dice']:.6f}",
                "worst          " + ", ".join(f"{row['id']} ({row['dice']:.4f})" for row in worst),
                *([f"note           {self.note}"] if self.note else []),
            ]
        )


def evaluate_run(
    run: Path, data: Path | None, split: str, tta: bool, threshold: float | None
) -> EvaluationReport:
    """Score the best checkpoint of a run, from its folder alone.

    Parameters
    ----------
    run
        The run's folder, wherever it was moved.
    data
        The data folder; None: the run's own.
    split
        `train` or `valid`. A run on a fold is scored on its own photos in that name.
    tta
        Whether to average over the mirrored photo too; else the run's own choice holds.
    threshold
        None: the run's own.

    Returns
    -------
    EvaluationReport
        Its scores.

    Raises
    ------
    HumansegError
        The run or the data are not sound.
    """
    folder = open_run(run)
    module, config = final_module(folder, tta)
    photos = data_of(config, data)
    name: SplitName = "train" if split == "train" else "valid"
    photos.require_sound(name)
    chosen = threshold if threshold is not None else run_threshold(folder, config, module)
    scores = ScoresWriter(None, chosen)
    # On stderr, so that the report alone can be sent to a file.
    with exact_fp32(), progress_on(Console(stderr=True), "predicting photos") as move:
        counted = PredictedPhotos(move, len(photos.items(name)))
        final_trainer([scores, counted], config).predict(
            module, [photos.whole_photos(name)], return_predictions=False
        )
    what = f"{split} photos of {photos.root}"
    own = data is None and split == "valid" and not tta
    dice = {row["id"]: row["dice"] for row in scores.rows}
    note = say_drift(folder, dice, chosen) if own else ""
    return EvaluationReport(folder.path, what, chosen, scores.means(), scores.rows, note)


def valid_predictions(
    runs: Sequence[RunFolder], data: Path | None = None
) -> Iterator[tuple[str, list[Probability], list[Probability], NDArray[np.uint8]]]:
    """Predict the valid photos of the first run by each of the runs, plain and mirrored.

    Parameters
    ----------
    runs
        Finished runs.
    data
        The data folder; None: that of the first run.

    Yields
    ------
    id
        Of a photo.
    plain
        float32 (H, W) in [0, 1] by each run.
    mirrored
        The same, averaged with the prediction of the mirrored photo.
    truth
        uint8 (H, W) in {0, 1}.
    """
    loaded = [final_module(run) for run in runs]
    modules = [module.eval() for module, _ in loaded]
    for batch in data_of(loaded[0][1], data).whole_photos("valid"):
        photos = batch["image"]
        with torch.inference_mode(), exact_fp32():
            plain = [module.probabilities(photos) for module in modules]
            turned = [module.probabilities(photos.flip(-1)).flip(-1) for module in modules]
        both = [(one + other) / 2 for one, other in zip(plain, turned, strict=True)]
        for place, id in enumerate(batch["id"]):
            alone, mirrored = ([one[place, 0].numpy() for one in each] for each in (plain, both))
            yield id, alone, mirrored, batch["mask"][place, 0].numpy()


def write_files(
    run: RunFolder, photos: PhotoData, logs: Sequence[Callable[[Sequence[Sample]], None]] = ()
) -> tuple[float, dict[str, float]]:
    """Write the files of the best checkpoint: submission, scores, both pages.

    Parameters
    ----------
    run
        The run; its best checkpoint is loaded afresh.
    photos
        Its data.
    logs
        Each is called with a few telling predictions, to be shown.

    Returns
    -------
    threshold
        The one that was used.
    scores
        Mean scores, as in `EvaluationReport`.
    """
    module, config = final_module(run)
    threshold = choose_threshold(config, module, photos)
    scores = ScoresWriter(run.scores, threshold)
    writers = [
        SubmissionWriter(run.submission, submission_order(photos), threshold),
        scores,
        *([TestPageWriter(run.path, threshold)] if photos.items("test") else []),
        ValidPageWriter(run.path, threshold),
        *(PredictionTable(log, threshold) for log in logs),
    ]
    loaders = [photos.whole_photos("valid"), photos.whole_photos("test")]
    with exact_fp32():
        final_trainer(writers, config).predict(module, loaders, return_predictions=False)
    return threshold, scores.means()


def submission_order(photos: PhotoData) -> list[str]:
    """Ids in the order of the submission: the template's, where the data has one.

    Returns
    -------
    list of str
        Naturally sorted without a template, and on a fold: its photos are those of train.

    Raises
    ------
    HumansegError
        The template is broken, or is not about exactly the valid photos.
    """
    ids = [item.id for item in photos.items("valid")]
    return ids if photos.fold is not None else submission_ids(photos.root, ids)


def final_module(run: RunFolder, tta: bool = False) -> tuple[SegmentationModule, DictConfig]:
    """Load the best model of a run, to predict with, and the run's config."""
    segmenter, config = load_segmenter(run)
    check_config(config)
    hardware = choose_hardware(channels_last=config.get("channels_last"))
    module = SegmentationModule(
        segmenter,
        channels_last=hardware.channels_last,
        tta=tta or bool(config.get("tta", False)),
    )
    return module, config


def final_trainer(callbacks: Sequence[pl.Callback], config: DictConfig) -> pl.Trainer:
    """Make a trainer that predicts on one device in fp32, whatever the run trained with.

    On the run's device where this machine has it; a run may have been moved here.
    """
    quieten()
    return pl.Trainer(
        accelerator=usable_accelerator(config.trainer.get("accelerator", "auto")),
        devices=1,
        precision="32-true",
        logger=False,
        callbacks=list(callbacks),
        plugins=[LightningEnvironment()],
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )


def choose_threshold(config: DictConfig, module: SegmentationModule, photos: PhotoData) -> float:
    """Take the run's threshold; where that is `tune`, the one with the best valid Dice."""
    if config.threshold != "tune":
        return float(config.threshold)
    with exact_fp32():
        final_trainer([], config).validate(module, photos.whole_photos("valid"), verbose=False)
    return module.valid_scores.best_threshold()


def run_threshold(run: RunFolder, config: DictConfig, module: SegmentationModule) -> float:
    """Take the threshold of a run: one that was tuned is not tuned again on what it scores."""
    recorded = read_summary(run.summary).get("threshold")
    if config.threshold == "tune" and isinstance(recorded, float):
        return recorded
    return choose_threshold(config, module, data_of(config))


@contextmanager
def exact_fp32() -> Iterator[None]:
    """Multiply in fp32 proper: by default a GPU rounds to 10 bits (TF32) in convolutions."""
    before = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False
    try:
        yield
    finally:
        torch.backends.cudnn.allow_tf32 = before


def data_of(config: DictConfig, root: Path | None = None) -> PhotoData:
    """Open a run's data, or other data in the same way, without augmentation or folds."""
    other = {} if root is None else {"root": str(root), "fold": None}
    node = OmegaConf.merge(config.data, other)
    photos: PhotoData = build(node, augmentation=Augmentation([]), seed=config.seed)
    return photos
