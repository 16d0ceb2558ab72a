"""What is found in folders, and its CSV."""

import csv
from collections.abc import Callable
from pathlib import Path

import pytest

from humanseg.compare.leaderboard import read_leaderboard
from humanseg.errors import HumansegError
from humanseg.io.tables import write_table
from humanseg.runs import update_summary
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
    write_table(tmp_path / "leaderboard.csv", board.table())
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


def test_what_other_programs_keep_in_a_run_is_no_news(
    write_run: Callable[..., Path], compared_root: Path, shipped: Shipped, tmp_path: Path
) -> None:
    run = write_run(tmp_path / "runs" / "a", compared_root)
    write_run(run / "nested" / "b", compared_root, changes={"optimizer.lr": 0.1})
    broken = write_run(tmp_path / "runs" / "broken", compared_root)
    (broken / "scores.csv").unlink()
    logs = "wandb/offline-run-20260101_000000-abc/files"
    for place in (run / logs, run / "mlruns/0", run / "lightning_logs/version_0", broken / "x"):
        place.mkdir(parents=True)
        (place / "config.yaml").write_text("wandb_version: 1\n")
        (place / "summary.json").write_text("{}")
    # wandb may have been told to keep its logs beside the runs.
    beside = tmp_path / "runs" / logs
    beside.mkdir(parents=True)
    (beside / "config.yaml").write_text("wandb_version: 1\n")
    board = read_leaderboard([tmp_path / "runs"], shipped)
    assert [run.name for group in board.groups for run in group.runs] == ["a", "a/nested/b"]
    assert board.foreign == {} and list(board.broken) == ["broken"]
    other = tmp_path / "runs" / "other"
    other.mkdir()
    (other / "config.yaml").write_text("a: 1\n")
    assert list(read_leaderboard([tmp_path / "runs"], shipped).foreign) == ["other"]


def test_folders_without_runs_are_refused(tmp_path: Path, shipped: Shipped) -> None:
    with pytest.raises(HumansegError, match="no run in"):
        read_leaderboard([tmp_path], shipped)
    (tmp_path / "config.yaml").write_text("a: 1\n")
    with pytest.raises(HumansegError, match="no run in"):
        read_leaderboard([tmp_path], shipped)
