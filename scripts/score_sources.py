"""Score models on labelled photos of several sources, and on photos without people.

A photo's source is the part of its name before the first underscore. Prints for each model the
mean Dice per photo of each source, the mean over sources, and the share of photos without people in
which more than 1 % of the pixels are predicted as person.

    python scripts/score_sources.py MODEL [MODEL ...] --data FOLDER [--no-person FOLDER]
        [--mediapipe] [--csv FILE]

A MODEL is anything that `humanseg predict --model` takes. FOLDER holds `image` and `mask`.
"""

import argparse
import runpy
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import humanseg
from humanseg.data.layout.extra import MASKS, PHOTOS
from humanseg.data.layout.folders import join_folders
from humanseg.errors import says_errors
from humanseg.evaluation.source_scores import FALSE_POSITIVE
from humanseg.inference.model import Model
from humanseg.io.images import read_photo
from humanseg.io.tables import write_table
from humanseg.metrics.scores import dice
from humanseg.metrics.statistics import bootstrap_interval

Segment = Callable[[NDArray[np.uint8]], NDArray[np.bool_]]
NO_PERSON = "no person"


@says_errors
def main() -> int:
    """Score, and print a table for each model."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", metavar="MODEL", nargs="*", help="as of humanseg predict --model")
    parser.add_argument("--data", type=Path, required=True, help="a folder with image and mask")
    parser.add_argument("--no-person", type=Path, help="a folder of photos without people")
    parser.add_argument("--mediapipe", action="store_true", help="score MediaPipe's models too")
    parser.add_argument("--csv", metavar="FILE", type=Path, help="write a row per model and photo")
    arguments = parser.parse_args()
    tables = []
    for name, segment in contenders(arguments.models, arguments.mediapipe):
        photos, masks = arguments.data / PHOTOS, arguments.data / MASKS
        table = score(segment, photos, masks, arguments.no_person)
        print("\n".join([f"\n{name}", *describe(table)]), flush=True)
        tables.append(table.assign(model=name))
    if arguments.csv is not None and tables:
        write_table(arguments.csv, pd.concat(tables))
        print(f"\n{arguments.csv}")
    return 0


def contenders(models: list[str], mediapipe: bool) -> Iterator[tuple[str, Segment]]:
    """Open the models, one at a time."""
    for name in models:
        yield name, segment_by(humanseg.load(name))
    if mediapipe:
        benchmark = runpy.run_path(str(Path(__file__).with_name("benchmark_inference.py")))
        for model in benchmark["mediapipe"](benchmark["CACHE"], 1):
            yield model.name, model.segment


def segment_by(model: Model) -> Segment:
    """Return what gives a photo's mask by a model."""
    return lambda photo: model(photo).astype(bool)


def score(
    segment: Segment, photos: Path, masks: Path, no_person: Path | None = None
) -> pd.DataFrame:
    """Score each photo at its own size: `id`, `source`, `dice`, `predicted_foreground`."""
    rows = []
    for item in join_folders(photos.parent, "data", photos, masks).require_items():
        photo = read_photo(item.photo)
        truth, mask = item.read_mask(photo), segment(photo)
        assert truth is not None
        overlap = dice(mask, truth.astype(bool))
        rows.append((item.id, item.id.partition("_")[0], overlap, float(mask.mean())))
    if no_person is not None:
        for item in join_folders(no_person, "data", no_person, None).require_items():
            mask = segment(read_photo(item.photo))
            rows.append((item.id, NO_PERSON, np.nan, float(mask.mean())))
    return pd.DataFrame(rows, columns=["id", "source", "dice", "predicted_foreground"])


def describe(table: pd.DataFrame) -> Iterator[str]:
    """Yield the lines of a model."""
    means = []
    for source, rows in table.groupby("source"):
        if source == NO_PERSON:
            share = (rows["predicted_foreground"] > FALSE_POSITIVE).mean()
            yield f"  {NO_PERSON:<14} false positives {share:.1%} of {len(rows)} photos"
            continue
        interval = bootstrap_interval(rows["dice"])
        means.append(interval.mean)
        yield (
            f"  {source:<14} {interval.mean:.4f}  {interval.low:.4f} to {interval.high:.4f}  "
            f"({len(rows)} photos)"
        )
    dice_of = table["dice"].dropna()
    yield f"  mean of sources {np.mean(means):.4f}, of photos {dice_of.mean():.4f}"


if __name__ == "__main__":
    sys.exit(main())
