"""Verifies that exported files predict what the checkpoint does, on valid and at odd sizes."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from humanseg.data.module import PhotoData
from humanseg.errors import Refused
from humanseg.evaluation.predict import Prediction
from humanseg.evaluation.scores import ScoresWriter
from humanseg.exporting.folder import Format, notify
from humanseg.exporting.runners import Outputs, Runner, open_file, run_network
from humanseg.exporting.source import ExportSource
from humanseg.metrics.statistics import bootstrap_interval
from humanseg.system.progress import progress_on
from humanseg.system.terminal import console

MOST_DIFFERING = 1e-4
"""Share of valid's pixels in which an exact file's masks may differ from the checkpoint's."""
MOST_DICE_OFF = 0.0005
"""The largest difference of an exact file's mean Dice from the checkpoint's."""
MOST_PROBABILITY_OFF = 1e-3
"""The largest error of any probability of an exact file, at the odd sizes."""
ODD_SIZES = ((1, 1), (33, 47), (641, 479), (1080, 1920))


@dataclass
class Tally:
    """The predictions of one file, or of the checkpoint, on the valid photos.

    Attributes
    ----------
    scores
        Per photo, at the threshold.
    pixels, differing
        All pixels seen, and those whose mask is not the checkpoint's.
    faults
        What is wrong with the form of its outputs.
    """

    scores: ScoresWriter
    pixels: int = 0
    differing: int = 0
    faults: list[str] = field(default_factory=list)

    @property
    def dice(self) -> float:
        """Mean Dice per photo at the threshold."""
        return self.scores.means()["dice"]

    @property
    def differing_share(self) -> float:
        """Share of pixels whose mask is not the checkpoint's."""
        return self.differing / max(self.pixels, 1)


@dataclass(frozen=True)
class Verification:
    """An export that is as good as its checkpoint.

    Attributes
    ----------
    checkpoint
        What the checkpoint predicts on valid.
    files
        What each file predicts on it.
    own
        Whether these are the photos that the run was scored on.
    data
        Counts, and the fingerprint of valid.
    """

    checkpoint: Tally
    files: dict[Format, Tally]
    own: bool
    data: dict[str, Any]

    def scores(self) -> dict[str, Any]:
        """Return the checkpoint's scores as the manifest has them."""
        means, photos = self.checkpoint.scores.means(), self.checkpoint.scores.table()
        interval = bootstrap_interval(photos["dice"].tolist())
        boundary = means["boundary_dice"]
        return {
            "dice": means["dice"],
            "dice_at_half": means["dice_at_half"],
            "interval": [interval.low, interval.high],
            # NaN, where no mask has a boundary, is null in JSON.
            "boundary_dice": None if math.isnan(boundary) else boundary,
            "photos": len(photos),
        }


def verify(
    source: ExportSource,
    photos: PhotoData,
    own: bool,
    formats: Sequence[Format],
    max_drop: float,
    folder: Path,
) -> Verification:
    """Run every file over all of valid and at odd sizes, next to the checkpoint.

    `own`: whether its valid photos are those that the run was scored on. Raise `Refused` where a
    file predicts something else than the checkpoint (one that is not exact: loses more than
    `max_drop` of mean Dice), or the checkpoint something else than when it was trained.
    """
    network = source.network
    checkpoint = run_network(network)
    runners = {item.file: open_file(folder / item.file) for item in formats}
    total = len(photos.items("valid"))
    notify("check", f"all of valid, {total} photos, each file beside the checkpoint")
    with progress_on(console, "photos") as move:
        expected, tallies = compare_on(
            photos.whole_photos("valid"),
            checkpoint,
            runners,
            network.threshold,
            lambda done: move(done, total),
        )
    _require_as_trained(source, expected, own)
    notify("check", "odd sizes and batches")
    photo, _ = photos.split("valid").photos[0]
    found = []
    for item in formats:
        faults = complaints(item, tallies[item.file], expected, max_drop)
        faults += odd_faults(photo, checkpoint, runners[item.file], item.exact, network.threshold)
        found += [f"  {item.file}: {fault}" for fault in faults]
    if found:
        raise Refused(
            f"Refused: on {total} valid photos, these files do not predict what the checkpoint of "
            f"{source.run.path} predicts, so none was written:\n" + "\n".join(found) + "\n"
            "Leave a format out by --formats, or allow files of fewer bits a larger loss by "
            "--max-drop.",
            code="export.other_masks",
        )
    counts: dict[str, Any] = {name: len(photos.items(name)) for name in ("train", "valid")}
    data = counts | {"valid_sha256": photos.valid_sha256()}
    return Verification(expected, {item: tallies[item.file] for item in formats}, own, data)


def _require_as_trained(source: ExportSource, expected: Tally, own: bool) -> None:
    recorded = source.summary.get("dice_at_half")
    if (
        not (own and source.is_as_scored)
        or source.config.get("tta")
        or not isinstance(recorded, float)
    ):
        return
    dice = expected.scores.means()["dice_at_half"]
    if abs(dice - recorded) > MOST_DICE_OFF:
        raise Refused(
            f"Refused: the summary of {source.run.path} says Dice {recorded:.6f} at threshold 0.5, "
            f"but its best checkpoint gives {dice:.6f} on the same photos. Was a file of the run "
            "replaced, or is this another version of humanseg? Look at humanseg evaluate.",
            code="export.other_checkpoint",
        )


