"""The number of epochs of each stage, for a recipe with a budget of time."""

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any, NamedTuple

from omegaconf import DictConfig

from humanseg.recipes.compose import StagePlan
from humanseg.runs import RunFolder, read_summary
from humanseg.sweeps.jobs import job_status

FOR_FILES = 0.1
"""Share of a budget for what no epoch is: reading photos, soft labels, pages, the export."""
UNTIL_KNOWN = 1.15
"""The time of an epoch over that of its steps on random photos; finished epochs correct it."""


class Planned(NamedTuple):
    """The budget of a stage.

    Attributes
    ----------
    epochs
        At least one.
    seconds
        Its part of the budget.
    measured
        Seconds of an epoch by a few steps, before it began.
    epoch_seconds
        Of an epoch as it was expected.
    """

    epochs: int
    seconds: float
    measured: float
    epoch_seconds: float


def plan_stage(
    plan: StagePlan,
    plans: Sequence[StagePlan],
    budget: float,
    planned: Mapping[str, Planned],
    spent: Mapping[str, float],
    measured: float,
) -> Planned:
    """Plan the epochs of a stage from what is left of the budget, in seconds.

    `planned` is what earlier stages were given, `spent` what stages took of the command until now,
    `measured` an epoch of this stage by a few steps.
    """
    summaries = {
        stage_plan.stage.name: read_summary(RunFolder(stage_plan.job.folder).summary)
        for stage_plan in plans
        if job_status(stage_plan.job.folder).state == "finished"
    }
    used = sum(
        max(spent.get(name, 0.0), float(summary.get("seconds") or 0.0))
        for name, summary in summaries.items()
    )
    # Of those that run at the same time, or were stopped half-way, all that they were given; of
    # those that have been left out since, what they took.
    names = {stage_plan.stage.name for stage_plan in plans}
    used += sum(
        given.seconds if name in names else spent.get(name, 0.0)
        for name, given in planned.items()
        if name not in summaries
    )
    settled = {*planned, *summaries}
    shares = {
        stage_plan.stage.name: stage_plan.stage.share
        for stage_plan in plans
        if stage_plan.stage.name not in settled
    }
    remaining = max(0.0, budget * (1 - FOR_FILES) - used)
    seconds = remaining * plan.stage.share / sum(shares.values())
    epoch = measured * _slowness(summaries, planned)
    return Planned(max(1, int(seconds / max(epoch, 1e-6))), seconds, measured, epoch)


def measure(config: DictConfig) -> float:
    """Return the seconds of an epoch by a few steps, in this process, which loads torch."""
    from humanseg.sweeps.epoch_time import count_photos, measure_epoch

    return measure_epoch(config, count_photos(config))


def _slowness(summaries: Mapping[str, Mapping[str, Any]], planned: Mapping[str, Planned]) -> float:
    """Return how much longer epochs took than was measured before."""
    ratios = [
        float(summary["seconds"]) / float(summary["epochs"]) / planned[name].measured
        for name, summary in summaries.items()
        if name in planned and planned[name].measured and summary.get("epochs")
    ]
    return median(ratios) if ratios else UNTIL_KNOWN
