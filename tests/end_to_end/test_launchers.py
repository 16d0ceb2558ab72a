"""The jobs of a sweep by each launcher, as a person starts them."""

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

SMALLEST = (
    *(
        "backbone=plain",
        "backbone.widths=[4,8]",
        "model.decoder_channels=[4]",
        "augmentation=light",
    ),
    *("data.batch_size=2", "data.workers=0", "trainer=debug", "trainer.accelerator=cpu"),
    *("trainer.precision=32-true", "trainer.max_epochs=1", "logger=[csv]", "seed=1,2"),
)


def sweep(folder: Path, data: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Give a sweep of two jobs; nobody has said how many threads there shall be."""
    own = {key: value for key, value in os.environ.items() if key != "OMP_NUM_THREADS"}
    # Ray gives its jobs the lowest priority: on a busy machine this test would wait for ever.
    own["RAY_worker_niceness"] = "0"
    return subprocess.run(
        [sys.executable, "-m", "humanseg", "train", "-m", *SMALLEST]
        + [f"data.root={data}", "sweep=two", *words],
        cwd=folder,
        env=own,
        capture_output=True,
        text=True,
        timeout=900,
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("launcher", "plugin", "settings"),
    [
        ("joblib", "hydra_joblib_launcher", ["hydra.launcher.n_jobs=2"]),
        ("submitit_local", "hydra_submitit_launcher", ["threads=1"]),
        ("ray", "hydra_ray_launcher", ["hydra.launcher.ray.remote.num_cpus=1"]),
        ("joblib", "hydra_joblib_launcher", ["trainer=ddp", "trainer.devices=2", "threads=2"]),
    ],
    ids=["joblib", "submitit_local", "ray", "joblib and two devices"],
)
def test_each_job_of_a_sweep_becomes_a_run(
    sample_root: Path, tmp_path: Path, launcher: str, plugin: str, settings: list[str]
) -> None:
    if find_spec(f"hydra_plugins.{plugin}") is None:
        pytest.skip(f"{plugin} is not installed")
    words = (f"hydra/launcher={launcher}", *settings)
    done = sweep(tmp_path, sample_root, *words)
    assert done.returncode == 0, done.stderr
    runs = sorted((tmp_path / "runs/two").glob("seed=*"))
    assert [run.name for run in runs] == ["seed=1", "seed=2"]
    written = {run.name: (run / "summary.json").stat().st_mtime_ns for run in runs}
    for run in runs:
        summary = json.loads((run / "summary.json").read_text())
        assert (summary["status"], summary["sweep"]) == ("finished", "two")
        assert f"seed={summary['seed']}" == run.name
        assert (run / "pred_valid.csv").exists() and (run / "test.html").exists()
        if launcher != "submitit_local" and "threads=2" not in settings:
            each = max(1, len(os.sched_getaffinity(0)) // 2) if launcher == "joblib" else 1
            assert summary["device"].endswith(f", {each} threads")

    again = sweep(tmp_path, sample_root, *words)
    assert again.returncode == 0, again.stderr
    assert "2 finished" in again.stdout
    assert {run.name: (run / "summary.json").stat().st_mtime_ns for run in runs} == written
