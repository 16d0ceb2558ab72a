"""A recipe from its command to its folder with all its files."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from humanseg.compare.ladder import print_ladder, read_ladder
from humanseg.errors import HumansegError, first_line
from humanseg.exporting.folder import RECIPE
from humanseg.io.files import write_bytes
from humanseg.recipes.budget import measure, plan_stage
from humanseg.recipes.check import compose_stages
from humanseg.recipes.compose import (
    UNLABELLED,
    StageComposer,
    StagePlan,
    recipe_folder,
    stage_request,
)
from humanseg.recipes.files import EXPORT, copy_results, export_model, is_exported
from humanseg.recipes.outdated import put_aside
from humanseg.recipes.recipe import (
    Recipe,
    read_recipe,
    read_record,
    recipe_from_record,
)
from humanseg.recipes.record import RecordWriter, recorded_plan
from humanseg.runs import RunFolder, run_lock
from humanseg.runs.folder import RECIPE_RECORD
from humanseg.runs.home import write_recipe_home
from humanseg.runs.new_folder import require_recipe_folder
from humanseg.sweeps.jobs import Outcome, job_status
from humanseg.sweeps.launch import launcher_in, run_jobs
from humanseg.sweeps.messages import clock
from humanseg.sweeps.naming import key_of
from humanseg.sweeps.run_job import do_job
from humanseg.system.children import call_in_child
from humanseg.system.interrupts import interruptible
from humanseg.system.terminal import console
from humanseg.training.machine.ranks import find_rank
from humanseg.training.request import hydra_choices


def train_stage(config: DictConfig) -> Outcome:
    """Train a stage by its composed config, or resume it, in any process or machine."""
    hydra = HydraConfig.get()
    request = stage_request(config, hydra.overrides.task, hydra_choices(hydra))
    return do_job(request, "stage")


def run_recipe(
    context: HydraContext,
    config: DictConfig,
    arguments: Sequence[str],
    record: Path | None = None,
    dry_run: bool = False,
) -> Path | None:
    """Train all stages that are not trained yet, and write the files of the last one.

    `record` is that of a recipe that is trained again; without it the config names the recipe. With
    `dry_run` nothing is started. Returned is the folder of the last stage, if anything was to be
    started.
    """
    recipe = _asked_recipe(context, config, record)
    given = _given(arguments)
    if record is not None and len(given) < len(arguments):
        raise HumansegError(
            f"recipe={record} trains a recipe again as it was, and takes no recipe.* settings: "
            "leave them out, or give the recipe by its name.",
            code="recipes.record_settings",
        )
    folder = recipe_folder(config, recipe)
    require_recipe_folder(folder)
    _require_one_command(recipe, config)
    composer = StageComposer(context, config, folder, given)
    planned = recorded_plan(folder, recipe)
    plans = compose_stages(recipe, composer, {name: item.epochs for name, item in planned.items()})
    if dry_run:
        from humanseg.recipes.dry_run import show_stages

        show_stages(recipe, plans, folder)
        return None
    with interruptible(), run_lock(folder / ".lock"):
        aside = set(put_aside(folder, plans, bool(config.restart)))
        planned = {name: item for name, item in planned.items() if name not in aside}
        # With their own epochs, not those of an earlier budget.
        plans = [
            composer.compose(plan.stage) if plan.stage.name in aside else plan for plan in plans
        ]
        record_now = RecordWriter(folder, recipe, arguments, planned)
        record_now(plans)
        _print_plan(recipe, plans, folder)
        launcher = launcher_in(folder, context, config, train_stage)
        plans = _run_stages(recipe, plans, composer, record_now, launcher)
        last = RunFolder(plans[-1].job.folder)
        _finish(recipe, plans, folder, record_now, last)
    return last.path


def _require_one_command(recipe: Recipe, config: DictConfig) -> None:
    """Refuse a recipe that is started several times: the others would wait for its lock."""
    rank = find_rank(config)
    if rank.launcher == "humanseg" and config.trainer.get("num_nodes", 1) == 1:
        return
    raise HumansegError(
        f"recipe={recipe.name}: a recipe is one command on one machine, which starts the processes "
        "of each stage itself. Give it without torchrun or srun; trainer=ddp takes all devices of "
        "the machine.",
        code="recipes.one_command",
    )


def _asked_recipe(context: HydraContext, config: DictConfig, record: Path | None) -> Recipe:
    if record is not None:
        return recipe_from_record(record)
    name = str(config.hydra.runtime.choices.get("recipe"))
    try:
        node: Any = OmegaConf.to_container(config.recipe, resolve=True)
    except OmegaConfBaseException as error:
        raise HumansegError(
            f"recipe={name}: {first_line(error)}.", code="recipes.mistakes"
        ) from error
    loader = context.config_loader
    return read_recipe(
        name.replace("/", "-"), node, lambda key: bool(loader.get_group_options(key))
    )


def _given(arguments: Sequence[str]) -> list[str]:
    """Return the overrides that are about the stages; raise where one has several values."""
    for word in OverridesParser.create().parse_overrides(list(arguments)):
        if word.is_sweep_override():
            raise HumansegError(
                f"{word.input_line}: a recipe trains each of its stages once; give one value, or "
                "the command again with another name=NAME.",
                code="recipes.one_value",
            )
    return [word for word in arguments if key_of(word).split(".")[0] != "recipe"]


def _print_plan(recipe: Recipe, plans: Sequence[StagePlan], folder: Path) -> None:
    console.print(f"recipe  {recipe.name}: {len(plans)} stages in {folder}")
    for plan in plans:
        status = job_status(plan.job.folder)
        words = {"interrupted": "to resume", "failed": "to try again", "new": "to train"}
        console.print(
            f"        {plan.stage.name}: {words.get(status.state, status.state)}", highlight=False
        )
    alone = [
        plan.stage.name
        for plan in plans
        if not job_status(plan.job.folder).is_done
        and plan.stage.learns_from
        and not OmegaConf.select(plan.request.config, UNLABELLED)
    ]
    if alone:
        console.print(
            f"note    without {UNLABELLED}=FOLDER, a folder of unlabelled photos, these learn "
            f"from their teachers on the labelled photos alone: {', '.join(alone)}"
        )


def _run_stages(
    recipe: Recipe,
    plans: Sequence[StagePlan],
    composer: StageComposer,
    record: RecordWriter,
    launcher: Launcher,
) -> list[StagePlan]:
    """Train the stages, those at once that wait for no other; return what they trained."""
    plans, done, number = list(plans), set[str](), 0
    while len(done) < len(plans):
        ready = [
            index
            for index, plan in enumerate(plans)
            if plan.stage.name not in done and done.issuperset(plan.stage.needs)
        ]
        for index in ready:
            stage = plans[index].stage
            if recipe.budget is not None and stage.share and stage.name not in record.planned:
                plans[index] = _plan(plans[index], plans, recipe.budget, composer, record)
        record(plans)
        start = time.monotonic()
        failed = run_jobs([plans[index].job for index in ready], launcher, number)
        number += len(ready)
        names = [plans[index].stage.name for index in ready]
        record.add_time(names, time.monotonic() - start)
        record(plans, status="failed" if failed else "running")
        if failed:
            lines = "\n".join(f"  {name}: {reason}" for name, reason in failed.items())
            raise HumansegError(
                f"{len(failed)} of {len(plans)} stages failed; the same command continues there:\n"
                f"{lines}",
                code="recipes.stage_failed",
            )
        done.update(names)
    return plans


def _plan(
    plan: StagePlan,
    plans: Sequence[StagePlan],
    budget: float,
    composer: StageComposer,
    record: RecordWriter,
) -> StagePlan:
    """Set the number of epochs of a stage, and print it."""
    name = plan.stage.name
    measured = call_in_child(measure, plan.request.config)
    found = plan_stage(plan, plans, budget, record.planned, record.spent, measured)
    record.planned[name] = found
    console.print(
        f"plan    {name}: {found.epochs} epochs in {clock(found.seconds)}, its share of the budget",
    )
    return composer.compose(plan.stage, found.epochs)


def _finish(
    recipe: Recipe,
    plans: Sequence[StagePlan],
    folder: Path,
    record: RecordWriter,
    last: RunFolder,
) -> None:
    """Write the recipe's own files, and print what came out."""
    console.print(f"\nfiles of {last.path.name}, the last stage …")
    paths = copy_results(last, folder)
    model = read_record(folder / RECIPE_RECORD).get("model")
    if not is_exported(model, last, folder, recipe.export, recipe.ensemble):
        model = export_model(last, folder, recipe.export, recipe.ensemble)
    record(plans, status="finished", model=model)
    # What is copied without the rest says what it is, too.
    write_bytes(folder / EXPORT / RECIPE, (folder / RECIPE_RECORD).read_bytes())
    page = write_recipe_home(folder, last, [RunFolder(plan.job.folder) for plan in plans])
    console.print()
    print_ladder(read_ladder(folder))
    console.print()
    for path in [page, *paths, folder / EXPORT, folder / RECIPE_RECORD]:
        console.print(f"{path}")
