"""Finds the photos of a submission that is in a run's folder."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from humanseg.data.folds import fold_ids
from humanseg.data.layout.folders import Item, list_items
from humanseg.data.layout.mask_rule import AS_DRAWN, MaskRule
from humanseg.errors import HumansegError
from humanseg.runs import RunFolder
from humanseg.runs.discovery import looks_like_run
from humanseg.runs.record import read_config


@dataclass(frozen=True)
class RunData:
    """The data of a run, as its config names them.

    Attributes
    ----------
    run, root
        The folders of the run and of its data.
    fold, folds
        Which part of `train` it validates on; None: it validates on `valid`.
    rule
        How its masks are read.
    """

    run: Path
    root: Path
    fold: int | None = None
    folds: int = 5
    rule: MaskRule = AS_DRAWN

    def valid_items(self) -> list[Item]:
        """List the photos that the run validates on."""
        if self.fold is None:
            return list_items(self.root, "valid", True, self.rule)
        items = list_items(self.root, "train", True, self.rule)
        inside = set(fold_ids([item.id for item in items], self.fold, self.folds))
        return [item for item in items if item.id in inside]


def owner_data(csv: Path) -> RunData:
    """Find the data of the run in whose folder a file is, at any depth."""
    run, data = _run_of(csv)
    if run is None:
        raise HumansegError(
            f"{csv} is not in the folder of a run, so its photos are unknown: give the data "
            "folder by --data ROOT.",
            code="submission.no_data",
        )
    if not data.get("root"):
        raise HumansegError(
            f"{csv} is in {run}, which does not record what it was trained on: give the data "
            "folder by --data ROOT.",
            code="submission.no_data",
        )
    root = Path(str(data["root"]))
    if not root.is_dir():
        raise HumansegError(
            f"{csv} is in {run}, which was trained on {root}, and there is no such folder now: "
            "give the folder of the photos by --data ROOT.",
            code="submission.no_data",
        )
    return RunData(run, root, data.get("fold"), data.get("folds") or 5, MaskRule.of(data))


def find_mask_rule(csv: Path) -> MaskRule:
    """Find how masks are read by the run in whose folder a file is; as drawn, if in none."""
    return MaskRule.of(_run_of(csv)[1])


def _run_of(csv: Path) -> tuple[Path | None, Mapping[str, Any]]:
    """Find the run in whose folder a file is, and the `data` of its config."""
    run = next(filter(looks_like_run, csv.resolve().parents), None)
    config = None if run is None else RunFolder(run).config
    data = read_config(config).get("data") if config is not None and config.is_file() else None
    return run, data if isinstance(data, Mapping) else {}
