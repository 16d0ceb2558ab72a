"""Make many run folders from a few real ones, to test the leaderboard with them.

python scripts/make_many_runs.py runs/ONE runs/OTHER --out many

Each has other parts than the run it was made from, and masks that are moved by a few pixels: the
better the parts, the less. Its files belong together as those of a real run do: the scores are
those of its masks. There are no checkpoints and no pages in it.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml
from numpy.typing import NDArray

from humanseg.config.find import conf_folder
from humanseg.data.layout.folders import list_items
from humanseg.errors import HumansegError, says_errors
from humanseg.io.files import write_json, write_text
from humanseg.io.images import read_mask
from humanseg.io.names import HEADER
from humanseg.io.rle import decode_rle, encode_rle
from humanseg.io.tables import read_table, write_table
from humanseg.metrics.scores import boundary_band, dice, iou
from humanseg.runs import RunFolder, open_run
from humanseg.runs.record import RunRecord, read_masks, read_run

Mask = NDArray[np.bool_]

# Of each part the pixels by which it moves a mask, and how large and slow it makes a model.
_MODELS = {
    "unet": (0.0, 1.0),
    "pspnet": (2.2, 0.7),
    "unetplusplus": (0.2, 1.6),
    "light_unet": (0.9, 0.4),
}
_BACKBONES = {
    "efficientnet_lite0": (0.0, 1.0),
    "resnet18": (0.9, 2.4),
    "mobilenetv2": (0.5, 0.9),
    "resnet34": (0.6, 4.4),
    "plain": (2.6, 0.5),
}
_LOSSES = {
    "bce_dice": (0.0, 1.0),
    "dice": (0.4, 1.0),
    "lovasz": (0.3, 1.1),
    "focal": (1.1, 1.0),
    "boundary_dice": (0.1, 1.1),
}
_PARTS = {"model": _MODELS, "backbone": _BACKBONES, "loss": _LOSSES}
_SEEDS = 3


@dataclass(frozen=True)
class Model:
    """A real run to make others from: its record, its masks and the true ones, by id."""

    record: RunRecord
    masks: dict[str, Mask]
    truth: dict[str, Mask]
    bands: dict[str, Mask]


def read_model(path: Path) -> Model:
    """Read a finished run and the data that it was scored on.

    Raises
    ------
    HumansegError
        The run is not finished, or its masks or its data are gone.
    """
    folder = open_run(path)
    record = read_run(folder, folder.path.name)
    codes = read_masks(record)
    if not record.finished or codes is None:
        raise HumansegError(f"{path} is not a finished run with its masks: give another one.")
    split = "valid" if record.summary["data"].get("fold") is None else "train"
    items = {item.id: item for item in list_items(Path(record.config["data"]["root"]), split, True)}
    truth: dict[str, Mask] = {}
    for id in record.ids:
        mask_file = items[id].mask
        assert mask_file is not None
        truth[id] = read_mask(mask_file).astype(bool)
    masks = {id: decode_rle(codes[id], truth[id].shape) for id in record.ids}
    return Model(record, masks, truth, {id: boundary_band(mask) for id, mask in truth.items()})


def settings() -> Iterator[tuple[dict[str, str], int]]:
    """Yield the parts and the seed of each run, in an order that varies all of them early."""
    combinations = [dict(zip(_PARTS, names, strict=True)) for names in product(*_PARTS.values())]
    order = np.random.default_rng(0).permutation(len(combinations))
    while True:
        for place in order:
            yield from ((combinations[place], seed) for seed in range(_SEEDS))


def moved(mask: Mask, by: tuple[int, int]) -> Mask:
    """Move a mask by rows and columns; what comes in at the edge repeats it."""
    rows, columns = (
        np.clip(np.arange(size) - step, 0, size - 1)
        for size, step in zip(mask.shape, by, strict=True)
    )
    return mask[np.ix_(rows, columns)]


def make_run(model: Model, folder: Path, parts: dict[str, str], seed: int, number: int) -> None:
    """Write the folder of a run.

    Parameters
    ----------
    model
        The real run.
    folder
        Where it shall be.
    parts
        The option of each group.
    seed
        Its seed.
    number
        Sets the noise apart from that of other runs.
    """
    random = np.random.default_rng((seed, number))
    worse = sum(_PARTS[group][name][0] for group, name in parts.items())
    size = float(np.prod([_PARTS[group][name][1] for group, name in parts.items()]))
    rows, submission = [], []
    for id in model.record.ids:
        step = random.normal(scale=0.5 + worse, size=2).round().astype(int)
        mask = moved(model.masks[id], (int(step[0]), int(step[1])))
        truth, band = model.truth[id], model.bands[id]
        near = dice(mask[band][None], truth[band][None]) if band.any() else float("nan")
        rows.append([id, dice(mask, truth), iou(mask, truth), near, float(truth.mean())])
        submission.append([id, encode_rle(mask)])
    run = RunFolder(folder)
    means = np.nanmean(np.array([row[1:4] for row in rows], float), axis=0)
    config = dict(model.record.config) | {"seed": seed, "run_dir": str(folder)}
    for group, name in parts.items():
        text = (conf_folder() / group / f"{name}.yaml").read_text(encoding="utf-8")
        config[group] = yaml.safe_load(text)
    write_text(run.config, yaml.safe_dump(config, sort_keys=False))
    write_json(run.summary, _summary(model, parts, seed, means, size))
    names = ["id", "dice", "iou", "boundary_dice", "foreground"]
    write_table(run.scores, pd.DataFrame(rows, columns=names), missing="nan")
    write_table(run.submission, pd.DataFrame(submission, columns=list(HEADER)))
    _write_history(model.record.folder.history, run.history, float(means[0]), random)


def _summary(
    model: Model, parts: dict[str, str], seed: int, means: NDArray[np.float64], size: float
) -> dict[str, Any]:
    old = dict(model.record.summary)
    return old | {
        "seed": seed,
        "overrides": [*(f"{group}={name}" for group, name in parts.items()), f"seed={seed}"],
        "threshold": 0.5,
        **dict(zip(("dice", "iou", "boundary_dice"), means.tolist(), strict=True)),
        "dice_at_half": float(means[0]),
        "parameters": round(old["parameters"] * size),
        "seconds": round(old["seconds"] * size**0.5, 1),
        "images_per_second": round(old["images_per_second"] / size**0.5, 2),
    }


def _write_history(source: Path, target: Path, dice: float, random: np.random.Generator) -> None:
    """Copy the history so that its best valid Dice is that of the run."""
    history = read_table(source, ["val_dice"])
    former = history["val_dice"].astype(float)
    below = (former.max() - former) * random.uniform(0.7, 1.3, len(history))
    history["val_dice"] = (dice - below).clip(lower=0).map("{:.6f}".format)
    write_table(target, history)


@says_errors
def main(arguments: Sequence[str] | None = None) -> int:
    """Write the folders; return the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("runs", metavar="RUN", type=Path, nargs="+", help="a finished run")
    parser.add_argument("--out", metavar="DIR", type=Path, required=True)
    parser.add_argument("--count", type=int, default=300)
    chosen = parser.parse_args(arguments)
    models = [read_model(path) for path in chosen.runs]
    for number, (parts, seed) in zip(range(chosen.count), settings(), strict=False):
        words = [f"{group}={name}" for group, name in parts.items()]
        folder = chosen.out / f"{number:03},{','.join(words)},seed={seed}"
        make_run(models[number // _SEEDS % len(models)], folder, parts, seed, number)
    print(f"{chosen.out}: {chosen.count} runs")
    return 0


if __name__ == "__main__":
    sys.exit(main())
