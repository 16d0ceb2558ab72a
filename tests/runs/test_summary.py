import json
from pathlib import Path

import pytest

from humanseg.errors import HumansegError
from humanseg.runs import (
    RunFolder,
    read_summary,
    recorded_status,
    run_lock,
    run_status,
    update_summary,
)


def test_a_run_without_a_summary_has_an_empty_one(tmp_path: Path) -> None:
    assert read_summary(tmp_path / "summary.json") == {}


def test_values_are_set_and_others_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "summary.json"
    update_summary(path, status="running", dice=0.5)
    whole = update_summary(path, status="finished", data={"train": 3})
    assert whole == {"status": "finished", "dice": 0.5, "data": {"train": 3}}
    assert read_summary(path) == whole == json.loads(path.read_text())


def test_what_is_no_number_becomes_null_at_any_depth(tmp_path: Path) -> None:
    path = tmp_path / "summary.json"
    nan, infinite = float("nan"), float("inf")
    update_summary(path, a=nan, b=-infinite, c=1.5, d={"e": nan, "f": [infinite, 2]})
    assert read_summary(path) == {
        "a": None,
        "b": None,
        "c": 1.5,
        "d": {"e": None, "f": [None, 2]},
    }
    assert "NaN" not in path.read_text() and "Infinity" not in path.read_text()


def test_a_failed_write_leaves_the_former_summary(tmp_path: Path) -> None:
    path = tmp_path / "summary.json"
    update_summary(path, dice=0.5)
    with pytest.raises(TypeError):
        update_summary(path, dice=object())
    assert read_summary(path) == {"dice": 0.5}
    assert [child.name for child in tmp_path.iterdir()] == ["summary.json"]


@pytest.mark.parametrize("content", ["{broken", "[1, 2]", ""])
def test_a_file_that_is_no_summary_is_named(tmp_path: Path, content: str) -> None:
    path = tmp_path / "summary.json"
    path.write_text(content)
    with pytest.raises(HumansegError, match="summary.json"):
        read_summary(path)


@pytest.mark.parametrize(
    ("summary", "status"),
    [
        ({"status": "failed", "failure": "stopped by SIGTERM"}, "interrupted"),
        ({"status": "failed", "failure": "Pruned after epoch 2", "pruned": True}, "pruned"),
        ({"status": "failed", "failure": "The loss became nan", "pruned": False}, "failed"),
        ({"status": "finished"}, "finished"),
        ({"status": "interrupted", "failure": "stopped by SIGINT"}, "interrupted"),
        ({"status": "odd"}, "running"),
        ({}, "running"),
    ],
)
def test_summaries_of_every_version_have_one_status(
    summary: dict[str, object], status: str
) -> None:
    assert recorded_status(summary) == status


def test_a_run_that_nobody_works_at_is_not_running(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    killed = {"status": "running"}
    assert run_status(run, killed) == "interrupted"
    with run_lock(run.lock):
        assert run_status(run, killed) == "running"
        assert run_status(run, {"status": "finished"}) == "finished"
