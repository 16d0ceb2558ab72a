"""`humanseg export --quick`: the plain ONNX file of a run, checked on a few photos, in seconds."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from humanseg.data.module import PhotoData
from humanseg.errors import Refused
from humanseg.exporting.card import read_scores, render_card
from humanseg.exporting.folder import CARD, FORMATS, MANIFEST, notify, print_files
from humanseg.exporting.manifest import make_manifest
from humanseg.exporting.runners import open_file, run_network
from humanseg.exporting.source import ExportSource
from humanseg.exporting.verify import compare_on, complaints, odd_faults
from humanseg.io.files import whole_folder, write_json, write_text
from humanseg.metrics.statistics import bootstrap_interval
from humanseg.models.onnx.run_file import model_metadata, write_onnx

PHOTOS = 8
"""The file is compared with the checkpoint on so many valid photos."""
_ODD_SIZES = ((1, 1), (33, 47))
_FORMAT = FORMATS["onnx"]


def export_quick(
    source: ExportSource,
    photos: PhotoData,
    size: tuple[int, int],
    out: Path,
) -> None:
    """Write the plain ONNX file of a run, with a manifest and a card, whole or not at all.

    `size` is the height and width of most train photos. Raise `Refused` where the file predicts
    something else than the checkpoint.
    """
    with whole_folder(out) as folder:
        file = folder / _FORMAT.file
        if source.checkpoint is None and source.run.onnx.is_file():
            notify("onnx", f"the one of the run, {source.run.onnx}")
            shutil.copyfile(source.run.onnx, file)
        else:
            notify("onnx", "converting")
            write_onnx(source, size, file)
        checked = _check(source, photos, file)
        scores = _recorded_scores(source)
        manifest = make_manifest(
            folder,
            model_metadata(source, size),
            {_FORMAT: scores.get("dice")},
            scores,
            source.summary.get("data") or {},
            source.label,
            checked,
        )
        write_json(folder / MANIFEST, manifest)
        write_text(folder / CARD, render_card(manifest, source, None, [], None, size))
    print_files(out, (_FORMAT.file, CARD, MANIFEST))


def _check(source: ExportSource, photos: PhotoData, file: Path) -> int:
    """Compare the file with the checkpoint; return on how many photos."""
    checkpoint, runner = run_network(source.network), open_file(file)
    threshold = source.network.threshold
    batches = list(_first(photos, PHOTOS))
    count = sum(len(batch["id"]) for batch in batches)
    notify("check", f"{count} valid photos beside the checkpoint, and odd sizes")
    expected, tallies = compare_on(batches, checkpoint, {file.name: runner}, threshold)
    faults = complaints(_FORMAT, tallies[file.name], expected, 0.0)
    photo = batches[0]["image"][0].permute(1, 2, 0).contiguous().numpy()
    faults += odd_faults(photo, checkpoint, runner, True, threshold, _ODD_SIZES)
    if faults:
        raise Refused(
            f"Refused: on {count} valid photos, {file.name} does not predict what the checkpoint "
            f"of {source.run.path} predicts, so nothing was written: {'; '.join(faults)}. Take "
            "humanseg export without --quick, which converts it again and says more.",
            code="export.other_masks",
        )
    return count


def _first(photos: PhotoData, count: int) -> Iterator[dict[str, Any]]:
    """Yield batches of the first valid photos, as many as are requested."""
    for batch in photos.whole_photos("valid"):
        taken = len(batch["id"][:count])
        yield {name: value[:taken] for name, value in batch.items()}
        count -= taken
        if not count:
            return


def _recorded_scores(source: ExportSource) -> dict[str, Any]:
    """Return the scores that the training recorded; empty of another checkpoint than the best."""
    table = read_scores(source)
    if table is None:
        return {}
    interval = bootstrap_interval(table["dice"].tolist())
    names = ("dice", "dice_at_half", "boundary_dice")
    return {
        **{name: source.summary.get(name) for name in names},
        "interval": [interval.low, interval.high],
        "photos": len(table),
    }
