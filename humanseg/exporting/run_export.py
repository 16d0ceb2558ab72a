"""`humanseg export`: from a run to a folder of verified files."""

from collections.abc import Sequence
from pathlib import Path

from humanseg.evaluation.data import common_size
from humanseg.exporting.benchmark import table, time_all, time_files
from humanseg.exporting.card import render_card
from humanseg.exporting.folder import (
    CARD,
    MANIFEST,
    Format,
    notify,
    print_files,
    require_export_folder,
)
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


def export(
    selected: SelectedRun,
    out: Path,
    formats: Sequence[Format],
    *,
    data: Path | None = None,
    max_drop: float = 0.003,
    overwrite: bool = False,
    benchmark: bool = False,
    quick: bool = False,
) -> None:
    """Write the best model of a run, or an ensemble, as verified files, or nothing.

    Parameters
    ----------
    selected
        The run, why it was chosen, and what is averaged with it.
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

    Raises
    ------
    Refused
        A file predicts something else than the checkpoint.
    """
    require_export_folder(out, overwrite)
    notify("run", str(selected.run.path))
    for reason in selected.reasons:
        notify("", reason)
    for path, weight in selected.ensemble.items():
        notify("with", f"{path}, with a weight of {weight:g}")
    source = open_source(selected.run, selected.checkpoint, selected.ensemble)
    photos, is_same_data = open_data(source, data)
    size = common_size(photos)
    if quick:
        export_quick(source, photos, size, out)
        return
    metadata = model_metadata(source, size)
    with whole_folder(out) as folder:
        quantised = write_formats(source.network, photos, metadata, formats, max_drop, folder)
        verification = verify(source, photos, is_same_data, formats, max_drop, folder)
        paths = [folder / item.file for item in formats]
        if benchmark and not source.ensemble:
            timings = time_all(paths, source.run.path, size, CALLS)
        else:  # in torch, an ensemble is nowhere to be opened from
            timings = time_files(paths, size, CALLS if benchmark else BRIEF_CALLS)
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
    _report(verification)
    if benchmark:
        console.print(f"\n{table(timings)}")
    console.print()
    print_files(out, (*(item.file for item in formats), CARD, MANIFEST))


def _report(verification: Verification) -> None:
    """Print the scores of the checkpoint and of the files."""
    console.print(
        f"\nDice on {len(verification.checkpoint.scores.table())} valid photos at their own size"
    )
    console.print(f"  {'checkpoint':<18}{verification.checkpoint.dice:.6f}")
    for file, tally in verification.files.items():
        console.print(
            f"  {file.file:<18}{tally.dice:.6f}  {tally.differing_share:.4%} of pixels differ"
        )
