"""The result of a training, read from its folder."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from humanseg.io.tables import as_numbers, read_table
from humanseg.runs import RunFolder, read_summary

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class TrainResult:
    """A finished run; wherever a path is taken, such as by `humanseg.load`, it is its folder.

    Attributes
    ----------
    path
        Its folder, absolute: `load`, `evaluate`, `export` and ``train("resume=…")`` take it.
    summary
        Its `summary.json`: status, scores, best epoch, speed, versions.
    """

    path: Path
    summary: Mapping[str, Any]

    def __fspath__(self) -> str:
        """Return the folder."""
        return str(self.path)

    @property
    def dice(self) -> float:
        """Mean Dice per valid photo at the run's threshold, in [0, 1]."""
        return float(self.summary["dice"])

    @property
    def scores(self) -> dict[str, float]:
        """Means over the valid photos: `dice`, `dice_at_half`, `iou` and `boundary_dice`."""
        from humanseg.metrics.scores import PER_PHOTO

        # A run of an earlier version may lack one.
        names = [name for name in (*PER_PHOTO, "dice_at_half") if name in self.summary]
        return {name: self.summary[name] for name in names}

    @cached_property
    def per_photo(self) -> "pd.DataFrame":
        """A row for each valid photo: `id`, `dice`, `iou`, `boundary_dice` and `foreground`."""
        table = read_table(self.files.scores)
        numbers = as_numbers(table.drop(columns="id"))
        numbers.insert(0, "id", table["id"])
        return numbers

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % confidence interval of the mean Dice, by bootstrap over the photos."""
        # Only here: a flag such as --cfg is answered at once.
        from humanseg.metrics.statistics import bootstrap_interval

        interval = bootstrap_interval(self.per_photo["dice"].to_numpy())
        return interval.low, interval.high

    @property
    def files(self) -> RunFolder:
        """Where its files are: `best`, `onnx`, `submission`, `scores`, `test_page` and others."""
        return RunFolder(self.path)

    @property
    def model(self) -> Path | None:
        """Its ONNX file, which works without torch; None with ``save_onnx=false``."""
        return self.files.onnx if self.files.onnx.is_file() else None


def read_result(folder: Path) -> TrainResult:
    """Read the result of a finished run."""
    run = RunFolder(folder.absolute())
    return TrainResult(run.path, read_summary(run.summary))
