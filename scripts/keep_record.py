"""Write the record of a run, a sweep or a recipe for the report, as files that can be committed.

python scripts/keep_record.py runs/NAME notebooks/records/NAME             a run
python scripts/keep_record.py runs/SWEEP notebooks/records/SWEEP           a sweep
python scripts/keep_record.py runs/RECIPE notebooks/records/RECIPE         a recipe, with its model
python scripts/keep_record.py runs/NAME notebooks/records/NAME --measure   a run's predictions too

`--measure` predicts the run's valid photos again, for the sections on scoring, thresholds and
errors; `--data ROOT` says where the photos are, if they were moved.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from humanseg.errors import says_errors
from humanseg.io.tables import write_table
from humanseg.runs import RunFolder
from humanseg.runs.discovery import looks_like_run
from humanseg.runs.folder import RECIPE_RECORD
from research.keep import keep_recipe, keep_run, keep_sweep


def measure_run(run: RunFolder, data: Path | None, out: Path) -> None:
    """Predict a run's valid photos, plain and mirrored, and write `measured.csv`."""
    from research.measure.predictions import measure
    from research.measure.runs import valid_predictions

    rows = [
        {"id": id, **measure(plain, mirrored, truth)}
        for id, (plain,), (mirrored,), truth in valid_predictions([run], data)
    ]
    write_table(out / "measured.csv", pd.DataFrame(rows), missing="nan")


@says_errors
def main(arguments: Sequence[str] | None = None) -> int:
    """Write the record; return the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "path", metavar="PATH", type=Path, help="a run, or the folder of a sweep or recipe"
    )
    parser.add_argument("out", metavar="DIR", type=Path, help="the record's folder")
    parser.add_argument("--measure", action="store_true", help="predict the valid photos too")
    parser.add_argument("--data", metavar="ROOT", type=Path, help="if the photos were moved")
    chosen = parser.parse_args(arguments)
    if looks_like_run(chosen.path):
        keep_run(RunFolder(chosen.path), chosen.out)
        if chosen.measure:
            measure_run(RunFolder(chosen.path), chosen.data, chosen.out)
    elif (chosen.path / RECIPE_RECORD).is_file():
        keep_recipe(chosen.path, chosen.out)
    else:
        keep_sweep(chosen.path, chosen.out)
    print(chosen.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
