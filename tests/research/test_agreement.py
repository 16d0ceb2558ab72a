"""Records, notebook and documentation say the same, to the last digit."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from nbformat import NotebookNode

from humanseg.submission import score_file
from research.records import Records, read_columns
from research.sections import scoring
from research.show import Table
from tests.research.conftest import COMMITTED

ROOT = COMMITTED.parents[1]
RESULTS = ROOT / "docs" / "recipes"
LADDER, SWEEPS = ((RESULTS / f"{name}.md").read_text("utf-8") for name in ("ladder", "sweeps"))


def shown(cell: NotebookNode) -> dict[str, Any]:
    (output,) = cell.outputs
    data: dict[str, Any] = output["data"]
    return data


def outputs(notebook: NotebookNode) -> list[NotebookNode]:
    """Return the cells that show something; the first code cell opens the records."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"][1:]


def test_each_cell_shows_what_the_records_say_now(
    notebook: NotebookNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT / "notebooks")
    names: dict[str, Any] = {}
    first = next(cell for cell in notebook.cells if cell.cell_type == "code")
    exec(first.source, names)
    compared = 0
    for cell in outputs(notebook):
        # Pictures take their time; the notebook that is made anew has them too.
        if "image/png" not in shown(cell):
            assert shown(cell)["text/markdown"] == eval(cell.source, names)._repr_markdown_()
            compared += 1
    assert compared >= 30


def test_the_table_of_runs_is_the_one_of_the_readme(notebook: NotebookNode) -> None:
    (cell,) = [cell for cell in outputs(notebook) if "runs_table" in cell.source]
    said = {row[0].strip("`"): row for row in rows_of(shown(cell)["text/markdown"])}
    compared = 0
    for line in LADDER.splitlines():
        found = re.search(r"records/([\w/]+)/summary\.json\) \|$", line)
        if found:
            dice, outline, epochs = (part.strip() for part in line.split("|")[2:5])
            assert said[found[1]][1:3] == [dice, outline]
            assert said[found[1]][4] == epochs
            compared += 1
    assert compared >= 3


def rows_of(table: str) -> list[list[str]]:
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in table.splitlines()[2:]]


def test_the_effects_that_the_readme_tells_are_those_of_the_hypotheses(
    notebook: NotebookNode,
) -> None:
    (cell,) = [cell for cell in outputs(notebook) if "hypotheses_table" in cell.source]
    told = {row[1]: row for row in rows_of(shown(cell)["text/markdown"])}
    text = " ".join(SWEEPS.split())
    for claim, said in {
        "U-Net beats PSPNet.": r"U-Net is better than PSPNet by (\S+) \((\S+) to (\S+)\)",
        "Cross-entropy beside soft Dice beats soft Dice alone.": (
            r"adding cross-entropy to soft Dice by (\S+) \((\S+) to (\S+)\)"
        ),
    }.items():
        found = re.search(said, text)
        assert found
        gap, low, high = found.groups()
        assert told[claim][3:5] == [f"+{gap}", f"+{low} to +{high}"]


def test_other_ways_to_score_are_told_as_the_report_computes_them(records: Records) -> None:
    page = (ROOT / "docs" / "explanation" / "scoring.md").read_text("utf-8")
    table = page[page.index("| scoring |") :].split("\n\n")[0]
    report = scoring.ways_table(records)
    assert isinstance(report, Table)
    computed = {row[0]: row[1] for row in report.rows}
    ways = ("mean over photos, original size", "pooled over all pixels", "resized to 224×224")
    dice = [next(computed[name] for name in computed if name.startswith(way)) for way in ways]
    assert [row[1] for row in rows_of(table)] == dice


def test_summaries_are_the_means_of_their_scores(records: Records) -> None:
    assert len(records.runs) >= 4
    for run in records.runs.values():
        for name in ("dice", "boundary_dice"):
            mean = np.nanmean(run.scores.numbers(name))
            assert mean == pytest.approx(run.summary[name], abs=1e-9), run.name


def test_what_was_measured_belongs_to_the_scores(records: Records) -> None:
    assert records.measured_runs()
    for name, columns in records.measured_runs().items():
        run = records.runs[name]
        assert columns.text("id") == run.scores.text("id")
        assert columns.numbers("dice") == pytest.approx(run.scores.numbers("dice"), abs=1e-6)


def test_the_scores_of_sweeps_belong_to_their_tables(records: Records) -> None:
    assert records.sweeps()
    for sweep in records.sweeps():
        jobs = read_columns(sweep / "leaderboard.csv")
        for score in ("dice", "boundary_dice"):
            kept = read_columns(sweep / f"{score}.csv")
            means = dict(zip(jobs.text("run"), jobs.numbers(score), strict=True))
            # A job that failed, or a trial that was ended early, has no score.
            finished = {name: mean for name, mean in means.items() if np.isfinite(mean)}
            assert set(kept.texts) == {"id", *finished}
            for name, mean in finished.items():
                assert np.nanmean(kept.numbers(name)) == pytest.approx(mean, abs=1e-6)


def test_all_records_are_of_the_same_photos(records: Records) -> None:
    ids = records.table("data/perturbed.csv").text("id")
    kept = [run.scores.text("id") for run in records.runs.values()]
    assert all(one == ids for one in kept)
    train = set(records.table("data/masks.csv").text("id")) - set(ids)
    for sweep in records.sweeps():
        scored = read_columns(sweep / "dice.csv").text("id")
        # A fold of train spares the valid photos.
        assert scored == ids or set(scored) <= train, sweep.name
    prints = {json.dumps(run.summary["data"]) for run in records.runs.values()}
    assert len(prints) == 1


@pytest.mark.skipif(
    not (ROOT / "../shared/data/mil").is_dir(), reason="the real data are not at ../shared/data"
)
def test_the_trivial_answer_scores_what_the_record_says(records: Records, tmp_path: Path) -> None:
    everything = records.table("data/perturbed.csv")
    rows = [f"{id},1 76800" for id in everything.text("id")]
    (tmp_path / "all.csv").write_text("\n".join(["id,rle_mask", *rows]) + "\n", encoding="utf-8")
    report = score_file(tmp_path / "all.csv", ROOT / "../shared/data/mil", "valid")
    assert f"{everything.numbers('everything').mean():.4f}" in report.text()
