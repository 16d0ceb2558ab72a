import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from humanseg.compare.leaderboard import read_leaderboard
from humanseg.config.find import conf_folder
from humanseg.io.images import read_mask
from humanseg.io.rle import decode_rle
from humanseg.metrics.scores import dice
from humanseg.runs import update_summary
from humanseg.runs.record import read_masks
from humanseg.runs.settings import read_shipped

SCRIPT = Path(__file__).parents[2] / "scripts" / "make_many_runs.py"
WriteRun = Callable[..., Path]


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_many_runs", SCRIPT)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["make_many_runs"] = module
    spec.loader.exec_module(module)
    return module


def test_made_runs_are_as_real_ones(
    script: ModuleType, write_run: WriteRun, compared_root: Path, tmp_path: Path
) -> None:
    real = [write_run(tmp_path / "real" / str(n), compared_root, noise=n) for n in (0, 1)]
    many = tmp_path / "many"
    assert script.main([*map(str, real), "--out", str(many), "--count", "7"]) == 0
    board = read_leaderboard([many], read_shipped(conf_folder()))
    (group,) = board.groups
    assert not board.broken and len(group.runs) == 7
    # Three seeds of each setting; the seventh run begins the next.
    assert sorted(group.entries["runs"]) == [1, 3, 3]
    assert {setting.key for setting in group.settings} <= {"model", "backbone", "loss"}
    run = group.runs[0]
    masks = read_masks(run)
    assert masks is not None
    for id, score in zip(run.ids, run.dice, strict=True):
        truth = read_mask(compared_root / "valid_mask" / f"{id}.png")
        assert dice(decode_rle(masks[id], (64, 48)), truth) == pytest.approx(score)
    assert max(dice for _, dice in run.curve) == pytest.approx(run.dice_at_half, abs=1e-6)


def test_a_run_that_is_not_finished_is_refused(
    script: ModuleType,
    write_run: WriteRun,
    compared_root: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    run = write_run(tmp_path / "run", compared_root)
    update_summary(run / "summary.json", status="failed")
    assert script.main([str(run), "--out", str(tmp_path / "many")]) == 2
    assert "is not a finished run" in capsys.readouterr().err
