"""Bundle the model of a recipe: its 8-bit file, and a record with the scores of this file.

    python scripts/bundle_model.py RECIPE NAME --data ROOT --sources FOLDER --no-person FOLDER

RECIPE is the folder that a recipe has filled, ROOT the folder with `valid` and `valid_mask`,
FOLDER photos of several sources as `scripts/score_sources.py` takes them. The texts of
`record.json` (purpose, licence, data) are kept; all its numbers are measured here, on this file.
The latencies of all bundled models are measured again, in one run.
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
from humanseg.data.layout.extra import MASKS, PHOTOS
from humanseg.errors import HumansegError, says_errors
from humanseg.evaluation.source_scores import summarize_sources
from humanseg.exporting.folder import RECIPE, RECORD
from humanseg.inference.catalog import BUNDLED
from humanseg.inference.model import Model
from humanseg.io.files import write_json
from humanseg.metrics.statistics import bootstrap_interval, mean_of_sources
from humanseg.recipes.recipe import read_record
from humanseg.runs.folder import RECIPE_RECORD
from humanseg.training.machine.environment import device_name

SOURCES = runpy.run_path(str(Path(__file__).with_name("score_sources.py")))
CALLS, PHOTO = 50, (320, 240)


@says_errors
def main(arguments: list[str] | None = None) -> int:
    """Copy the file, measure it and write the record."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("recipe", metavar="RECIPE", type=Path)
    parser.add_argument("name", metavar="NAME", help="a model that is bundled already")
    parser.add_argument("--data", metavar="ROOT", type=Path, required=True)
    parser.add_argument("--sources", metavar="FOLDER", type=Path, required=True)
    parser.add_argument("--no-person", metavar="FOLDER", type=Path, required=True)
    parser.add_argument("--note", help="what is to be known of how the recipe was run")
    chosen = parser.parse_args(arguments)
    bundled = BUNDLED / chosen.name
    if not (bundled / RECORD).is_file():
        raise HumansegError(
            f"There is no record of a bundled model {chosen.name}: write {bundled / RECORD} first, "
            "with purpose, licence and data."
        )
    record = json.loads((bundled / RECORD).read_text(encoding="utf-8"))
    made = read_record(chosen.recipe / RECIPE_RECORD)
    stages, ensemble = made["stages"], made.get("ensemble") or {}
    with tempfile.TemporaryDirectory() as folder:
        copy = humanseg.export(chosen.recipe, Path(folder) / chosen.name, ["int8"])
        model = humanseg.load(copy)
        for part, scores in measure(model, chosen.data, chosen.sources, chosen.no_person).items():
            record["dice"][part] |= scores
        members = (list(stages)[-1], *ensemble)
        record["parameters"] = sum(stages[name]["parameters"] for name in members)
        for name in ("note", "ensemble"):
            record["recipe"].pop(name, None)
        record["recipe"] |= {"stages": list(stages)}
        if ensemble:
            record["recipe"]["ensemble"] = ensemble
        if chosen.note:
            record["recipe"]["note"] = chosen.note
        for file in copy.iterdir():
            if file.name not in (RECORD, RECIPE):
                (bundled / file.name).write_bytes(file.read_bytes())
    write_json(bundled / RECORD, record)
    record_latencies()
    print(bundled)
    print("The report shows nothing that was measured of another file: scripts/measure_bundled.py")
    return 0


def measure(model: Model, data: Path, sources: Path, no_person: Path) -> dict[str, dict[str, Any]]:
    """Score the task's valid photos, those of other sources, and those without people."""
    segment, score = SOURCES["segment_by"](model), SOURCES["score"]
    valid = score(segment, data / "valid", data / "valid_mask")
    table = score(segment, sources / PHOTOS, sources / MASKS, no_person)
    by_source = summarize_sources(table.assign(foreground=table["dice"].notna()))
    nobody = by_source.pop(SOURCES["NO_PERSON"])
    return {
        "in_distribution": _mean(valid["dice"]),
        "out_of_distribution": _mean(table["dice"].dropna())
        | {
            "sources": len(by_source),
            "mean_of_sources": round(mean_of_sources(by_source) or 0.0, 4),
            "by_source": {
                name: {"photos": summary["photos"], "mean": round(summary["dice"], 4)}
                for name, summary in by_source.items()
            },
        },
        "no_person": {
            "photos": nobody["photos"],
            "people_seen": round(nobody["false_positives"], 3),
        },
    }


def record_latencies() -> None:
    """Time the net of each bundled model, in one run so that they can be compared."""
    for path in sorted(BUNDLED.glob(f"*/{RECORD}")):
        timed = {
            "milliseconds": latency(path.parent),
            "threads": 1,
            "photo": list(PHOTO),
            "device": device_name("cpu").split(",")[0],
            "what": f"median of {CALLS} warm calls of the net",
        }
        write_json(path, {**json.loads(path.read_text(encoding="utf-8")), "latency": timed})


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


def _mean(scores: "pd.Series[float]") -> dict[str, Any]:
    interval = bootstrap_interval(scores)
    ends = [round(interval.low, 4), round(interval.high, 4)]
    return {"mean": round(interval.mean, 4), "interval": ends, "photos": len(scores)}


if __name__ == "__main__":
    sys.exit(main())
