"""Verdicts follow from the jobs of a sweep that differ in one setting alone."""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pandas as pd
import pytest
import yaml

from humanseg.errors import HumansegError
from humanseg.io.tables import write_table
from research.claims import Hypothesis, read_hypotheses, seed_deviation
from research.records import open_records
from research.sections.hypotheses import count_text, judging_text
from tests.research.conftest import COMMITTED

PHOTOS = 40
RUN = ("run", "status", "dice", "boundary_dice", "seed", "seconds", "peak_memory_mb")
COLUMNS = (*RUN, "model", "loss")
Sweep = Callable[..., list[Hypothesis]]


@pytest.fixture
def sweep(tmp_path: Path) -> Sweep:
    """Write a sweep over model and loss, U-Net 0.02 better, and read its hypotheses."""

    def write(
        *claims: dict[str, object],
        seeds: int = 2,
        missing: str = "",
        gain: float = 0.0,
        by_seed: float = 0.0,
        about: Mapping[str, object] = MappingProxyType({}),
    ) -> list[Hypothesis]:
        photos = np.random.default_rng(0).normal(0.9, 0.01, PHOTOS)
        either_way = 0.003 * (-1.0) ** np.arange(PHOTOS)
        jobs, scores = [], {}
        for seed in range(seeds):
            for model, ahead in (("unet", 0.02), ("pspnet", 0.0)):
                for loss, more in (("dice", 0.0 * either_way), ("bce", gain + either_way)):
                    name = f"loss={loss},model={model},seed={seed}"
                    status = "failed" if name == missing else "finished"
                    weights = f"{model}.safetensors"
                    mean = 0.9 + ahead + (len(loss) - 3) / 100 + by_seed * seed
                    jobs.append((name, status, mean, mean, seed, 60, 1, model, loss, weights, ""))
                    scores[name] = photos + ahead + more
        header = [*COLUMNS, "model.weights", "failure"]
        write_table(tmp_path / "first" / "leaderboard.csv", pd.DataFrame(jobs, columns=header))
        for kind in ("dice", "boundary_dice"):
            columns = {"id": range(PHOTOS), **scores}
            write_table(tmp_path / "first" / f"{kind}.csv", pd.DataFrame(columns))
        said = {"command": "humanseg train -m", "hypotheses": list(claims), **about}
        (tmp_path / "first" / "hypotheses.yaml").write_text(yaml.safe_dump(said))
        return read_hypotheses(open_records(tmp_path))

    return write


def claim(better: str, than: str, setting: str = "model", **more: object) -> dict[str, object]:
    about = {"setting": setting, "better": better, "than": than}
    return {"claim": f"{better} wins", "reason": "so it seems"} | about | more


def test_interval_and_effect_of_interest_decide(sweep: Sweep) -> None:
    found = sweep(claim("unet", "pspnet"), claim("pspnet", "unet"), claim("bce", "dice", "loss"))
    # The two losses are equal on average, and differ by 0.003 on each photo.
    assert [one.verdict for one in found] == ["better", "worse", "undecided"]
    assert found[0].difference.difference == pytest.approx(0.02)
    assert found[1].difference.difference == -found[0].difference.difference
    assert [(one.pairs, one.seeds) for one in found] == [(2, 2)] * 3


def test_more_claims_need_stronger_evidence(sweep: Sweep) -> None:
    (alone,) = sweep(claim("bce", "dice", "loss"), gain=0.0011)
    assert alone.verdict == "better" and alone.p < 0.05
    family = [claim("unet", "pspnet"), *[claim("bce", "dice", "loss")] * 20]
    among = sweep(*family, gain=0.0011)
    assert among[0].verdict == "better"
    assert {one.verdict for one in among[1:]} == {"undecided"}
    assert among[1].p > alone.p


