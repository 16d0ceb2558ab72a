"""Verdicts follow from the jobs of a sweep that differ in one setting alone."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from humanseg.errors import HumansegError
from humanseg.io.tables import write_table
from research.records import open_records
from research.sections.hypotheses import (
    HOLDS,
    OPEN,
    OPPOSITE,
    Hypothesis,
    count_said,
    read_hypotheses,
)

PHOTOS = 40
COLUMNS = ("run", "status", "dice", "seed", "seconds", "peak_memory_mb", "model", "loss")
Sweep = Callable[..., list[Hypothesis]]


@pytest.fixture
def sweep(tmp_path: Path) -> Sweep:
    """Write a sweep over model and loss, U-Net 0.02 better, and read its hypotheses."""

    def write(*claims: dict[str, object], seeds: int = 2, missing: str = "") -> list[Hypothesis]:
        photos = np.random.default_rng(0).normal(0.9, 0.01, PHOTOS)
        either_way = 0.003 * (-1.0) ** np.arange(PHOTOS)
        jobs, scores = [], {}
        for seed in range(seeds):
            for model, gain in (("unet", 0.02), ("pspnet", 0.0)):
                for loss, more in (("dice", 0.0 * either_way), ("bce", either_way)):
                    name = f"loss={loss},model={model},seed={seed}"
                    status = "failed" if name == missing else "finished"
                    weights = f"{model}.safetensors"
                    jobs.append((name, status, 0.9, seed, 60, 1, model, loss, weights, ""))
                    scores[name] = photos + gain + more
        header = [*COLUMNS, "model.weights", "failure"]
        write_table(tmp_path / "first" / "leaderboard.csv", pd.DataFrame(jobs, columns=header))
        for kind in ("dice", "boundary_dice"):
            columns = {"id": range(PHOTOS), **scores}
            write_table(tmp_path / "first" / f"{kind}.csv", pd.DataFrame(columns))
        said = {"command": "humanseg train -m", "hypotheses": list(claims)}
        (tmp_path / "first" / "hypotheses.yaml").write_text(yaml.safe_dump(said))
        return read_hypotheses(open_records(tmp_path))

    return write


def claim(better: str, than: str, setting: str = "model", **more: object) -> dict[str, object]:
    about = {"setting": setting, "better": better, "than": than}
    return {"claim": f"{better} wins", "reason": "so it seems"} | about | more


def test_the_interval_decides(sweep: Sweep) -> None:
    found = sweep(claim("unet", "pspnet"), claim("pspnet", "unet"), claim("bce", "dice", "loss"))
    assert [one.verdict for one in found] == [HOLDS, OPPOSITE, OPEN]
    assert found[0].difference.difference == pytest.approx(0.02)
    assert found[1].difference.difference == -found[0].difference.difference
    assert [(one.pairs, one.seeds) for one in found] == [(2, 2)] * 3


def test_only_jobs_that_differ_in_nothing_else_are_paired(sweep: Sweep) -> None:
    (one,) = sweep(claim("unet", "pspnet", where={"loss": "bce"}), seeds=1)
    assert (one.pairs, one.seeds) == (1, 1)
    (one,) = sweep(claim("unet", "pspnet"), seeds=1, missing="loss=dice,model=unet,seed=0")
    assert one.pairs == 1


def test_one_seed_is_said_to_be_one(sweep: Sweep, tmp_path: Path) -> None:
    sweep(claim("unet", "pspnet"), seeds=1)
    said = count_said(open_records(tmp_path)).text
    assert "1 hypotheses were tested: 1 hold" in said and "one seed each" in said
    assert "At least 12 are planned" in said
    sweep(claim("unet", "pspnet"), seeds=2)
    assert "one seed each" not in count_said(open_records(tmp_path)).text


def test_a_comparison_that_was_not_run_is_named(sweep: Sweep) -> None:
    with pytest.raises(HumansegError, match=r"'light wins' compares model=light with model=unet"):
        sweep(claim("light", "unet"))