def compare_on(
    batches: Iterable[Any],
    checkpoint: Runner,
    files: Mapping[str, Runner],
    threshold: float,
    on_progress: Callable[[int], None] = lambda done: None,
) -> tuple[Tally, dict[str, Tally]]:
    """Run the checkpoint and every file over photos with masks, and tally what they predict."""
    expected = Tally(ScoresWriter(None, threshold))
    tallies = {name: Tally(ScoresWriter(None, threshold)) for name in files}
    done = 0
    for batch in batches:
        photos, truths = batch["image"].contiguous().numpy(), batch["mask"].numpy()
        probability, mask = checkpoint(photos)
        _score(expected, batch["id"], photos, truths, probability)
        for name, run in files.items():
            outputs = run(photos)
            tally = tallies[name]
            tally.faults += form_faults(outputs, photos, threshold)
            if outputs[1].shape == mask.shape:
                _score(tally, batch["id"], photos, truths, outputs[0])
                tally.pixels += mask.size
                tally.differing += int(np.count_nonzero(outputs[1] != mask))
        done += len(photos)
        on_progress(done)
    return expected, tallies


def _score(
    tally: Tally,
    ids: list[str],
    photos: NDArray[np.uint8],
    truths: NDArray[np.uint8],
    probability: NDArray[np.float32],
) -> None:
    for id, photo, truth, predicted in zip(ids, photos, truths, probability, strict=True):
        tally.scores.add(Prediction(id, photo.transpose(1, 2, 0), predicted[0], truth[0]))


def form_faults(outputs: Outputs, photos: NDArray[np.uint8], threshold: float) -> list[str]:
    """List what is wrong with shapes, types, ranges and the agreement of the two outputs."""
    probability, mask = outputs
    count, _, height, width = photos.shape
    shape = (count, 1, height, width)
    if probability.shape != shape or mask.shape != shape:
        return [f"photos {photos.shape} gave {probability.shape} and {mask.shape}, not {shape}"]
    faults = []
    if probability.dtype != np.float32 or mask.dtype != np.uint8:
        faults.append(f"its outputs are {probability.dtype} and {mask.dtype}")
    if not (np.isfinite(probability).all() and 0 <= probability.min() <= probability.max() <= 1):
        faults.append(f"at {height}×{width}, probabilities are not all between 0 and 1")
    elif not np.array_equal(mask, probability > np.float32(threshold)):
        faults.append(
            f"at {height}×{width}, the mask is not where the probability is above {threshold:g}"
        )
    return faults


def odd_faults(
    photo: NDArray[np.uint8],
    checkpoint: Runner,
    run: Runner,
    exact: bool,
    threshold: float,
    sizes: Iterable[tuple[int, int]] = ODD_SIZES,
) -> list[str]:
    """List what is wrong with a file at odd sizes, to which the photo is scaled, and in a batch.

    An exact file must give the checkpoint's probabilities there, to `MOST_PROBABILITY_OFF`.
    """
    faults = []
    for height, width in sizes:
        photos = _scaled(photo, height, width)
        outputs = run(photos)
        faults += form_faults(outputs, photos, threshold)
        if exact and not faults:
            faults += _off(outputs[0], checkpoint(photos)[0], f"at {height}×{width}")
    if faults:
        return faults
    # Photos of a batch must not know of each other.
    whole = _scaled(photo, 64, 48)
    batch = np.concatenate([whole, whole[..., ::-1], whole // 4])
    alone = [run(np.ascontiguousarray(item[None]))[0] for item in batch]
    return _off(run(batch)[0], np.concatenate(alone), "in a batch")


def _scaled(photo: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    pixels = cv2.resize(photo, (width, height), interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(np.asarray(pixels, np.uint8).transpose(2, 0, 1)[None])


def _off(first: NDArray[np.float32], other: NDArray[np.float32], where: str) -> list[str]:
    off = float(np.abs(first - other).max())
    return [f"{where}, a probability is off by {off:.4f}"] if off > MOST_PROBABILITY_OFF else []


def complaints(kind: Format, tally: Tally, expected: Tally, max_drop: float) -> list[str]:
    """List why a file is not good enough, with the figures; empty when it is."""
    found = list(dict.fromkeys(tally.faults))
    if kind.exact and tally.differing_share > MOST_DIFFERING:
        found.append(
            f"its masks differ in {tally.differing:,} of {tally.pixels:,} pixels "
            f"({tally.differing_share:.4%}; at most {MOST_DIFFERING:.2%} may)"
        )
    drop = expected.dice - tally.dice
    dices = f"its Dice is {tally.dice:.6f}, the checkpoint's {expected.dice:.6f}"
    if kind.exact and abs(drop) > MOST_DICE_OFF:
        found.append(f"{dices} (they may be {MOST_DICE_OFF:g} apart)")
    elif not kind.exact and not drop <= max_drop:
        found.append(f"{dices}: it loses {drop:.4f}, and {max_drop:g} is allowed (--max-drop)")
    return found
