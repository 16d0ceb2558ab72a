"""Small records of runs for the report, without paths of this machine."""

import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from humanseg.compare.leaderboard import read_leaderboard
from humanseg.config.find import conf_folder
from humanseg.errors import HumansegError
from humanseg.io.files import whole_file, write_json
from humanseg.io.tables import write_table
from humanseg.recipes.recipe import read_record
from humanseg.runs import RunFolder, read_summary
from humanseg.runs.folder import RECIPE_RECORD, last_stage
from humanseg.runs.record import RunRecord, read_run
from humanseg.runs.settings import read_shipped

KEPT_SCORES = ("dice", "boundary_dice")
"""The scores per photo in the record of a sweep: one file each, a column per job."""

_DIGITS = 7
_FOLD, _SEED = re.compile(r"data\.fold=(\d+)"), re.compile(r"seed=(\d+)")
_ABSOLUTE = re.compile(r"(?<![\w.])(?:[A-Za-z]:)?[/\\](?:[^/\\,\[\]=]+[/\\])*")


def keep_run(run: RunFolder, out: Path) -> None:
    """Keep the summary, the history and the scores of a finished run.

    Parameters
    ----------
    run
        Its folder.
    out
        The record's folder.

    Raises
    ------
    HumansegError
        The run is not finished or not sound, or a file cannot be written.
    """
    _require_finished(read_run(run, run.path.name))
    write_json(out / "summary.json", without_folders(read_summary(run.summary)))
    for source in (run.history, run.scores):
        with whole_file(out / source.name) as partial:
            shutil.copyfile(source, partial)


def keep_recipe(folder: Path, out: Path) -> None:
    """Keep the last stage of a finished recipe, its record and its smallest exported model.

    Parameters
    ----------
    folder
        The folder of its stages.
    out
        The record's folder.

    Raises
    ------
    HumansegError
        The recipe is not finished, or a file cannot be written.
    """
    record, last = read_record(folder / RECIPE_RECORD), last_stage(folder)
    files = {name for name in (record.get("model") or {}).get("files", {}) if ".onnx" in name}
    if last is None or record.get("status") != "finished" or not files:
        raise HumansegError(f"{folder} has not finished: only a finished recipe counts.")
    keep_run(RunFolder(last), out)
    stages = list(record["stages"].values())
    write_json(out / RECIPE_RECORD, without_folders({**record, "stages": stages}))
    model = min((folder / "export" / name for name in files), key=lambda file: file.stat().st_size)
    with whole_file(out / model.name) as partial:
        shutil.copyfile(model, partial)


def keep_sweep(sweep: Path, out: Path) -> None:
    """Keep the table of a sweep, and the scores of each job on each photo.

    The jobs of a cross-validation score different photos: their record is `folds.csv`, a row per
    fold, seed and photo.

    Parameters
    ----------
    sweep
        The folder of its jobs.
    out
        The record's folder. A file of hypotheses in it stays.

    Raises
    ------
    HumansegError
        No job is finished, the jobs are not of the same data, or a file cannot be written.
    """
    board = read_leaderboard([sweep], read_shipped(conf_folder()))
    runs = [run for group in board.groups for run in group.runs]
    if len(board.groups) > 1 and all(_FOLD.search(run.name) for run in runs):
        write_table(out / "folds.csv", pd.concat(map(_of_fold, runs)))
        return
    if len(board.groups) != 1:
        raise HumansegError(
            f"{sweep} holds runs of {len(board.groups)} data sets: a record is of one."
        )
    (group,) = board.groups
    write_table(out / "leaderboard.csv", board.table())
    for score in KEPT_SCORES:
        columns = {run.name: run.scores[score].round(_DIGITS) for run in group.runs}
        table = pd.DataFrame(columns).rename_axis("id").reset_index()
        write_table(out / f"{score}.csv", table, missing="nan")


def without_folders(value: Any) -> Any:
    """Cut absolute paths, in whatever holds them, to their last name."""
    if isinstance(value, str):
        return _ABSOLUTE.sub("", value)
    if isinstance(value, Mapping):
        return {key: without_folders(item) for key, item in value.items()}
    if isinstance(value, Sequence):
        return [without_folders(item) for item in value]
    return value


def _of_fold(run: RunRecord) -> pd.DataFrame:
    fold, seed = _FOLD.search(run.name), _SEED.search(run.name)
    rows = run.scores[list(KEPT_SCORES)].round(_DIGITS).rename_axis("id").reset_index()
    rows.insert(0, "seed", seed[1] if seed else "0")
    rows.insert(0, "fold", fold[1] if fold else "")
    return rows


def _require_finished(record: RunRecord) -> None:
    if not record.finished:
        raise HumansegError(f"{record.folder.path} is {record.status}: only a finished run counts.")
