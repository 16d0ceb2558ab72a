import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from humanseg.errors import HumansegError
from humanseg.runs import update_summary
from humanseg.runs.leaderboard import read_leaderboard
from humanseg.runs.ranking import rank
from humanseg.runs.record import RunRecord
from humanseg.runs.settings import Shipped
from humanseg.runs.tables import (
    conclusion,
    describe,
    footnotes,
    terminal_table,
    write_leaderboard_csv,
)

Make = Callable[..., RunRecord]
PHOTOS = np.random.default_rng(0).uniform(0.8, 0.9, 30)
NOISE = np.random.default_rng(1).normal(0, 0.01, 30)


def test_the_conclusion_says_what_can_be_said(make_record: Make, shipped: Shipped) -> None:
    best = make_record("a", PHOTOS + 0.05)
    close = make_record("b", PHOTOS + 0.0499 + NOISE - NOISE.mean(), lr=0.1)
    far = make_record("c", PHOTOS, lr=0.2)
    farther = make_record("d", PHOTOS - 0.1, lr=0.3)

    def said(*runs: RunRecord) -> str:
        return conclusion(rank(runs, shipped))

    assert said(best).startswith("a: Dice 0.90") and said(best).endswith(".")
    assert "Against lr 0.2 it is better by 0.0500, interval 0.0500 to 0.0500." in said(best, far)
    assert "It and lr 0.1 are not distinguishable on these 30 photos." in said(best, close)
    assert "1 of the others is not distinguishable" in said(best, close, far)
    alone = said(best, far, farther)
    assert "All others are worse on these 30 photos; the next, lr 0.2, is worse by" in alone


def test_the_terminal_shows_names_as_they_are(make_record: Make, shipped: Shipped) -> None:
    runs = [
        make_record("[red]a", PHOTOS + 0.05, seed=0, parameters=5_198_033, seconds=3000.0),
        make_record("[red]b", PHOTOS + 0.06, seed=1, parameters=5_198_033, seconds=3000.0),
        make_record("tuned", PHOTOS, lr=0.1, threshold=0.4),
    ]
    group = rank(runs, shipped)
    console = Console(width=200)
    with console.capture() as capture:
        console.print(terminal_table(group))
    shown = capture.get()
    assert "[red]a and 1 more" in shown and "5.20 M" in shown and "50 min 0 s" in shown
    first, second = shown.splitlines()[1:3]
    assert "0.0071 (2)" in first and "best" in first
    assert "*" in second and "-0.0" in second
    assert footnotes(group) == ["* interval and differences are of Dice at the run's own threshold"]


def test_the_data_are_described(make_record: Make, shipped: Shipped) -> None:
    fold = {"train": 960, "fold": 2, "folds": 5, "valid_sha256": "abcdef0123"}
    group = rank([make_record("a", PHOTOS, data=fold)], shipped)
    assert describe(group) == "30 valid photos, 960 to train, fold 2 of 5 (abcdef01)"


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
