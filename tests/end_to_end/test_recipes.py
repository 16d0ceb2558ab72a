"""A recipe as a person runs it: killed between its stages and within them, then done."""

import json
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.end_to_end.conftest import SMALLEST

if TYPE_CHECKING:
    from tests.end_to_end.conftest import Commands

STAGES: dict[str, Any] = {
    "a": {"adds": "all"},
    "b": {"settings": {"seed": 1}},
    "c": {
        "settings": {
            "init_from": ["stage:a", "stage:b"],
            "distillation": {"teachers": "stage:a"},
            "optimizer": {"lr": 0.001},
        }
    },
}


@pytest.fixture
def words(tmp_path: Path, sample_root: Path) -> list[str]:
    """The command, without `humanseg`."""
    (tmp_path / "conf/recipe").mkdir(parents=True)
    text = yaml.safe_dump({"export": ["onnx"], "stages": STAGES})
    (tmp_path / "conf/recipe/mine.yaml").write_text(text)
    where = [f"data.root={sample_root}", f"run_dir={tmp_path / 'mine'}", "callbacks=[none]"]
    return ["train", "--config-dir", str(tmp_path / "conf"), "recipe=mine", *SMALLEST, *where]


@pytest.mark.slow
def test_a_recipe_that_is_killed_at_any_moment_goes_on(
    commands: "Commands", words: list[str], tmp_path: Path
) -> None:
    folder = tmp_path / "mine"
    words.append("trainer.max_epochs=3")
    within = commands.start(*words)
    within.wait_for_text("epoch 2/")
    within.send(signal.SIGKILL)
    within.wait()
    within.wait_for_nobody()
    assert json.loads((folder / "a/summary.json").read_text())["status"] == "running"
    between = commands.start(*words)
    between.wait_for_text("stage   b")
    assert "epoch 1/" not in between.stdout().split("stage   b")[0]
    between.send(signal.SIGKILL)
    between.wait()
    between.wait_for_nobody()
    done = commands.run(*words)
    assert done.rc == 0, done.stderr
    assert "stage   a" not in done.stdout
    record = json.loads((folder / "record.json").read_text())
    assert [stage["status"] for stage in record["stages"]] == ["finished"] * 3
    assert [stage["epochs"] for stage in record["stages"]] == [3, 3, 3]
    assert record["model"]["files"]["model.onnx"]["bytes"] > 1000
    for name in ("pred_valid.csv", "test.html", "valid.html", "scores.csv", "index.html"):
        assert (folder / name).is_file(), name
    assert (folder / "pred_valid.csv").read_bytes() == (folder / "c/pred_valid.csv").read_bytes()
    shown = commands.run("compare", folder)
    assert shown.rc == 0 and shown.stdout.startswith(f"Stages of {folder}")


@pytest.mark.slow
def test_stages_that_do_not_wait_for_one_another_run_at_once(
    commands: "Commands", words: list[str], tmp_path: Path
) -> None:
    pytest.importorskip("hydra_plugins.hydra_joblib_launcher")
    done = commands.run(*words, "trainer.max_epochs=1", "hydra/launcher=joblib")
    assert done.rc == 0, done.stderr
    record = json.loads((tmp_path / "mine/record.json").read_text())
    assert [stage["status"] for stage in record["stages"]] == ["finished"] * 3
