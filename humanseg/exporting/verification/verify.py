"""Whether exported files predict what the checkpoint predicts: over all of valid, and odd sizes."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from humanseg.evaluation.prediction import Prediction
from humanseg.evaluation.scores import ScoresWriter
from humanseg.exporting.formats import Format
from humanseg.exporting.verification.runners import Outputs, Runner

MOST_DIFFERING = 1e-4
"""Share of valid's pixels in which an exact file's masks may differ from the checkpoint's."""
MOST_DICE_OFF = 0.0005
"""How far an exact file's mean Dice may lie from the checkpoint's, either way."""
MOST_PROBABILITY_OFF = 1e-3
"""How far any probability of an exact file may lie off, at the odd sizes."""
MAX_DROP = 0.003
"""Mean Dice that other files may lose, where nothing else is asked for."""
ODD_SIZES = ((1, 1), (33, 47), (641, 479), (1080, 1920))


@dataclass
class Tally:
    """What one file, or the checkpoint, says of the valid photos.

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


def compare_on(
    batches: Iterable[Any],
    checkpoint: Runner,
    files: Mapping[str, Runner],
    threshold: float,
    on_progress: Callable[[int], None] = lambda done: None,
) -> tuple[Tally, dict[str, Tally]]:
    """Run the checkpoint and every file over photos with masks.

    Parameters
    ----------
    batches
        With `image` uint8 (N,3,H,W), `mask` uint8 (N,1,H,W) and `id`, as tensors.
    checkpoint
        The network in fp32.
    files
        By the name of each file.
    threshold
        A pixel is person above this probability.
    on_progress
        Called after each batch with the number of photos that are done.

    Returns
    -------
    checkpoint
        Its tally.
    files
        That of each file.
    """
    said = Tally(ScoresWriter(None, threshold))
    tallies = {name: Tally(ScoresWriter(None, threshold)) for name in files}
    done = 0
    for batch in batches:
        photos, truths = batch["image"].contiguous().numpy(), batch["mask"].numpy()
        expected = checkpoint(photos)
        _take(said, batch["id"], photos, truths, expected[0])
        for name, run in files.items():
            outputs = run(photos)
            tally = tallies[name]
            tally.faults += form_faults(outputs, photos, threshold)
            if outputs[1].shape == expected[1].shape:
                _take(tally, batch["id"], photos, truths, outputs[0])
                tally.pixels += expected[1].size
                tally.differing += int(np.count_nonzero(outputs[1] != expected[1]))
        done += len(photos)
        on_progress(done)
    return said, tallies


def _take(
    tally: Tally,
    ids: list[str],
    photos: NDArray[np.uint8],
    truths: NDArray[np.uint8],
    probability: NDArray[np.float32],
) -> None:
    for index, id in enumerate(ids):
        photo = photos[index].transpose(1, 2, 0)
        tally.scores.add(Prediction(id, photo, probability[index, 0], truths[index, 0]))


def form_faults(outputs: Outputs, photos: NDArray[np.uint8], threshold: float) -> list[str]:
    """Say what is wrong with shapes, types, ranges and the agreement of the two outputs."""
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
    """Try a file at odd sizes, and in a batch.

    Parameters
    ----------
    photo
        uint8 (H,W,3); it is scaled to each size.
    checkpoint, run
        The network in fp32, and the file.
    exact
        Whether the file must give the checkpoint's probabilities, to `MOST_PROBABILITY_OFF`.
    threshold
        A pixel is person above this probability.
    sizes
        Heights and widths.

    Returns
    -------
    list of str
        What is wrong; empty when nothing is.
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
    alone = [run(np.ascontiguousarray(each[None]))[0] for each in batch]
    return _off(run(batch)[0], np.concatenate(alone), "in a batch")


def _scaled(photo: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    pixels = cv2.resize(photo, (width, height), interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(np.asarray(pixels, np.uint8).transpose(2, 0, 1)[None])


def _off(one: NDArray[np.float32], other: NDArray[np.float32], where: str) -> list[str]:
    off = float(np.abs(one - other).max())
    return [f"{where}, a probability is off by {off:.4f}"] if off > MOST_PROBABILITY_OFF else []


def complaints(kind: Format, tally: Tally, said: Tally, max_drop: float) -> list[str]:
    """Say why a file is not good enough.

    Parameters
    ----------
    kind
        Which file.
    tally, said
        What it and the checkpoint say of valid.
    max_drop
        Mean Dice that a file which is not exact may lose.

    Returns
    -------
    list of str
        With the figures; empty when it is good.
    """
    found = list(dict.fromkeys(tally.faults))
    if kind.exact and tally.differing_share > MOST_DIFFERING:
        found.append(
            f"its masks differ in {tally.differing:,} of {tally.pixels:,} pixels "
            f"({tally.differing_share:.4%}; at most {MOST_DIFFERING:.2%} may)"
        )
    drop = said.dice - tally.dice
    if kind.exact and abs(drop) > MOST_DICE_OFF:
        found.append(
            f"its Dice is {tally.dice:.6f}, the checkpoint's {said.dice:.6f} "
            f"(they may lie {MOST_DICE_OFF:g} apart)"
        )
    elif not kind.exact and not drop <= max_drop:
        found.append(
            f"its Dice is {tally.dice:.6f}, the checkpoint's {said.dice:.6f}: it loses "
            f"{drop:.4f}, and {max_drop:g} is allowed (--max-drop)"
        )
    return found
