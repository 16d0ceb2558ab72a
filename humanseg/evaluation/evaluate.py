"""`humanseg evaluate`, and the files of a training's best checkpoint."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from humanseg.data.layout.mask_rule import AS_DRAWN, MaskRule
from humanseg.data.splits import SplitName
from humanseg.errors import HumansegError
from humanseg.evaluation.drift import describe_drift
from humanseg.evaluation.evaluated_model import find_evaluated_model, write_mark
from humanseg.evaluation.exported import ExportPredictor, FolderPhotos
from humanseg.evaluation.page_writers import TestPageWriter, ValidPageWriter, evaluation_origin
from humanseg.evaluation.predict import (
    EvaluatedPhotos,
    PredictionWriter,
    Predictor,
    write_predictions,
)
from humanseg.evaluation.prediction_table import Log, PredictionTable
from humanseg.evaluation.scores import ScoresWriter
from humanseg.evaluation.source_scores import SourceScoresWriter, describe_sources
from humanseg.evaluation.submission_writer import SubmissionWriter, submission_order
from humanseg.inference.load import load_model
from humanseg.io.files import whole_folder
from humanseg.metrics.scores import PER_PHOTO
from humanseg.pages.origin import Origin
from humanseg.runs import RunFolder
from humanseg.runs.home import write_home
from humanseg.runs.origin import run_origin

# What needs torch is imported inside: an exported model is evaluated without.
if TYPE_CHECKING:
    from humanseg.data.module import PhotoData

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Evaluation:
    """The scores of a model on a split.

    Attributes
    ----------
    model
        The run's folder, the checkpoint or the ONNX file.
    split
        Which photos.
    root
        Their data folder.
    photos
        How many there are.
    threshold
        A pixel is person above this probability.
    scores
        Mean over photos of `dice`, `iou`, `boundary_dice`, and `dice_at_half` at threshold 0.5;
        empty for the test photos, which have no masks.
    per_photo
        A row per photo, naturally sorted by `id`: `dice`, `iou`, `boundary_dice`, `foreground`,
        `dice_at_half`.
    note
        A warning: the masks seem to be inverted, or the scores differ from those that the run
        recorded for the same photos. Empty otherwise.
    out
        Where its files are; None: it wrote none.
    by_source
        Of a run with `data.extra_valid`: see `summarize_sources`.
    left_out
        What was not scored, and why; empty where all was.
    """

    model: Path
    split: str
    root: Path
    photos: int
    threshold: float
    scores: Mapping[str, float]
    per_photo: pd.DataFrame
    note: str = ""
    out: Path | None = None
    by_source: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    left_out: str = ""

    def text(self) -> str:
        """Return a few lines for a person, the worst photos last."""
        lines = [f"{self.model} on {self.photos} {self.split} photos of {self.root}"]
        if self.scores:
            worst = self.per_photo.sort_values("dice", kind="stable")[:5]
            lines += [
                f"dice           {self.scores['dice']:.6f} ± "
                f"{self.per_photo['dice'].std(ddof=0):.4f} over photos, "
                f"at threshold {self.threshold:g}",
                f"dice at 0.5    {self.scores['dice_at_half']:.6f}",
                *(
                    f"{name.replace('_', ' '):<14} {self.scores[name]:.6f}"
                    for name in PER_PHOTO
                    if name != "dice"
                ),
                "worst          " + ", ".join(f"{id} ({dice:.4f})" for id, dice in _dice_of(worst)),
            ]
        lines += describe_sources(self.by_source)
        lines += [f"left out       {self.left_out}"] if self.left_out else []
        lines += [f"note           {self.note}"] if self.note else []
        lines += [f"files          {self.out}"] if self.out is not None else []
        return "\n".join(lines)


@dataclass(frozen=True)
class BestScores:
    """The scores of a run's best checkpoint on its valid photos.

    Attributes
    ----------
    threshold
        The one that was used.
    means
        Mean over photos of `dice`, `iou`, `boundary_dice` at it, and `dice_at_half` at 0.5.
    by_source
        Of the photos of `data.extra_valid`: see `summarize_sources`.
    selection
        Where there are such: the mean Dice over sources at 0.5, the valid photos being one.
    """

    threshold: float
    means: Mapping[str, float]
    by_source: Mapping[str, Mapping[str, Any]]
    selection: float | None


def evaluate(
    model: Path | str,
    data: Path | str | None = None,
    split: SplitName = "valid",
    *,
    tta: bool = False,
    threshold: float | None = None,
    rule: MaskRule | None = None,
    out: Path | str | None = None,
    on_progress: Progress | None = None,
) -> Evaluation:
    """Score a run or an exported model; with `out`, write the files that a training writes.

    Parameters
    ----------
    model
        A run's folder, wherever it was moved: its best checkpoint. A checkpoint in a run. The
        folder of an export, or an ONNX file: used as `humanseg predict` uses it.
    data
        The data folder; None: the run's own. An exported model has none of its own.
    split
        `train`, `valid` or `test`. A run on a fold is scored on its own photos of that name.
    tta
        Whether to average over the mirrored photo too; else the run's own choice holds.
    threshold
        In [0, 1]; None: the model's own.
    rule
        How masks are read; None: as the run does, and for an exported model as drawn.
    out
        A folder for `scores.csv`, `pred_{split}.csv`, the pages and `evaluation.json`; it appears
        whole or not at all. With `valid`, the page of the test photos is among them.
    on_progress
        Called with the number of photos that are done, and of all photos.

    Returns
    -------
    Evaluation
        The scores. They depend neither on the batch size nor on the number of devices: one
        process predicts all photos, on one device.

    Raises
    ------
    HumansegError
        The model or the data are not sound, or `out` holds something else.
    """
    root, into = (None if path is None else Path(path) for path in (data, out))
    found = find_evaluated_model(Path(model), root, split, into)
    photos: EvaluatedPhotos
    predictor: Predictor
    left_out, is_by_source = "", False
    options = ["--tta"] * tta + ([] if threshold is None else [f"--threshold={threshold:g}"])
    options += [] if rule is None else rule.options()
    if found.run is None:
        assert root is not None
        exported = load_model(found.path)
        predictor = ExportPredictor(exported, tta)
        photos = FolderPhotos(root, rule=rule or AS_DRAWN)
        photos.require_sound(split)
        threshold = exported.threshold if threshold is None else threshold
    else:
        from humanseg.evaluation.data import data_of, sources_left_out
        from humanseg.evaluation.predictor import load_predictor, run_threshold

        predictor, config = load_predictor(found.run, checkpoint=found.checkpoint, tta=tta)
        photos = data_of(config, root, rule)
        photos.require_sound(split)
        if split == "valid":
            left_out = sources_left_out(found.run, config, root)
            is_by_source = bool(photos.splits.extra_valid) and not left_out
        if threshold is None:
            threshold = run_threshold(found.run, config, predictor)
    with nullcontext() if into is None else whole_folder(into) as folder:
        scores = ScoresWriter(folder and folder / "scores.csv", threshold)
        writers = {}
        if folder is not None:
            assert into is not None
            origin = evaluation_origin(found, photos, split, into, root, options)
            writers = _writers(folder, photos, split, threshold, origin)
        if split != "test":
            writers.setdefault(split, []).append(scores)
        sources = SourceScoresWriter(folder and RunFolder(folder).extra_scores, threshold)
        if is_by_source:
            writers["extra_valid"] = [sources]
        write_predictions(predictor, photos, writers, on_progress)
        means, table = scores.means() if split != "test" else {}, scores.table()
        if folder is not None:
            write_mark(folder, found.path, photos.root, split, threshold, means)
    note = scores.inverted_note()
    is_as_trained = data is None and rule is None and not tta
    if is_as_trained and found.run is not None and found.checkpoint is None:
        if split == "valid" and not note:
            note = describe_drift(found.run, dict(_dice_of(table)), threshold)
        # A run that was made before there was such a page gets it now.
        with suppress(HumansegError):
            write_home(found.run)
    count = len(photos.items(split))
    return Evaluation(
        found.path,
        split,
        photos.root,
        count,
        threshold,
        means,
        table,
        note,
        into,
        sources.by_source(),
        left_out,
    )


def evaluate_best(run: RunFolder, photos: "PhotoData", logs: Sequence[Log] = ()) -> BestScores:
    """Write the files of a run's best checkpoint: submission, scores, both pages.

    The first process of a training calls this alone, and predicts on one device: no score
    depends on how many there were.

    Parameters
    ----------
    run
        The run; its best checkpoint is loaded from its folder.
    photos
        Its data.
    logs
        Each is called with a few telling predictions, to be shown.

    Returns
    -------
    BestScores
        The threshold that was used, and the mean scores.
    """
    from humanseg.evaluation.predictor import choose_threshold, load_predictor

    predictor, config = load_predictor(run)
    threshold = choose_threshold(config, predictor, photos)
    scores = ScoresWriter(run.scores, threshold)
    writers = _writers(run.path, photos, "valid", threshold, run_origin(run))
    writers["valid"] += [scores, *(PredictionTable(log, threshold) for log in logs)]
    sources = SourceScoresWriter(run.extra_scores, threshold)
    if photos.splits.extra_valid:
        writers["extra_valid"] = [sources]
    write_predictions(predictor, photos, writers)
    means, by_source = scores.means(), sources.by_source()
    selection = sources.selection(means["dice_at_half"]) if by_source else None
    return BestScores(threshold, means, by_source, selection)


def _writers(
    folder: Path, photos: EvaluatedPhotos, split: SplitName, threshold: float, origin: Origin
) -> dict[SplitName, list[PredictionWriter]]:
    """Make the writers of a split's submission and pages; for valid, of the test page too."""
    order = submission_order(photos, split)
    submission = SubmissionWriter(folder / f"pred_{split}.csv", order, threshold)
    if split == "test":
        return {"test": [submission, TestPageWriter(folder, threshold, "test", origin)]}
    writers: dict[SplitName, list[PredictionWriter]] = {
        split: [submission, ValidPageWriter(folder, threshold, split, origin)]
    }
    if split == "valid" and photos.items("test"):
        writers["test"] = [TestPageWriter(folder, threshold, "test", origin)]
    return writers


def _dice_of(table: pd.DataFrame) -> list[tuple[str, float]]:
    return list(zip(table["id"], table["dice"], strict=True))
