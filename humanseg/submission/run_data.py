"""Finds the photos of a submission that is in a run's folder."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from humanseg.data.layout.mask_rule import MaskRule
from humanseg.data.splits import DatasetSplits
from humanseg.errors import HumansegError
from humanseg.runs import RunFolder
from humanseg.runs.discovery import looks_like_run
from humanseg.runs.record import read_config


def owner_splits(csv: Path) -> tuple[Path, DatasetSplits]:
    """Find the run in whose folder a file is, at any depth, and its data as the config names it."""
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
    folds = data.get("folds") or 5
    return run, DatasetSplits(root, fold=data.get("fold"), folds=folds, rule=MaskRule.of(data))


def find_mask_rule(csv: Path) -> MaskRule:
    """Find how masks are read by the run in whose folder a file is; as drawn, if in none."""
    return MaskRule.of(_run_of(csv)[1])


def _run_of(csv: Path) -> tuple[Path | None, Mapping[str, Any]]:
    """Find the run in whose folder a file is, and the `data` of its config."""
    run = next(filter(looks_like_run, csv.resolve().parents), None)
    config = None if run is None else RunFolder(run).config
    try:
        data = read_config(config).get("data") if config is not None and config.is_file() else None
    except ModuleNotFoundError as error:
        raise HumansegError(
            f"{csv} is in the run {run}, whose config.yaml says which photos and masks these are, "
            "and PyYAML, which reads that, is not installed: pip install pyyaml. Or score a copy "
            "of the file outside of the run, with --data ROOT.",
            code="submission.no_yaml",
        ) from error
    return run, data if isinstance(data, Mapping) else {}
