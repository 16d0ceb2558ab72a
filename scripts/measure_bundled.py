"""Measure the bundled models photo by photo, so that the report can compare them in pairs.

    python scripts/measure_bundled.py --data ROOT --sources FOLDER --no-person FOLDER
        [--out notebooks/records/bundled] [--mediapipe] [--cache FOLDER]

ROOT holds `valid` and `valid_mask`, FOLDER photos of several sources as `scripts/score_sources.py`
takes them. Writes `valid.csv` and `sources.csv` (Dice of each photo, a column per model),
`nobody.csv` (the predicted share of photos in which nobody is), `NAME.csv` (what else can be made
of the predictions of `best` and `tiny`) and `files.csv` (which files were measured). `--mediapipe`
measures MediaPipe's models too; see `scripts/benchmark_inference.py`.
"""

import argparse
import json
import runpy
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import humanseg
from humanseg.data.layout.extra import MASKS, PHOTOS
from humanseg.errors import says_errors
from humanseg.inference.catalog import BUNDLED, bundled_models
from humanseg.inference.model import Model
from humanseg.io.images import read_photo
from humanseg.io.tables import write_table
from research.measure.predictions import measure

Segment = Callable[[NDArray[np.uint8]], NDArray[np.bool_]]

HERE = Path(__file__).resolve().parent
SOURCES = runpy.run_path(str(HERE / "score_sources.py"))
RECORDS = HERE.parent / "notebooks" / "records" / "bundled"
IN_DETAIL = ("best", "tiny")
THREADS = 1  # more only wait for each other where other work runs beside


@says_errors
def main(arguments: list[str] | None = None) -> int:
    """Measure, and write the record."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", metavar="ROOT", type=Path, required=True)
    parser.add_argument("--sources", metavar="FOLDER", type=Path, required=True)
    parser.add_argument("--no-person", metavar="FOLDER", type=Path, required=True)
    parser.add_argument("--out", metavar="FOLDER", type=Path, default=RECORDS)
    parser.add_argument("--mediapipe", action="store_true", help="MediaPipe's models too")
    parser.add_argument("--cache", metavar="FOLDER", type=Path, help="where its files are kept")
    chosen = parser.parse_args(arguments)
    score = SOURCES["score"]
    # A table for each file, with a column for each model.
    tables: dict[str, pd.DataFrame] = {}
    for name, segment in contenders(chosen.mediapipe, chosen.cache):
        valid = score(segment, chosen.data / "valid", chosen.data / "valid_mask")
        others = score(
            segment, chosen.sources / PHOTOS, chosen.sources / MASKS, chosen.no_person
        ).set_index(["id", "source"])
        is_nobody = others["dice"].isna()
        for file, column in (
            ("valid", valid.set_index("id")["dice"]),
            ("sources", others.loc[~is_nobody, "dice"]),
            ("nobody", others.loc[is_nobody, "predicted_foreground"]),
        ):
            table = tables.setdefault(file, pd.DataFrame(index=column.index))
            table[name] = column.round(6)
            write_table(chosen.out / f"{file}.csv", table.reset_index())
        print(f"{name:<20} {valid['dice'].mean():.4f} {others['dice'].mean():.4f}", flush=True)
    for name in IN_DETAIL:
        rows = in_detail(humanseg.load(name, threads=THREADS), chosen.data)
        write_table(chosen.out / f"{name}.csv", pd.DataFrame(rows), missing="nan")
    files = [
        (name, about["sha256"])
        for name in bundled_models()
        for about in json.loads((BUNDLED / name / "manifest.json").read_bytes())["files"].values()
    ]
    write_table(chosen.out / "files.csv", pd.DataFrame(files, columns=["model", "sha256"]))
    print(chosen.out)
    return 0


def contenders(with_mediapipe: bool, cache: Path | None) -> Iterator[tuple[str, Segment]]:
    """Open the models, one at a time."""
    if with_mediapipe:
        benchmark = runpy.run_path(str(HERE / "benchmark_inference.py"))
        for one in benchmark["mediapipe"](cache or benchmark["CACHE"], THREADS):
            yield one.name, one.segment
    for name in bundled_models():
        yield name, SOURCES["segment_by"](humanseg.load(name, threads=THREADS))


def in_detail(model: Model, data: Path) -> Iterator[dict[str, object]]:
    """Measure each valid photo, plain and averaged with its mirror image."""
    for item in SOURCES["join_folders"](
        data, "data", data / "valid", data / "valid_mask"
    ).require_items():
        photo = read_photo(item.photo)
        plain, mirrored = (model.probability(photo, tta=tta) for tta in (False, True))
        yield {"id": item.id, **measure(plain, mirrored, item.read_mask(photo))}


if __name__ == "__main__":
    sys.exit(main())
