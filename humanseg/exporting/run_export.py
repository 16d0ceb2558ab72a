"""`humanseg export`: from a run to a folder of verified files."""

from dataclasses import dataclass
from pathlib import Path

from humanseg.evaluation.data import common_size
from humanseg.exporting.benchmark import Timing, table, time_all, time_files
from humanseg.exporting.card import render_card
from humanseg.exporting.folder import CARD, MANIFEST, Format, print_files, require_export_folder
from humanseg.exporting.manifest import make_manifest
from humanseg.exporting.quick import export_quick
from humanseg.exporting.select_run import SelectedRun
from humanseg.exporting.source import open_data, open_source
from humanseg.exporting.verify import Verification, verify
from humanseg.exporting.writers.write import write_formats
from humanseg.io.files import whole_folder, write_json, write_text
from humanseg.models.onnx.run_file import model_metadata
from humanseg.system.terminal import console

BRIEF_CALLS = 20
"""Calls behind each latency of the card."""
CALLS = 100
"""Calls behind each latency of `--benchmark`."""


@dataclass(frozen=True)
class ExportRequest:
    """The options of an export.

    Attributes
    ----------
    selected
        The run, and why it was chosen.
    out
        Where the export shall be.
    formats
        The files that it shall hold.
    data
        Where the data is; None: where the run found it.
    max_drop
        Mean Dice that a file which is not exact may lose on valid.
    overwrite
        Whether an earlier export at `out` may go.
    benchmark
        Whether to measure all files at length, next to torch.
    quick
        Whether to write the plain ONNX file only, checked on a few photos.
    """

    selected: SelectedRun
    out: Path
    formats: list[Format]
    data: Path | None
    max_drop: float
    overwrite: bool
    benchmark: bool
    quick: bool = False


def export(request: ExportRequest) -> None:
    """Write the best model of a run as files, each verified against its checkpoint, or nothing.

    Raise `Refused` where a file predicts something else than the checkpoint.
    """
    require_export_folder(request.out, request.overwrite)
    selected = request.selected
    notify("run", str(selected.run.path))
    for reason in selected.reasons:
        notify("", reason)
    source = open_source(selected.run, selected.checkpoint)
    photos, is_same_data = open_data(source, request.data)
    size = common_size(photos)
    if request.quick:
        export_quick(source, photos, size, request.out, notify)
        return
    metadata = model_metadata(source, size)
    with whole_folder(request.out) as folder:
        quantised = write_formats(
            source.network, photos, metadata, request.formats, request.max_drop, folder, notify
        )
        verification = verify(
            source, photos, is_same_data, request.formats, request.max_drop, folder, notify
        )
        paths = [folder / item.file for item in request.formats]
        if request.benchmark:
            timings = time_all(paths, source.run.path, size, CALLS, notify)
        else:
            timings = time_files(paths, size, BRIEF_CALLS, notify)
        manifest = make_manifest(
            folder,
            metadata,
            {file: tally.dice for file, tally in verification.files.items()},
            verification.scores(),
            verification.data,
            source.label,
            len(verification.checkpoint.scores.table()),
        )
        write_json(folder / MANIFEST, manifest)
        card = render_card(manifest, source, verification, timings, quantised, size)
        write_text(folder / CARD, card)
    _report(request, verification, timings)


def notify(what: str, text: str) -> None:
    """Print a line of what is being done."""
    console.print(f"{what:<10}{text}")


def _report(request: ExportRequest, verification: Verification, timings: list[Timing]) -> None:
    """Print the results and their folder."""
    console.print(
        f"\nDice on {len(verification.checkpoint.scores.table())} valid photos at their own size"
    )
    console.print(f"  {'checkpoint':<18}{verification.checkpoint.dice:.6f}")
    for file, tally in verification.files.items():
        console.print(
            f"  {file.file:<18}{tally.dice:.6f}  {tally.differing_share:.4%} of pixels differ"
        )
    if request.benchmark:
        console.print(f"\n{table(timings)}")
    console.print()
    print_files(request.out, (*(item.file for item in request.formats), CARD, MANIFEST))
