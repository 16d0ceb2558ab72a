"""Folders that version 0.1.0 wrote are used by every later version as by their own.

`runs` and `exported` were written on the built-in sample by `humanseg train`, `train -m` and
`export`; GOLDEN stands in them for the folder that they lay in.
"""

import csv
import json
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import yaml

import humanseg
from humanseg.io.images import read_photo
from humanseg.io.rle import decode_rle
from humanseg.metrics.scores import dice
from tests.end_to_end.conftest import FORKED

if TYPE_CHECKING:
    from tests.end_to_end.conftest import Commands

GOLDEN = Path(__file__).parents[1] / "golden"
SIZE = (64, 48)


@pytest.fixture
def golden(sample_root: Path, tmp_path: Path) -> Path:
    """The folders as they lay, the photos beside them."""
    for name in ("runs", "exported"):
        shutil.copytree(GOLDEN / name, tmp_path / name)
    for path in [*tmp_path.rglob("*.yaml"), *tmp_path.rglob("*.json")]:
        path.write_text(path.read_text("utf-8").replace("GOLDEN", str(tmp_path)), "utf-8")
    shutil.copytree(sample_root, tmp_path / "data")
    return tmp_path


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def masks(path: Path) -> dict[str, Any]:
    return {row["id"]: decode_rle(row["rle_mask"], SIZE) for row in rows(path)}


@pytest.mark.parametrize("name", ["single", "taught", "sweep/loss=dice"])
def test_an_old_run_scores_what_it_scored(golden: Path, name: str, commands: "Commands") -> None:
    run = golden / "runs" / name
    summary = json.loads((run / "summary.json").read_text())
    done = commands.run("evaluate", run, cwd=golden)
    assert done.rc == 0, done.stderr
    for score in ("dice", "iou"):
        printed = re.search(rf"^{score} +([\d.]+)", done.stdout, re.MULTILINE)
        assert printed and float(printed[1]) == pytest.approx(summary[score], abs=1e-4)


def test_an_old_run_is_resumed_where_it_ended(golden: Path, commands: "Commands") -> None:
    run = golden / "runs" / "single"
    before = rows(run / "history.csv")
    done = commands.run("train", f"resume={run}", "trainer.max_epochs=3", cwd=golden)
    assert done.rc == 0, done.stderr
    after = rows(run / "history.csv")
    assert after[: len(before)] == before
    assert len(after) == 3


def test_an_old_sweep_is_found_done_and_goes_on(golden: Path, commands: "Commands") -> None:
    sweep = golden / "runs" / "sweep"
    overrides = yaml.safe_load((sweep / "loss=dice" / "summary.json").read_text())["overrides"]
    same = [word for word in overrides if not word.startswith(("loss=", "run_dir=", "sweep="))]
    before = (sweep / "loss=dice" / "summary.json").read_bytes()
    words = [
        "-m",
        *same,
        "loss=dice,bce,jaccard",
        "sweep=sweep",
        "runs_dir=runs",
        "save_onnx=false",
    ]
    done = commands.run("train", *words, cwd=golden, before=FORKED)
    assert done.rc == 0, done.stderr
    assert (sweep / "loss=dice" / "summary.json").read_bytes() == before
    new = json.loads((sweep / "loss=jaccard" / "summary.json").read_text())
    assert new["status"] == "finished"


def test_old_runs_are_ranked_as_they_were(golden: Path, commands: "Commands") -> None:
    done = commands.run("compare", "runs", cwd=golden)
    assert done.rc == 0, done.stderr
    ranked = {row["run"]: row for row in rows(golden / "runs" / "leaderboard.csv")}
    assert list(ranked) == ["sweep/loss=dice", "single", "sweep/loss=bce", "taught"]
    assert {row["group"] for row in ranked.values()} == {"1"}
    first = ranked["sweep/loss=dice"]
    assert float(first["dice_at_half"]) == pytest.approx(0.72764811)
    assert float(first["low"]) == pytest.approx(0.6304503, abs=1e-4)
    assert float(first["high"]) == pytest.approx(0.7779842, abs=1e-4)
    assert ranked["single"]["augmentation"] in ("world", "robust")


@pytest.mark.slow
def test_an_old_run_is_exported(golden: Path, commands: "Commands") -> None:
    done = commands.run("export", golden / "runs" / "single", "--out", "new", cwd=golden)
    assert done.rc == 0, done.stderr
    old, new = (json.loads((golden / x / "manifest.json").read_text()) for x in ("exported", "new"))
    assert new["threshold"] == old["threshold"]
    assert set(new["files"]) >= {"model.onnx"}


def test_an_old_export_predicts_what_the_run_predicted(golden: Path) -> None:
    model = humanseg.load(golden / "exported")
    run = masks(golden / "runs" / "single" / "pred_valid.csv")
    for key, mask in run.items():
        photo = read_photo(next((golden / "data" / "valid").glob(f"{key}.*")))
        assert dice(np.asarray(model(photo)) > 0, mask) > 0.99
