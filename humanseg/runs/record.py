"""What the files of a run say, read without torch."""

import csv
import json
import math
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from humanseg.errors import HumansegError
from humanseg.io.files import long_fields
from humanseg.io.names import HEADER
from humanseg.runs.folder import RunFolder
from humanseg.runs.lock import is_locked
from humanseg.runs.summary import read_summary

_SAME = 1e-6  # summaries and scores are written from the same numbers


class NotARun(HumansegError):  # noqa: N818 - read aloud: "Not a run: …"
    """The folder holds a config or a summary, but not one of a run; the message says why."""


@dataclass(frozen=True, eq=False)
class RunRecord:
    """A run as its folder tells it.

    Attributes
    ----------
    folder, name
        Where it lies, and what it is called: its path below the folder of all runs.
    status
        "finished", "running" (its process lives on this machine), "unfinished" or "failed".
    failure
        Why it failed; empty otherwise.
    summary
        Its `summary.json`.
    config
        Its `config.yaml`; empty when it is gone.
    curve : numpy.ndarray of float64, shape (epochs, 2)
        Epoch and valid Dice, of each epoch that has both.
    ids
        The valid photos, naturally sorted; empty unless it is finished.
    dice : numpy.ndarray of float64, shape (photos,)
        Dice of each of them at the run's own `threshold`.
    """

    folder: RunFolder
    name: str
    status: str
    failure: str
    summary: Mapping[str, Any]
    config: Mapping[str, Any]
    curve: NDArray[np.float64]
    ids: tuple[str, ...]
    dice: NDArray[np.float64]

    @property
    def finished(self) -> bool:
        """Whether it has a score, so that it can be ranked."""
        return self.status == "finished"

    @property
    def threshold(self) -> float:
        """Where its masks, and the scores in `dice`, were cut."""
        return float(self.number("threshold") or 0.5)

    @property
    def dice_at_half(self) -> float:
        """Mean Dice over the valid photos at threshold 0.5: what ranks."""
        value = self.number("dice_at_half")
        return math.nan if value is None else value

    def number(self, key: str) -> float | None:
        """Return a number of the summary; None where it has none."""
        value = self.summary.get(key)
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        return float(value) if math.isfinite(value) else None


def read_run(folder: RunFolder, name: str) -> RunRecord:
    """Read a run's record.

    Parameters
    ----------
    folder
        The run.
    name
        What to call it.

    Returns
    -------
    RunRecord

    Raises
    ------
    NotARun
        The folder holds files of another program.
    HumansegError
        A file of the run is broken or missing, or they do not belong together.
    """
    config = read_config(folder.config) if folder.config.is_file() else {}
    summary = read_summary(folder.summary)
    if "status" not in summary and not {"model", "backbone", "data"} <= config.keys():
        raise NotARun("its config.yaml or summary.json is that of another program")
    status, failure = str(summary.get("status")), str(summary.get("failure") or "")
    if status not in ("finished", "failed"):
        # Only on this machine: of a run on another one it cannot be told whether it lives.
        status = "running" if is_locked(folder.lock) else "unfinished"
    ids, dice = _read_scores(folder.scores) if status == "finished" else ((), np.zeros(0))
    record = RunRecord(
        folder, name, status, failure, summary, config, _read_curve(folder.history), ids, dice
    )
    if record.finished:
        _require_one_piece(record)
    return record


def read_config(path: Path) -> dict[str, Any]:
    """Read plain YAML as a dict, fast: there may be hundreds.

    Raises
    ------
    HumansegError
        The file cannot be read, is not plain YAML, or no mapping.
    """
    import yaml

    # The loader in C is ten times faster; not every build of PyYAML has it.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        config = yaml.load(path.read_bytes(), Loader=loader)
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise HumansegError(f"{path.name} is not plain YAML or cannot be read") from error
    if not isinstance(config, dict):
        raise HumansegError(f"{path.name} holds no settings")
    return config


def read_masks(record: RunRecord) -> dict[str, str] | None:
    """Read the run-length codes of a run's valid masks.

    Returns
    -------
    dict or None
        For each id of `record.ids` its mask; None where `pred_valid.csv` is gone, broken, or of
        other photos.
    """
    try:
        with (
            long_fields(),
            record.folder.submission.open(newline="", encoding="utf-8-sig") as file,
        ):
            rows = list(csv.reader(file))
    except (OSError, UnicodeDecodeError, csv.Error):
        return None
    if not rows or rows[0] != list(HEADER) or any(len(row) != 2 for row in rows[1:]):
        return None
    masks = {unicodedata.normalize("NFC", id): rle for id, rle in rows[1:]}
    return masks if masks.keys() == set(record.ids) else None


def foreground_shares(record: RunRecord) -> dict[str, float]:
    """Return the share of each valid photo that its true mask covers, as the run saw it."""
    with record.folder.scores.open(newline="", encoding="utf-8") as file:
        return {row["id"]: float(row["foreground"]) for row in csv.DictReader(file)}


def _read_scores(path: Path) -> tuple[tuple[str, ...], NDArray[np.float64]]:
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        ids = tuple(row["id"] for row in rows)
        dice = np.array([float(row["dice"]) for row in rows])
    except FileNotFoundError as error:
        raise HumansegError(f"{path.name} is missing") from error
    except (OSError, KeyError, ValueError, TypeError, csv.Error) as error:
        raise HumansegError(f"{path.name} is broken") from error
    if not ids or len(set(ids)) < len(ids) or not np.isfinite(dice).all():
        raise HumansegError(f"{path.name} is broken")
    return ids, dice


def _read_curve(path: Path) -> NDArray[np.float64]:
    points = []
    try:
        with path.open(newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                point = float(row["epoch"] or "nan"), float(row["val_dice"] or "nan")
                if all(map(math.isfinite, point)):
                    points.append(point)
    except (OSError, KeyError, ValueError, TypeError, csv.Error):
        # A curve is only looked at: a run without one is as good.
        pass
    return np.array(points, np.float64).reshape(-1, 2)


def _require_one_piece(record: RunRecord) -> None:
    """Refuse a finished run whose summary and scores come from different moments."""
    dice = record.number("dice")
    if dice is None or math.isnan(record.dice_at_half):
        raise HumansegError("its summary.json has no Dice")
    if abs(dice - float(record.dice.mean())) > _SAME:
        raise HumansegError(
            f"summary.json says Dice {dice:.4f}, but scores.csv has a mean of "
            f"{record.dice.mean():.4f}"
        )


def data_key(record: RunRecord) -> str:
    """Return what two runs must share to be ranked together: their valid ids and masks, as text."""
    return json.dumps([valid_key(record.summary), record.ids], sort_keys=True)


def valid_key(summary: Mapping[str, Any]) -> str:
    """Return the fingerprint of the valid ids and masks that a summary has.

    Of a run that recorded none, it is all that it says of its data; of one that says nothing, it is
    empty.
    """
    data = summary.get("data")
    known = data.get("valid_sha256") if isinstance(data, Mapping) else None
    return str(known) if known else json.dumps(data, sort_keys=True) if data else ""
