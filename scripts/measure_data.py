"""Measure a data set for the report: notebooks/records/data, plain numbers without a picture.

python scripts/measure_data.py ROOT [--unlabelled FOLDER] [--second FOLDER] [--out DIR]
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from humanseg.errors import says_errors
from humanseg.system.progress import progress_on
from research.measure.photos import measure_annotators, measure_data

RECORD = Path(__file__).resolve().parents[1] / "notebooks" / "records" / "data"


@says_errors
def main(arguments: Sequence[str] | None = None) -> int:
    """Write the record; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("root", metavar="ROOT", type=Path, help="the five folders")
    parser.add_argument("--unlabelled", metavar="FOLDER", type=Path, help="unlabelled photos")
    parser.add_argument("--second", metavar="FOLDER", type=Path, help="another annotator's masks")
    parser.add_argument("--out", metavar="DIR", type=Path, default=RECORD)
    chosen = parser.parse_args(arguments)
    with progress_on(Console(stderr=True), "reading photos") as move:
        measure_data(chosen.root, chosen.unlabelled, chosen.out, move)
    if chosen.second:
        measure_annotators(chosen.root, chosen.second, chosen.out)
    print(chosen.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
