"""The check that stands between an export and its folder."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from humanseg.data.module import PhotoData
from humanseg.errors import Refused
from humanseg.exporting.formats import Format
from humanseg.exporting.source import Source
from humanseg.exporting.verification.runners import open_file, run_network
from humanseg.exporting.verification.verify import (
    MOST_DICE_OFF,
    Tally,
    compare_on,
    complaints,
    odd_faults,
)
from humanseg.exporting.writers.write import Say
from humanseg.metrics.statistics import bootstrap_interval
from humanseg.system.progress import progress_on
from humanseg.system.terminal import console


@dataclass(frozen=True)
class Checked:
    """An export that is as good as its checkpoint.

    Attributes
    ----------
    said
        What the checkpoint says of valid.
    files
        What each file says of it.
    own
        Whether these are the photos that the run was scored on.
    data
        Counts, and the fingerprint of valid.
    """

    said: Tally
    files: dict[Format, Tally]
    own: bool
    data: dict[str, Any]

    def scores(self) -> dict[str, Any]:
        """Return the checkpoint's scores as the manifest has them."""
        means = self.said.scores.means()
        interval = bootstrap_interval(self.said.scores.table()["dice"].tolist())
        boundary = means["boundary_dice"]
        return {
            "dice": means["dice"],
            "dice_at_half": means["dice_at_half"],
            "interval": [interval.low, interval.high],
            # NaN, where no mask has a boundary, is null in JSON.
            "boundary_dice": None if math.isnan(boundary) else boundary,
            "photos": len(self.said.scores.table()),
        }


def check_files(
    source: Source,
    photos: PhotoData,
    own: bool,
    formats: Sequence[Format],
    max_drop: float,
    folder: Path,
    say: Say,
) -> Checked:
    """Run every file over all of valid and at odd sizes, next to the checkpoint.

    Parameters
    ----------
    source
        What was exported.
    photos
        Its data.
    own
        Whether its valid photos are those that the run was scored on.
    formats
        The files.
    max_drop
        Mean Dice that a file which is not exact may lose.
    folder
        Where they lie.
    say
        Told what is being done.

    Returns
    -------
    Checked
        The scores of all.

    Raises
    ------
    Refused
        A file predicts something else than the checkpoint, or the checkpoint something else than
        when it was trained.
    """
    network = source.network
    checkpoint = run_network(network)
    runners = {each.file: open_file(folder / each.file) for each in formats}
    total = len(photos.items("valid"))
    say("check", f"all of valid, {total} photos, each file beside the checkpoint")
    with progress_on(console, "photos") as move:
        said, tallies = compare_on(
            photos.whole_photos("valid"),
            checkpoint,
            runners,
            network.threshold,
            lambda done: move(done, total),
        )
    _require_as_trained(source, said, own)
    say("check", "odd sizes and batches")
    photo, _ = photos.split("valid").photos[0]
    found = []
    for each in formats:
        faults = complaints(each, tallies[each.file], said, max_drop)
        faults += odd_faults(photo, checkpoint, runners[each.file], each.exact, network.threshold)
        found += [f"  {each.file}: {fault}" for fault in faults]
    if found:
        raise Refused(
            f"Refused: on {total} valid photos, these files do not predict what the checkpoint of "
            f"{source.run.path} predicts, so none was written:\n" + "\n".join(found) + "\n"
            "Leave a format out by --formats, or allow int8 and fp16 a larger loss by --max-drop."
        )
    return Checked(said, {each: tallies[each.file] for each in formats}, own, _data(photos))


def _require_as_trained(source: Source, said: Tally, own: bool) -> None:
    recorded = source.summary.get("dice_at_half")
    if not own or source.config.get("tta") or not isinstance(recorded, float):
        return
    dice = said.scores.means()["dice_at_half"]
    if abs(dice - recorded) > MOST_DICE_OFF:
        raise Refused(
            f"Refused: the summary of {source.run.path} says Dice {recorded:.6f} at threshold 0.5, "
            f"but its best checkpoint gives {dice:.6f} on the same photos. Was a file of the run "
            "replaced, or is this another version of humanseg? Look at humanseg evaluate."
        )


def _data(photos: PhotoData) -> dict[str, Any]:
    counts: dict[str, Any] = {role: len(photos.items(role)) for role in ("train", "valid")}
    return counts | {"valid_sha256": photos.valid_sha256()}
