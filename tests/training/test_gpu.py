"""A training on a CUDA GPU, from the first step to the files."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from humanseg.models.checkpoint import read_checkpoint
from humanseg.runs import RunFolder, read_summary

pytestmark = pytest.mark.gpu

Train = Callable[..., RunFolder]

GPU = (
    "trainer=gpu",
    "trainer.precision=auto",
    "trainer.max_epochs=2",
    "callbacks=[ema]",
    "data.workers=2",
)


@pytest.fixture(scope="module")
def on_gpu(tmp_path_factory: pytest.TempPathFactory, train_run: Train) -> RunFolder:
    """A finished run of two epochs: read only."""
    return train_run(tmp_path_factory.mktemp("gpu") / "run", *GPU)


def test_a_training_ends_with_its_files(on_gpu: RunFolder) -> None:
    assert on_gpu.submission.is_file() and (on_gpu.path / "test.html").is_file()
    best = read_checkpoint(on_gpu.best)
    assert {tensor.device.type for tensor in best["state_dict"].values()} == {"cpu"}


def test_a_machine_without_a_gpu_scores_it_the_same(
    on_gpu: RunFolder, command_line: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    done = command_line("evaluate", on_gpu.path)
    assert done.rc == 0, done.stderr
    said = re.search(r"^dice +(\d\.\d+)", done.stdout, re.MULTILINE)
    assert said is not None, done.stdout
    assert float(said[1]) == pytest.approx(read_summary(on_gpu.summary)["dice"], abs=1e-3)


def test_a_training_goes_on(
    tmp_path: Path, train_run: Train, on_gpu: RunFolder, command_line: Callable[..., Any]
) -> None:
    run = train_run(tmp_path / "run", *GPU, "trainer.max_epochs=1")
    done = command_line("train", f"resume={run.path}", "trainer.max_epochs=2")
    assert done.rc == 0, done.stderr
    one, other = (read_checkpoint(each.last) for each in (on_gpu, run))
    assert one["global_step"] == other["global_step"]
    assert one["averaging_state"]["n_averaged"] == other["averaging_state"]["n_averaged"]


def test_a_run_made_on_the_cpu_teaches_one_on_the_gpu(
    tmp_path: Path, train_run: Train, trained: RunFolder
) -> None:
    taught = train_run(tmp_path / "run", *GPU, f"distillation.teachers={trained.path}")
    assert taught.submission.is_file()
