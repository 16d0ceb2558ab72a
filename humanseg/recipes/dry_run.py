"""The dry run of a recipe: its stages, their sizes and their estimated times."""

from collections.abc import Sequence
from pathlib import Path

from humanseg.recipes.compose import StagePlan
from humanseg.recipes.outdated import outdated
from humanseg.recipes.recipe import Recipe
from humanseg.sweeps.dry_run import HOW, Forecaster
from humanseg.sweeps.jobs import JobStatus, job_status
from humanseg.sweeps.messages import clock
from humanseg.system.progress import progress_on
from humanseg.system.terminal import console


def show_stages(recipe: Recipe, plans: Sequence[StagePlan], folder: Path) -> None:
    """Print a table of the stages, and how long all of them take."""
    forecaster, rows, total, unknown = Forecaster(), [], 0.0, False
    again = outdated(plans)
    budget = sum(plan.stage.share for plan in plans)
    with progress_on(console, "trying models") as move:
        for number, plan in enumerate(plans):
            move(number, len(plans))
            changed = plan.stage.name in again
            status = JobStatus("new", 0, {}) if changed else job_status(plan.job.folder)
            ahead = forecaster.forecast(plan.request.config, status)
            state: str = "settings changed" if changed else status.state
            seconds = ahead.seconds
            if recipe.budget is not None and plan.stage.share and not status.is_done:
                seconds = recipe.budget * plan.stage.share / budget
            if ahead.problem:
                state, unknown = f"time unknown: {ahead.problem}", True
            total += seconds
            count = "" if ahead.parameters is None else f"{ahead.parameters:,}"
            rows.append((plan.stage.name, count, clock(seconds), state, plan.stage.adds))
    width = max(len(row[0]) for row in rows)
    console.print(f"recipe  {recipe.name}: {recipe.about or 'stages in order'}\nfolder  {folder}\n")
    console.print(f"{'stage':<{width}}  parameters       time  {'state':<12}  what it adds")
    for name, count, time, state, adds in rows:
        console.print(f"{name:<{width}}  {count:>10}  {time:>9}  {state:<12}  {adds}")
    least = "at least " if unknown else "about "
    console.print(f"\n{len(plans)} stages, {least}{clock(total)} one after another")
    if recipe.budget is None:
        console.print(f"{HOW}, nor the teachers' soft labels")
    else:
        console.print(
            f"times: the stages' shares of recipe.budget={clock(recipe.budget)}; the epochs follow "
            "when each begins"
        )
