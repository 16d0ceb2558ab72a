"""The committed records of runs, sweeps, data and models of others."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from humanseg.config.renames import current_key
from humanseg.errors import HumansegError
from humanseg.inference.catalog import bundled_models
from humanseg.io.tables import read_table
from humanseg.runs.record import read_config

RECORDS, PHOTOS = "HUMANSEG_REPORT_RECORDS", "HUMANSEG_REPORT_DATA"
"""Environment variables that tell the notebook the folders of records and photos."""


@dataclass(frozen=True, eq=False)
class Columns:
    """A CSV file by columns.

    Attributes
    ----------
    path
        Where it was read.
    texts
        Each column as it is written.
    """

    path: Path
    texts: Mapping[str, list[str]]

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(next(iter(self.texts.values()), []))

    def __contains__(self, name: str) -> bool:
        """Return whether there is such a column."""
        return name in self.texts

    def text(self, name: str) -> list[str]:
        """Return a column as it is written."""
        if name not in self.texts:
            raise HumansegError(f"{self.path} has no column {name}: write the record again.")
        return self.texts[name]

    def numbers(self, name: str) -> NDArray[np.float64]:
        """Return a column as numbers, NaN where it is empty."""
        try:
            return np.array([float(text or "nan") for text in self.text(name)])
        except ValueError as error:
            raise HumansegError(
                f"{self.path}: {name} holds a value that is not a number."
            ) from error


@dataclass(frozen=True, eq=False)
class KeptRun:
    """The record of a run.

    Attributes
    ----------
    name
        Its folder below all records, such as `best` or `best/seed1`.
    folder
        Where it lies.
    summary
        Its `summary.json`.
    """

    name: str
    folder: Path
    summary: Mapping[str, Any]

    @cached_property
    def scores(self) -> Columns:
        """`scores.csv`: a row per photo."""
        return read_columns(self.folder / "scores.csv")

    @cached_property
    def measured(self) -> Columns | None:
        """`measured.csv`, further measurements of its predictions; None without it."""
        path = self.folder / "measured.csv"
        return read_columns(path) if path.is_file() else None

    @property
    def dice(self) -> float:
        """Mean Dice per photo at threshold 0.5."""
        return float(self.summary["dice_at_half"])

    def by_id(self, score: str) -> dict[str, float]:
        """Return a score of each photo, a column of `scores.csv`, by the photo's id."""
        values = self.scores.numbers(score).tolist()
        return dict(zip(self.scores.text("id"), values, strict=True))

    def named(self, setting: str) -> list[str]:
        """Return the folders that a setting of its command line names: none, one, or a list."""
        values = (word.partition("=") for word in self.summary["overrides"])
        return [
            name
            for key, _, value in values
            if current_key(key) == current_key(setting)
            for name in value.strip("[]").split(",")
        ]


@dataclass(frozen=True, eq=False)
class Records:
    """All records in a folder.

    Attributes
    ----------
    folder
        Where they lie.
    runs
        Those of single runs, by name.
    """

    folder: Path
    runs: Mapping[str, KeptRun]

    def table(self, name: str) -> Columns:
        """Read a CSV file of the records, such as `data/masks.csv`."""
        return read_columns(self.folder / name)

    def config(self, name: str) -> Mapping[str, Any]:
        """Read a YAML file of the records, such as `recipes.yaml`."""
        return read_config(self.folder / name)

    def sweeps(self) -> list[Path]:
        """Return the folders of sweeps, by name."""
        return sorted(path.parent for path in self.folder.glob("*/leaderboard.csv"))

    def linked_runs(self, run: KeptRun, setting: str) -> list[KeptRun]:
        """Return the runs on record whose folders a run's `init_from` or `teacher` names."""
        wanted = run.named(setting)
        return [other for other in self.runs.values() if set(other.named("run_dir")) & set(wanted)]

    def best(self) -> KeptRun:
        """Return the run with the highest Dice at threshold 0.5."""
        if not self.runs:
            raise HumansegError(f"{self.folder} has no record of a run.")
        return max(self.runs.values(), key=lambda run: run.dice)

    def bundled(self) -> KeptRun | None:
        """Return the run that is bundled as `best`; None without its record."""
        return self.runs.get(str(bundled_models()["best"].manifest.get("run")))

    def headline(self) -> KeptRun:
        """Return the run that is bundled as `best`; without its record, the best on record."""
        return self.bundled() or self.best()

    def measured(self) -> dict[str, Columns]:
        """Return what was measured of the predictions of the bundled models; else of runs."""
        tables = {name: self.of_bundled(name) for name in bundled_models()}
        return {
            name: table for name, table in tables.items() if table is not None
        } or self.measured_runs()

    def of_bundled(self, name: str) -> Columns | None:
        """Read a table that `scripts/measure_bundled.py` wrote; None if it is of other files."""
        folder = self.folder / "bundled"
        if not (folder / f"{name}.csv").is_file():
            return None
        files = read_columns(folder / "files.csv")
        measured = dict(zip(files.text("model"), files.text("sha256"), strict=True))
        now = {
            model: file["sha256"]
            for model, bundled in bundled_models().items()
            for file in bundled.manifest["files"].values()
        }
        return read_columns(folder / f"{name}.csv") if measured == now else None

    def measured_runs(self) -> dict[str, Columns]:
        """Return what was measured of runs' predictions, the best run first."""
        ranked = sorted(self.runs.values(), key=lambda run: -run.dice)
        return {run.name: run.measured for run in ranked if run.measured is not None}


def open_records(folder: Path | None = None) -> Records:
    """Open a folder of records.

    Parameters
    ----------
    folder
        None: the one that the command names, else `records` beside the notebook.

    Raises
    ------
    HumansegError
        There is no such folder, or a record in it is broken.
    """
    folder = folder or Path(os.environ.get(RECORDS) or "records")
    if not folder.is_dir():
        raise HumansegError(f"There is no folder {folder}: give the folder of the records.")
    runs = {}
    for path in sorted(folder.glob("**/summary.json")):
        name = path.parent.relative_to(folder).as_posix()
        runs[name] = KeptRun(name, path.parent, _read_summary(path))
    return Records(folder, runs)


def photos_folder() -> Path | None:
    """Return the folder of the real photos, where the command names one."""
    named = os.environ.get(PHOTOS)
    return Path(named) if named else None


def read_columns(path: Path) -> Columns:
    """Read a CSV file with a header.

    Raises
    ------
    HumansegError
        It is missing or broken.
    """
    try:
        table = read_table(path)
    except HumansegError as error:
        raise HumansegError(
            f"{path} is missing or broken: take it from the repository again, or write the record "
            "again with scripts/keep_record.py or scripts/measure_data.py."
        ) from error
    return Columns(path, {str(name): column.tolist() for name, column in table.items()})


def _read_summary(path: Path) -> Mapping[str, Any]:
    try:
        summary = json.loads(path.read_text(encoding="utf-8"))
        float(summary["dice_at_half"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise HumansegError(f"{path} is not the summary of a finished run.") from error
    return dict(summary)