def test_seeds_that_differ_widen_every_interval(sweep: Sweep, tmp_path: Path) -> None:
    (steady,) = sweep(claim("unet", "pspnet"))
    assert seed_deviation(open_records(tmp_path)) == (0.0, 4)
    (shaky,) = sweep(claim("unet", "pspnet"), by_seed=0.03)
    deviation, freedom = seed_deviation(open_records(tmp_path))
    assert freedom == 4 and deviation == pytest.approx(0.03 / 2**0.5)
    assert steady.verdict == "better" and shaky.verdict == "undecided"
    assert shaky.difference.significant


def test_the_committed_claims_say_what_their_intervals_carry() -> None:
    found = read_hypotheses(open_records(COMMITTED))
    assert len(found) >= 19
    for one in found:
        both = one.comparison
        assert both.low <= one.difference.low and one.difference.high <= both.high
        if one.verdict in ("better", "worse"):
            assert (both.low > 0 or both.high < 0) and one.p <= 0.05
    (augmentation,) = [one for one in found if "beats none" in one.claim]
    # Significant alone, by its photos alone.
    assert augmentation.difference.significant and augmentation.verdict == "undecided"
    assert "#1," in count_text(open_records(COMMITTED)).text
    assert "power of 80 %" in judging_text(open_records(COMMITTED)).text


def test_only_jobs_that_differ_in_nothing_else_are_paired(sweep: Sweep) -> None:
    (one,) = sweep(claim("unet", "pspnet", where={"loss": "bce"}), seeds=1)
    assert (one.pairs, one.seeds) == (1, 1)
    (one,) = sweep(claim("unet", "pspnet"), seeds=1, missing="loss=dice,model=unet,seed=0")
    assert one.pairs == 1


def test_one_seed_is_said_to_be_one(sweep: Sweep, tmp_path: Path) -> None:
    sweep(claim("unet", "pspnet"), seeds=1)
    said = count_text(open_records(tmp_path)).text
    assert "1 claims were tested. 1 hold" in said and "one seed each" in said
    sweep(claim("unet", "pspnet"), seeds=2)
    assert "one seed each" not in count_text(open_records(tmp_path)).text


def test_a_comparison_that_was_not_run_is_named(sweep: Sweep) -> None:
    with pytest.raises(HumansegError, match=r"'light wins' compares model=light with model=unet"):
        sweep(claim("light", "unet"))


def test_a_sweep_with_its_own_seeds_widens_no_other(sweep: Sweep, tmp_path: Path) -> None:
    sweep(claim("unet", "pspnet"), about={"own_seeds": True})
    records = open_records(tmp_path)
    (only,) = records.sweeps()
    assert seed_deviation(records) == (0.0, 0)
    assert seed_deviation(records, only=only)[1] > 0


def test_unsteady_jobs_bring_the_variance_of_the_sweep_that_measured_it(
    sweep: Sweep, tmp_path: Path
) -> None:
    steady, *_ = sweep(claim("unet", "pspnet"))
    sweep(by_seed=0.04, about={"own_seeds": True})
    (tmp_path / "first").rename(tmp_path / "like")
    unsteady = {"jobs": {"model": "unet"}, "like": "like", "where": {"loss": "bce"}}
    both, other = sweep(
        claim("unet", "pspnet"), claim("bce", "dice", "loss"), about={"unsteady": unsteady}
    )
    # Half of the jobs vary, so half of the variance.
    assert both.deviation == pytest.approx(0.04 / 2**0.5 / 2**0.5)
    assert (steady.verdict, both.verdict) == ("better", "undecided")
    assert sweep(claim("unet", "pspnet"))[0].verdict == "better"


def test_claims_that_came_after_their_sweep_are_named(sweep: Sweep, tmp_path: Path) -> None:
    sweep(claim("unet", "pspnet"))
    assert "after their sweep" not in count_text(open_records(tmp_path)).text
    (one,) = sweep(claim("unet", "pspnet"), about={"exploratory": True})
    assert one.exploratory
    assert "#1 are post hoc" in count_text(open_records(tmp_path)).text
