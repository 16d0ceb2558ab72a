"""The stages of `robust` and `robust_tiny`: what each gains in and out of distribution."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from humanseg.metrics.statistics import PairedDifference, paired_by_source
from research.records import Columns, Records
from research.sections.sources import SEEN
from research.show import Prose, Table, not_measured, say, score

_SCORES, _RECORD = "others/{}_stages.csv", "others/{}_recipe.json"
_NOBODY = "no person"


def stages_table(records: Records, model: str = "robust") -> Table | Prose:
    """Show each stage with its Dice on the task's photos and on those of other sources."""
    if not (records.folder / _SCORES.format(model)).is_file():
        return not_measured(f"the stages of recipe={model}", f"humanseg train recipe={model}")
    table, rows = records.table(_SCORES.format(model)), []
    for stage in _stages(records, model):
        name, gain = str(stage["name"]), stage.get("gain")
        sources = _by_source(table, name)
        cells = ["", "", ""]
        if gain and _has_sources(table, gain["over"]):
            other = compare_sources(table, name, gain["over"])
            cells = [
                f"{gain['dice']:+.4f} over `{gain['over']}`",
                f"{other.difference:+.4f}",
                f"{other.low:+.4f} to {other.high:+.4f}",
            ]
        mean = float(np.mean([dice.mean() for dice in sources.values()]))
        stage_cells = [f"`{name}`", str(stage["adds"]), score(stage["dice_at_half"])]
        false_positives = f"{_people_seen(table, name):.0%}"
        rows.append([*stage_cells, cells[0], f"{mean:.4f}", *cells[1:], false_positives])
    names = ["Dice, valid>", "gain>", "mean of the sources>", "gain>", "95 %, photos>"]
    return Table(["stage", "adds", *names, "person predicted where none is>"], rows)


def stages_text(records: Records, model: str = "robust") -> Prose:
    """Compare the last stage with the first one."""
    if not (records.folder / _SCORES.format(model)).is_file():
        return Prose("")
    table = records.table(_SCORES.format(model))
    names = [str(stage["name"]) for stage in _stages(records, model)]
    whole = compare_sources(table, names[-1], names[0])
    first, last = (_people_seen(table, name) for name in (names[0], names[-1]))
    return say(
        f"From `{names[0]}` to `{names[-1]}` the mean of the sources changes by "
        f"{whole.difference:+.4f} ({whole.low:+.4f} to {whole.high:+.4f}), and the share of photos "
        f"without people in which a person is predicted from {first:.0%} to {last:.0%}. "
        "Checkpoints and the last stage were selected on these photos, so the gains are upper "
        "bounds."
    )


def compare_sources(table: Columns, first: str, second: str) -> PairedDifference:
    """Compare two stages by their mean over the sources with people, photo by photo."""
    ours, theirs = _by_source(table, first), _by_source(table, second)
    return paired_by_source([(ours[name], theirs[name]) for name in ours])


def _stages(records: Records, model: str) -> list[Mapping[str, Any]]:
    """Return the stages of a recipe that are scored on other sources."""
    table = records.table(_SCORES.format(model))
    stages = records.config(_RECORD.format(model))["stages"]
    return [stage for stage in stages if _has_sources(table, str(stage["name"]))]


def _has_sources(table: Columns, stage: str) -> bool:
    return stage in table.text("stage")


def _people_seen(table: Columns, stage: str) -> float:
    return float((_of(table, stage, _NOBODY, "predicted_foreground") > SEEN).mean())


def _by_source(table: Columns, stage: str) -> dict[str, NDArray[np.float64]]:
    names = sorted(set(table.text("source")) - {_NOBODY})
    return {name: _of(table, stage, name, "dice") for name in names}


def _of(table: Columns, stage: str, source: str, column: str) -> NDArray[np.float64]:
    """Return a column for the photos of one stage and source, by id."""
    rows = [
        row
        for row, both in enumerate(zip(table.text("stage"), table.text("source"), strict=True))
        if both == (stage, source)
    ]
    ids = table.text("id")
    rows.sort(key=lambda row: ids[row])
    return table.numbers(column)[rows]
