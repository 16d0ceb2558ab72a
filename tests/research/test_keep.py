"""From run folders to records."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from humanseg.errors import HumansegError
from humanseg.runs import RunFolder, update_summary
from research.keep import keep_recipe, keep_run, keep_sweep, without_folders
from research.records import open_records, read_columns

WriteRun = Callable[..., Path]


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("data.root=/mnt/big disk/photos", "data.root=photos"),
        ("teacher=[/a/runs/A,/a/runs/B]", "teacher=[A,B]"),
        (r"backbone.weights=C:\nets\lite0.safetensors", "backbone.weights=lite0.safetensors"),
        ("data.root=photos/mil", "data.root=photos/mil"),
        ("teacher=../runs/A", "teacher=../runs/A"),
        ("optimizer.lr=1e-3", "optimizer.lr=1e-3"),
    ],
)
def test_absolute_paths_are_cut_to_their_names(said: str, kept: str) -> None:
    assert without_folders({"overrides": [said]}) == {"overrides": [kept]}


def test_a_run_is_kept_with_its_numbers(
    write_run: WriteRun, compared_root: Path, tmp_path: Path
) -> None:
    run = RunFolder(write_run(tmp_path / "runs" / "a", compared_root))
    update_summary(run.summary, overrides=["data.root=/mnt/photos"])
    keep_run(run, tmp_path / "records" / "a")
    (kept,) = open_records(tmp_path / "records").runs.values()
    assert kept.summary["overrides"] == ["data.root=photos"]
    assert kept.dice == json.loads(run.summary.read_text())["dice_at_half"]
    assert kept.scores.numbers("dice").mean() == pytest.approx(kept.summary["dice"])
    update_summary(run.summary, status="failed", failure="no memory")
    with pytest.raises(HumansegError, match="only a finished run counts"):
        keep_run(run, tmp_path / "records" / "b")


def test_a_recipe_is_kept_with_the_file_that_has_its_number(
    write_run: WriteRun, compared_root: Path, tmp_path: Path
) -> None:
    folder, out = tmp_path / "runs" / "best", tmp_path / "records" / "best"
    run = RunFolder(write_run(folder / "last", compared_root))
    run.config.write_text("seed: 0\n")
    files = {"model.onnx": "larger file", "model.int8.onnx": "small"}
    (folder / "export").mkdir()
    for name, content in files.items():
        (folder / "export" / name).write_text(content)
    record = {
        "recipe": "best",
        "command": "humanseg train recipe=best data.root=/mnt/photos",
        "status": "running",
        "stages": [{"name": "first"}, {"name": "last"}],
        "model": {"files": {name: {} for name in [*files, "README.md"]}},
    }
    (folder / "record.json").write_text(json.dumps(record))
    with pytest.raises(HumansegError, match="only a finished recipe counts"):
        keep_recipe(folder, out)
    (folder / "record.json").write_text(json.dumps(record | {"status": "finished"}))
    keep_recipe(folder, out)
    kept = json.loads((out / "record.json").read_text())
    assert kept["command"] == "humanseg train recipe=best data.root=photos"
    assert [stage["name"] for stage in kept["stages"]] == ["first", "last"]
    assert (out / "model.int8.onnx").read_text() == "small"
    assert not (out / "model.onnx").exists()
    assert (out / "scores.csv").read_bytes() == run.scores.read_bytes()


def test_a_sweep_is_kept_with_the_scores_of_each_job(
    write_run: WriteRun, compared_root: Path, tmp_path: Path
) -> None:
    for loss, moved in (("dice", 4.0), ("bce_dice", 1.0)):
        write_run(tmp_path / "sweep" / loss, compared_root, moved=moved, parts={"loss": loss})
    keep_sweep(tmp_path / "sweep", tmp_path / "records")
    jobs = read_columns(tmp_path / "records" / "leaderboard.csv")
    scores = read_columns(tmp_path / "records" / "dice.csv")
    assert jobs.text("run") == ["bce_dice", "dice"] == list(scores.texts)[1:]
    means = [scores.numbers(name).mean() for name in jobs.text("run")]
    assert means == pytest.approx(jobs.numbers("dice"), abs=1e-6)
    assert np.isfinite(read_columns(tmp_path / "records" / "boundary_dice.csv").numbers("id")).all()


def test_folds_are_kept_with_the_scores_of_each_seed(
    write_run: WriteRun, compared_root: Path, tmp_path: Path
) -> None:
    for fold in range(2):
        for seed in range(2):
            data = {"train": 4, "valid": 3, "test": 2, "valid_sha256": f"{fold}" * 64}
            name = f"data.fold={fold},seed={seed}"
            moved = float(1 + fold + seed)
            write_run(tmp_path / "folds" / name, compared_root, moved=moved, seed=seed, data=data)
    keep_sweep(tmp_path / "folds", tmp_path / "records")
    table = read_columns(tmp_path / "records" / "folds.csv")
    assert list(table.texts) == ["fold", "seed", "id", "dice", "boundary_dice"]
    cells = set(zip(table.text("fold"), table.text("seed"), strict=True))
    assert cells == {("0", "0"), ("0", "1"), ("1", "0"), ("1", "1")}
    assert len(table) % 4 == 0 and not (tmp_path / "records" / "leaderboard.csv").exists()
