"""A training flows in by a record: the recipes' table."""

from pathlib import Path

import pytest

from humanseg.errors import HumansegError
from research.records import Records, open_records
from research.sections.results import (
    lineage,
    measures_table,
    next_steps_text,
    recipes_table,
)
from tests.research.conftest import MakeRun


def row(folder: Path, recipe: str) -> list[str]:
    (found,) = [list(row) for row in recipes_table(open_records(folder)).rows if recipe in row[0]]
    return found


@pytest.mark.parametrize(
    ("dice", "verdict"),
    [
        (0.975, "0.0050 below the floor"),
        (0.985, "floor reached; 0.0020 to the goal"),
        (0.987, "goal reached"),
    ],
)
def test_a_record_is_held_against_floor_and_goal(
    make_run: MakeRun, tmp_path: Path, dice: float, verdict: str
) -> None:
    make_run("tiny", [0.9])
    assert row(tmp_path, "=best`")[4:] == ["–", "–", "not trained yet"]
    make_run("best", [dice, dice])
    assert row(tmp_path, "=best`")[4:] == [f"{dice:.4f}", "1", verdict]


def test_further_seeds_are_folded(make_run: MakeRun, tmp_path: Path) -> None:
    for name, dice in (("best", 0.98), ("best/seed1", 0.982), ("best/seed2", 0.984)):
        make_run(name, [dice])
    make_run("best/teacher", [0.5])
    assert row(tmp_path, "=best`")[4:6] == ["0.9820 ± 0.0020", "3"]
    records = open_records(tmp_path)
    assert records.best().name == "best/seed2"
    assert "`best` has" not in next_steps_text(records).text
    assert "`best_pspnet` has no record" in next_steps_text(records).text


def test_what_a_run_rests_on_comes_before_it(make_run: MakeRun, tmp_path: Path) -> None:
    make_run("best", [0.98], overrides=["init_from=b", "teacher=[b,c]", "run_dir=a"])
    make_run("best/teacher", [0.97], overrides=["init_from=d", "run_dir=b"])
    make_run("best/start", [0.96], overrides=["backbone=plain", "run_dir=d"])
    make_run("elsewhere", [0.95], overrides=["run_dir=e"])
    records = open_records(tmp_path)
    assert [run.name for run in lineage(records, records.runs["best"])] == [
        "best/start",
        "best/teacher",
        "best",
    ]
    # A folder that was used twice: the record that names itself ends it.
    make_run("best/start", [0.96], overrides=["init_from=a", "run_dir=d"])
    records = open_records(tmp_path)
    assert [run.name for run in lineage(records, records.runs["best"])] == [
        "best/start",
        "best/teacher",
        "best",
    ]


def test_a_record_that_is_not_one_is_named(make_run: MakeRun, tmp_path: Path) -> None:
    folder = make_run("best", [0.98])
    (folder / "summary.json").write_text('{"status": "failed"}', encoding="utf-8")
    with pytest.raises(HumansegError, match="not the summary of a finished run"):
        open_records(tmp_path)


def test_other_measures_are_of_the_masks_that_the_dice_is_of(records: Records) -> None:
    rows = measures_table(records).rows
    assert len(rows) >= 2
    for _, dice, iou, precision, recall, *_, lowest in rows:
        low, middle, high = sorted(map(float, (precision, dice, recall)))
        assert low < middle < high and middle == float(dice)
        # Of one photo it is Dice / (2 - Dice), which is convex.
        assert float(iou) >= float(dice) / (2 - float(dice)) - 1e-4
        assert float(lowest) < float(dice)
