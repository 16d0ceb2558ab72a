"""What is found in folders, and its CSV."""

import csv
from collections.abc import Callable
from pathlib import Path

import pytest

from humanseg.errors import HumansegError
from humanseg.runs import update_summary
from humanseg.runs.csv_table import write_leaderboard_csv
from humanseg.runs.leaderboard import read_leaderboard
from humanseg.runs.settings import Shipped


def test_the_csv_has_a_row_for_each_run(
    write_run: Callable[..., Path], compared_root: Path, shipped: Shipped, tmp_path: Path
) -> None:
    runs = tmp_path / "runs"
    for seed in (0, 1):
        write_run(runs / f"good{seed}", compared_root, moved=1, seed=seed)
    write_run(runs / "a,b", compared_root, moved=4, parts={"loss": "dice"})
    other = {"train": 3, "valid": 12, "test": 1, "valid_sha256": "other"}
    write_run(runs / "elsewhere", compared_root, moved=0, data=other)
    failed = write_run(runs / "failed", compared_root)
    update_summary(failed / "summary.json", status="failed", failure='out of "memory"')
    board = read_leaderboard([runs], shipped)
    write_leaderboard_csv(tmp_path / "leaderboard.csv", board)
    with (tmp_path / "leaderboard.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    places = [(row["group"], row["rank"], row["run"]) for row in rows]
    assert places == [
        ("1", "1", "good0"),
        ("1", "1", "good1"),
        ("1", "2", "a,b"),
        ("2", "1", "elsewhere"),
        ("", "", "failed"),
    ]
    assert [row["loss"] for row in rows] == ["bce_dice", "bce_dice", "dice", "", ""]
    assert float(rows[0]["low"]) <= float(rows[0]["dice_at_half"]) <= float(rows[0]["high"])
    assert (rows[4]["status"], rows[4]["failure"]) == ("failed", 'out of "memory"')


def test_folders_without_runs_are_refused(tmp_path: Path, shipped: Shipped) -> None:
    with pytest.raises(HumansegError, match="no run in"):
        read_leaderboard([tmp_path], shipped)
    (tmp_path / "config.yaml").write_text("a: 1\n")
    with pytest.raises(HumansegError, match="no run in"):
        read_leaderboard([tmp_path], shipped)
