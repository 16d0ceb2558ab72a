"""What a training came to, read from its folder."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from humanseg.runs import RunFolder, read_summary

_SCORES = ("dice", "dice_at_half", "iou", "boundary_dice")


@dataclass(frozen=True)
class TrainResult:
    """A finished run.

    Attributes
    ----------
    path
        Its folder, absolute: `evaluate`, `export` and ``train("resume=…")`` take it.
    summary
        Its `summary.json`: status, scores, best epoch, speed, versions.
    """

    path: Path
    summary: Mapping[str, Any]

    @property
    def dice(self) -> float:
        """Mean Dice per valid photo at the run's threshold, in [0, 1]."""
        return float(self.summary["dice"])

    @property
    def scores(self) -> dict[str, float]:
        """Means over the valid photos: `dice`, `dice_at_half`, `iou` and `boundary_dice`."""
        return {name: self.summary[name] for name in _SCORES}


def read_result(folder: Path) -> TrainResult:
    """Read the result of a finished run."""
    run = RunFolder(folder.absolute())
    return TrainResult(run.path, read_summary(run.summary))
