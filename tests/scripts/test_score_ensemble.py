"""The mean of several runs: members score what they say, and the mean is of probabilities."""

import csv
import runpy
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from humanseg.runs import RunFolder, open_run, read_summary

SCRIPT = Path(__file__).parents[2] / "scripts" / "score_ensemble.py"
ensemble = SimpleNamespace(**runpy.run_path(str(SCRIPT)))


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory, compose: Callable) -> list[RunFolder]:
    from humanseg.training.train import train

    folders = [tmp_path_factory.mktemp("ensemble") / name for name in ("one", "other")]
    for seed, folder in enumerate(folders):
        train(compose(f"run_dir={folder}", f"seed={seed}"))
    return [open_run(folder) for folder in folders]


def test_members_score_what_their_runs_say(
    runs: list[RunFolder], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "ensembles.csv"
    assert ensemble.main([*(str(run.path) for run in runs), "--csv", str(file)]) == 0
    printed = dict(line.split() for line in capsys.readouterr().out.splitlines()[:-1])
    assert list(printed) == ["one", "other", "mean", "mean_tta"]
    for run in runs:
        said = read_summary(run.summary)["dice_at_half"]
        assert float(printed[run.path.name]) == pytest.approx(said, abs=1e-6)
    with file.open(newline="", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    for name, mean in printed.items():
        assert sum(float(row[name]) for row in rows) / len(rows) == pytest.approx(
            float(mean), abs=1e-6
        )


def test_a_run_beside_its_copy_changes_nothing(runs: list[RunFolder], tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(runs[0].path, copy)
    for row in ensemble.score_photos([runs[0].path, copy]):
        assert row["one"] == row["copy"] == row["mean"]
    apart = ensemble.score_photos([run.path for run in runs])
    assert any(row["mean"] not in (row["one"], row["other"]) for row in apart)


def test_what_is_wrong_is_said(
    runs: list[RunFolder], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ensemble.main([str(tmp_path / "none")]) == 2
    assert "none" in capsys.readouterr().err
    assert ensemble.main([str(runs[0].path), str(runs[0].path)]) == 2
    assert "rename" in capsys.readouterr().err
