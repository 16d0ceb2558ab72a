"""Bundle an exported model: its 8-bit file, and in its record what that file scores.

    python scripts/bundle_model.py EXPORT NAME --data ROOT --sources FOLDER --no-person FOLDER

EXPORT is what a recipe wrote into its folder, ROOT the folder with `valid` and `valid_mask`,
FOLDER photos of several sources as `scripts/score_sources.py` takes them. What `record.json` says
in words (purpose, licence, data) stays as it is; its numbers are all measured here, on this file.
"""

import argparse
import json
import runpy
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pandas as pd

import humanseg
from humanseg.data.layout.folders import join_folders
from humanseg.errors import HumansegError, says_errors
from humanseg.evaluation.source_scores import FALSE_POSITIVE
from humanseg.exporting.folder import RECIPE, RECORD
from humanseg.inference.catalog import BUNDLED
from humanseg.inference.model import Model
from humanseg.io.files import write_json
from humanseg.io.images import read_photo
from humanseg.metrics.scores import dice
from humanseg.metrics.statistics import Interval, bootstrap_interval
from humanseg.recipes.recipe import read_record

SOURCES = runpy.run_path(str(Path(__file__).with_name("score_sources.py")))
CALLS, PHOTO = 50, (320, 240)


@says_errors
def main(arguments: list[str] | None = None) -> int:
    """Copy the file, measure it and write the record."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("export", metavar="EXPORT", type=Path)
    parser.add_argument("name", metavar="NAME", help="a model that is bundled already")
    parser.add_argument("--data", metavar="ROOT", type=Path, required=True)
    parser.add_argument("--sources", metavar="FOLDER", type=Path, required=True)
    parser.add_argument("--no-person", metavar="FOLDER", type=Path, required=True)
    parser.add_argument("--note", help="what is to be known of how the recipe was run")
    chosen = parser.parse_args(arguments)
    place = BUNDLED / chosen.name
    if not (place / RECORD).is_file():
        raise HumansegError(
            f"There is no record of a bundled model {chosen.name}: write {place / RECORD} first, "
            "with purpose, licence and data."
        )
    record = json.loads((place / RECORD).read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as folder:
        copy = humanseg.export(chosen.export, Path(folder) / chosen.name, ["int8"])
        model = humanseg.load(copy)
        for part, scores in measure(model, chosen.data, chosen.sources, chosen.no_person).items():
            record["dice"][part] |= scores
        record["latency"] |= {"milliseconds": latency(copy), "photo": list(PHOTO)}
        record["latency"]["what"] = f"median of {CALLS} warm calls of the net"
        stages = read_record(chosen.export / RECIPE)["stages"]
        record["parameters"] = list(stages.values())[-1]["parameters"]
        record["recipe"] |= {"stages": list(stages)}
        record["recipe"].pop("note", None)
        if chosen.note:
            record["recipe"]["note"] = chosen.note
        for file in copy.iterdir():
            if file.name not in (RECORD, RECIPE):
                (place / file.name).write_bytes(file.read_bytes())
    write_json(place / RECORD, record)
    print(place)
    return 0


def measure(model: Model, data: Path, sources: Path, no_person: Path) -> dict[str, dict[str, Any]]:
    """Score the task's valid photos, those of other sources, and those in which nobody is."""
    segment = SOURCES["_segment_by"](model)
    own = _score(segment, data / "valid", data / "valid_mask")
    table: pd.DataFrame = SOURCES["score"](segment, sources, no_person)
    people = table[table["dice"].notna()]
    by_source = people.groupby("source")["dice"].agg(["count", "mean"])
    nobody = table[table["dice"].isna()]
    seen = (nobody["predicted_foreground"] > FALSE_POSITIVE).mean()
    return {
        "in_distribution": _mean(bootstrap_interval(own), len(own)),
        "out_of_distribution": _mean(bootstrap_interval(people["dice"]), len(people))
        | {
            "sources": len(by_source),
            "mean_of_sources": round(float(by_source["mean"].mean()), 4),
            "by_source": {
                str(name): {"photos": int(row["count"]), "mean": round(float(row["mean"]), 4)}
                for name, row in by_source.iterrows()
            },
        },
        "no_person": {"photos": len(nobody), "people_seen": round(float(seen), 3)},
    }


def latency(export: Path) -> float:
    """Return the median milliseconds of the net on one thread."""
    model = humanseg.load(export, threads=1)
    photo = np.random.default_rng(0).integers(0, 256, (*PHOTO, 3), np.uint8)
    seconds = []
    for _ in range(CALLS + 5):
        start = time.perf_counter()
        model.run(photo)
        seconds.append(time.perf_counter() - start)
    return round(1000 * median(seconds[5:]), 1)


def _score(segment: Any, photos: Path, masks: Path) -> list[float]:
    items = join_folders(photos.parent, "data", photos, masks).require_items()
    return [
        dice(segment(read_photo(item.photo)), item.rule.read(item.mask).astype(bool))
        for item in items
        if item.mask is not None
    ]


def _mean(interval: Interval, photos: int) -> dict[str, Any]:
    ends = [round(interval.low, 4), round(interval.high, 4)]
    return {"mean": round(interval.mean, 4), "interval": ends, "photos": photos}


if __name__ == "__main__":
    sys.exit(main())
