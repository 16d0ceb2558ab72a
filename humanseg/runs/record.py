"""Reads the files of a run, without torch."""

import json
import math
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from humanseg.config.renames import current_config
from humanseg.errors import HumansegError
from humanseg.io.names import HEADER
from humanseg.io.tables import as_numbers, read_table
from humanseg.runs.folder import RunFolder
from humanseg.runs.summary import Status, read_summary, run_status

if TYPE_CHECKING:
    import pandas as pd

# pandas is imported inside the functions: most users of this module read configs only.

Points = list[tuple[float, float]]
"""The value at each of some epochs."""

_SAME = 1e-6  # summaries and scores are written from the same numbers


class NotARun(HumansegError):  # noqa: N818 - read aloud: "Not a run: …"
    """The folder holds a config or a summary, but not one of a run; the message says why."""


@dataclass(frozen=True, eq=False)
class RunRecord:
    """A run as its folder tells it.

    Attributes
    ----------
    folder, name
        Where it is, and what it is called: its path below the folder of all runs.
    status
        As `humanseg.runs.run_status` says: "running" where its process lives on this machine.
    failure
        Why it failed; empty otherwise.
    summary
        Its `summary.json`.
    config
        Its `config.yaml`; empty when it is gone.
    curve
        The valid Dice of each epoch that has one.
    scores : pandas.DataFrame
        `scores.csv` by id, naturally sorted: `dice` of each valid photo at the run's own
        `threshold`, `iou`, `boundary_dice`, `foreground`. Empty unless the run is finished.
    """

    folder: RunFolder
    name: str
    status: Status
    failure: str
    summary: Mapping[str, Any]
    config: Mapping[str, Any]
    curve: Points
    scores: "pd.DataFrame"

    @property
    def ids(self) -> tuple[str, ...]:
        """The valid photos; none unless it is finished."""
        return tuple(self.scores.index)

    @property
    def dice(self) -> "pd.Series[float]":
        """Dice of each valid photo, by id."""
        return self.scores["dice"]

    @property
    def choices(self) -> Mapping[str, str]:
        """The option that was chosen of each group; empty in runs that have not recorded them."""
        choices = self.summary.get("choices")
        return choices if isinstance(choices, Mapping) else {}

    @property
    def finished(self) -> bool:
        """Whether it has a score, so that it can be ranked."""
        return self.status == "finished"

    @property
    def threshold(self) -> float:
        """The threshold of its masks, and of the scores in `scores`."""
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
    """Read a run's record; raise `NotARun` where the folder holds files of another program."""
    config = current_config(read_config(folder.config)) if folder.config.is_file() else {}
    summary = read_summary(folder.summary)
    if "status" not in summary and not {"model", "backbone", "data"} <= config.keys():
        raise NotARun("its config.yaml or summary.json is that of another program")
    status, failure = run_status(folder, summary), str(summary.get("failure") or "")
    scores = _read_scores(folder.scores if status == "finished" else None)
    curve = _read_curve(folder.history)
    record = RunRecord(folder, name, status, failure, summary, config, curve, scores)
    if record.finished:
        _require_one_piece(record)
    return record


def read_config(path: Path) -> dict[str, Any]:
    """Read plain YAML as a dict, fast: there may be hundreds."""
    import yaml

    # The loader in C is ten times faster; not every build of PyYAML has it.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        config = yaml.load(path.read_bytes(), Loader=loader)
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise HumansegError(
            f"{path.name} is not plain YAML or cannot be read", code="runs.broken_config"
        ) from error
    if not isinstance(config, dict):
        raise HumansegError(f"{path.name} holds no settings", code="runs.broken_config")
    return config


def read_masks(record: RunRecord) -> dict[str, str] | None:
    """Read the run-length codes of a run's valid masks, by id.

    None where `pred_valid.csv` is gone, broken, or of other photos.
    """
    try:
        table = read_table(record.folder.submission, HEADER)
    except HumansegError:
        return None
    ids = [unicodedata.normalize("NFC", id) for id in table["id"]]
    masks = dict(zip(ids, table["rle_mask"], strict=True))
    return masks if masks.keys() == set(record.ids) and list(table) == list(HEADER) else None


def read_history(path: Path) -> "pd.DataFrame":
    """Read `history.csv`: a row per epoch, all columns numbers, NaN where a value is missing."""
    return as_numbers(read_table(path, ["epoch"]))


def points(history: "pd.DataFrame", column: str) -> Points:
    """Return the epochs and finite values of a column of a history; none where it lacks it."""
    if column not in history:
        return []
    finite = history[["epoch", column]].replace([math.inf, -math.inf], math.nan).dropna()
    return list(zip(finite["epoch"].tolist(), finite[column].tolist(), strict=True))


def _read_scores(path: Path | None) -> "pd.DataFrame":
    import numpy as np
    import pandas as pd

    if path is None:
        return pd.DataFrame({"dice": np.zeros(0)})
    try:
        table = read_table(path, ["id", "dice"])
    except HumansegError as error:
        what = "missing" if error.code == "io.missing_table" else "broken"
        raise HumansegError(f"{path.name} is {what}", code=f"runs.{what}_scores") from error
    scores = as_numbers(table[[name for name in table if name != "id"]])
    scores.index = pd.Index(table["id"])
    if scores.empty or not scores.index.is_unique or not np.isfinite(scores["dice"]).all():
        raise HumansegError(f"{path.name} is broken", code="runs.broken_scores")
    return scores


def _read_curve(path: Path) -> Points:
    try:
        return points(read_history(path), "val_dice")
    except HumansegError:
        # A curve is only looked at: a run without one is as good.
        return []


def _require_one_piece(record: RunRecord) -> None:
    """Raise if the summary and the scores of a finished run do not match."""
    dice = record.number("dice")
    if dice is None or math.isnan(record.dice_at_half):
        raise HumansegError("its summary.json has no Dice", code="runs.no_score")
    if abs(dice - float(record.dice.mean())) > _SAME:
        raise HumansegError(
            f"summary.json says Dice {dice:.4f}, but scores.csv has a mean of "
            f"{record.dice.mean():.4f}",
            code="runs.other_scores",
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
    digest = data.get("valid_sha256") if isinstance(data, Mapping) else None
    return str(digest) if digest else json.dumps(data, sort_keys=True) if data else ""
