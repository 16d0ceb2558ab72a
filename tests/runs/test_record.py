import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from humanseg.errors import HumansegError
from humanseg.io.rle import decode_rle
from humanseg.runs import RunFolder, run_lock, update_summary
from humanseg.runs.record import NotARun, data_key, read_masks, read_run

WriteRun = Callable[..., Path]


@pytest.fixture
def run(write_run: WriteRun, compared_root: Path, tmp_path: Path) -> RunFolder:
    return RunFolder(write_run(tmp_path / "run", compared_root, moved=2))


def test_a_finished_run_tells_its_scores(run: RunFolder) -> None:
    record = read_run(run, "sweep/run")
    assert (record.name, record.status, record.finished) == ("sweep/run", "finished", True)
    assert record.ids == tuple(map(str, range(1, 13)))
    assert record.dice.mean() == pytest.approx(record.dice_at_half)
    assert record.dice["3"] == record.scores.loc["3", "dice"]
    assert len(record.curve) == 3 and record.threshold == 0.5
    assert record.number("parameters") == 5_198_033 and record.number("status") is None


def test_its_masks_come_by_id(run: RunFolder) -> None:
    record = read_run(run, "run")
    masks = read_masks(record)
    assert masks is not None and tuple(masks) == record.ids
    assert decode_rle(masks["3"], (64, 48)).any()


@pytest.mark.parametrize("text", ["", "id,rle_mask\n1,5 3\n", "a,b\n", "id,rle_mask\n1\n"])
def test_masks_of_other_photos_are_none(run: RunFolder, text: str) -> None:
    record = read_run(run, "run")
    run.submission.write_text(text)
    assert read_masks(record) is None
    run.submission.unlink()
    assert read_masks(record) is None


def test_a_failed_run_says_why_and_needs_no_scores(run: RunFolder) -> None:
    update_summary(run.summary, status="failed", failure="The loss became nan")
    run.scores.unlink()
    record = read_run(run, "run")
    assert (record.status, record.failure, record.finished) == (
        "failed",
        "The loss became nan",
        False,
    )


def test_a_run_under_way_is_told_from_one_that_was_killed(run: RunFolder) -> None:
    update_summary(run.summary, status="running")
    assert read_run(run, "run").status == "interrupted"
    with run_lock(run.lock):
        assert read_run(run, "run").status == "running"
    run.summary.unlink()
    assert read_run(run, "run").status == "interrupted"


def test_a_record_without_its_config_can_be_read(run: RunFolder) -> None:
    run.config.unlink()
    record = read_run(run, "run")
    assert record.finished and record.config == {}


@pytest.mark.parametrize("name", ["config.yaml", "summary.json"])
def test_files_of_another_program_are_no_run(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text('{"version": 2}')
    with pytest.raises(NotARun, match="another program"):
        read_run(RunFolder(tmp_path), "x")


def spoil(run: RunFolder, what: str) -> None:
    if what == "tag":
        run.config.write_text("model: !!python/object:os.system {}\n")
    if what == "list":
        run.config.write_text("- 1\n")
    if what == "summary":
        run.summary.write_text("{")
    if what == "gone":
        run.scores.unlink()
    if what == "cut":
        run.scores.write_text("id,dice\n1,0.5\n2,\n")
    if what == "twice":
        run.scores.write_text("id,dice\n1,0.5\n1,0.5\n")
    if what == "older":
        update_summary(run.summary, dice=0.5)
    if what == "empty":
        update_summary(run.summary, dice_at_half=None)


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("tag", "config.yaml is not plain YAML"),
        ("list", "config.yaml holds no settings"),
        ("summary", "cannot be read"),
        ("gone", "scores.csv is missing"),
        ("cut", "scores.csv is broken"),
        ("twice", "scores.csv is broken"),
        ("older", "says Dice 0.5000, but scores.csv has a mean of 0.9"),
        ("empty", "has no Dice"),
    ],
)
def test_what_is_broken_is_said(run: RunFolder, what: str, message: str) -> None:
    spoil(run, what)
    with pytest.raises(HumansegError, match=message):
        read_run(run, "run")


def test_a_broken_history_costs_the_curve_only(run: RunFolder) -> None:
    run.history.write_text("epoch,val_dice\n1,0.5\n2,\nx,0.9\n")
    record = read_run(run, "run")
    assert record.finished
    assert record.curve == [(1, 0.5)]


def test_valid_ids_and_masks_make_runs_comparable_and_nothing_else(run: RunFolder) -> None:
    record = read_run(run, "run")
    data = json.loads(run.summary.read_text())["data"]

    def with_data(**changes: Any) -> str:
        update_summary(run.summary, data=data | changes)
        return data_key(read_run(run, "moved/run"))

    assert with_data(train=1, test=99) == data_key(record) == with_data(fold=1, folds=5)
    assert with_data(valid_sha256="other") != data_key(record)
    # Of an old run that says nothing of its masks, all that it says of its data must be the same.
    assert with_data(valid_sha256=None) != with_data(valid_sha256=None, train=1)
    scores = run.scores.read_text().replace("\n12,", "\n13,")
    run.scores.write_text(scores)
    assert with_data() != data_key(record)
