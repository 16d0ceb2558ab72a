"""Score the mean of several runs' probabilities on their valid photos, plain and mirrored.

python scripts/score_ensemble.py RUN RUN ... [--csv FILE]

Prints the mean Dice per photo at threshold 0.5 of each run alone, of the mean of all, and of the
mean of all with the mirrored photo; `--csv` keeps them per photo, as the report reads them.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from humanseg.errors import HumansegError, says_errors
from humanseg.io.tables import write_table
from humanseg.metrics.scores import dice
from humanseg.runs import open_run
from research.measure.runs import valid_predictions

MEAN, MIRRORED = "mean", "mean_tta"
"""Columns of the ensemble; every other one is a run alone."""


def score_photos(paths: Sequence[Path], data: Path | None = None) -> list[dict[str, object]]:
    """Score runs, and the mean of their probabilities, photo by photo.

    Parameters
    ----------
    paths
        The folders of runs.
    data
        The data folder; None: that of the first run.

    Returns
    -------
    list of dict
        A row per valid photo: `id`, and Dice by the name of each run, `mean` and `mean_tta`.

    Raises
    ------
    HumansegError
        A folder is not a finished run, or two are called the same.
    """
    runs = [open_run(path) for path in paths]
    names = [run.path.name for run in runs]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise HumansegError(f"Two runs are called {twice[0]}: rename the folder of one of them.")
    rows: list[dict[str, object]] = []
    for id, plain, mirrored, truth in valid_predictions(runs, data):
        soft = dict(zip(names, plain, strict=True)) | {
            MEAN: np.mean(plain, axis=0),
            MIRRORED: np.mean(mirrored, axis=0),
        }
        scores = {name: round(dice(one > 0.5, truth), 7) for name, one in soft.items()}
        rows.append({"id": id, **scores})
    return rows


@says_errors
def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Returns
    -------
    int
        0; 2 when the person must change something, which is then said.
    """
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN", help="a run's folder")
    parser.add_argument("--data", type=Path, metavar="ROOT", help="the data; else the first run's")
    parser.add_argument("--csv", type=Path, metavar="FILE", help="write the scores there, too")
    chosen = parser.parse_args(arguments)
    rows = score_photos(chosen.runs, chosen.data)
    for name in [name for name in rows[0] if name != "id"]:
        mean = sum(float(str(row[name])) for row in rows) / len(rows)
        print(f"{name:<24} {mean:.6f}")
    if chosen.csv is not None:
        write_table(chosen.csv, pd.DataFrame(rows))
        print(chosen.csv)
    return 0


if __name__ == "__main__":
    sys.exit(main())
