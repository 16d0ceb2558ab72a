"""`humanseg export`: from a run to a folder of checked files."""

from dataclasses import dataclass
from pathlib import Path

from humanseg.exporting.card import render_card
from humanseg.exporting.folder import CARD, MANIFEST, require_export_folder
from humanseg.exporting.formats import Format
from humanseg.exporting.manifest import describe_file, facts, make_manifest
from humanseg.exporting.select_run import Pick
from humanseg.exporting.source import Source, common_size, long_side_of, open_data, open_source
from humanseg.exporting.verification.benchmark import Timing, table, time_all, time_files
from humanseg.exporting.verification.check_files import Checked, check_files
from humanseg.exporting.writers.write import Kept, write_formats
from humanseg.io.files import whole_folder, write_json, write_text
from humanseg.system.terminal import console

BRIEF_CALLS = 20
"""Calls behind each latency of the card."""
CALLS = 100
"""Calls behind each latency of `--benchmark`."""


@dataclass(frozen=True)
class Order:
    """What was asked for.

    Attributes
    ----------
    pick
        The run, and why it was chosen.
    out
        Where the export shall be.
    formats
        The files that it shall hold.
    data
        Where the data lies; None: where the run found it.
    max_drop
        Mean Dice that a file which is not exact may lose on valid.
    overwrite
        Whether an earlier export at `out` may go.
    benchmark
        Whether to measure all files at length, next to torch.
    """

    pick: Pick
    out: Path
    formats: list[Format]
    data: Path | None
    max_drop: float
    overwrite: bool
    benchmark: bool


def export(order: Order) -> None:
    """Write the best model of a run as files, each checked against its checkpoint.

    Parameters
    ----------
    order
        What was asked for.

    Raises
    ------
    HumansegError
        A person must change something; nothing was written.
    Refused
        A file predicts something else than the checkpoint; nothing was written.
    """
    require_export_folder(order.out, order.overwrite)
    pick = order.pick
    say("run", str(pick.run.path))
    for reason in pick.reasons:
        say("", reason)
    source = open_source(pick.run)
    photos, own = open_data(source, order.data)
    size = common_size(photos)
    about = facts(source.name, source.network.threshold, long_side_of(source.config, size))
    with whole_folder(order.out) as folder:
        kept = write_formats(
            source.network, photos, about, order.formats, order.max_drop, folder, say
        )
        checked = check_files(source, photos, own, order.formats, order.max_drop, folder, say)
        paths = [folder / each.file for each in order.formats]
        if order.benchmark:
            timings = time_all(paths, source.run.path, size, CALLS, say)
        else:
            timings = time_files(paths, size, BRIEF_CALLS, say)
        _describe(folder, source, checked, timings, kept, about, size)
    _report(order, checked, timings)


def say(what: str, text: str) -> None:
    """Print a line of what is being done."""
    console.print(f"{what:<10}{text}")


def _describe(
    folder: Path,
    source: Source,
    checked: Checked,
    timings: list[Timing],
    kept: Kept | None,
    about: dict[str, object],
    size: tuple[int, int],
) -> None:
    """Write the manifest and the card."""
    files = {
        each.file: describe_file(folder / each.file, each, tally.dice)
        for each, tally in checked.files.items()
    }
    manifest = make_manifest(about, files, checked.scores(), checked.data, source.run.path.name)
    write_json(folder / MANIFEST, manifest)
    card = render_card(manifest, source, checked, timings, kept, size)
    write_text(folder / CARD, card)


def _report(order: Order, checked: Checked, timings: list[Timing]) -> None:
    """Say what came out, and where it lies."""
    console.print(f"\nDice on {len(checked.said.scores.table())} valid photos at their own size")
    console.print(f"  {'checkpoint':<18}{checked.said.dice:.6f}")
    for each, tally in checked.files.items():
        console.print(
            f"  {each.file:<18}{tally.dice:.6f}  {tally.differing_share:.4%} of pixels differ"
        )
    if order.benchmark:
        console.print(f"\n{table(timings)}")
    console.print()
    for name in (*(each.file for each in order.formats), CARD, MANIFEST):
        path = order.out / name
        console.print(f"{path}  {path.stat().st_size / 1e6:.2f} MB")
