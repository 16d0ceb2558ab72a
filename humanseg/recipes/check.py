"""Finds all mistakes in the stages of a recipe, before the first one starts or in `conf`."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.types import HydraContext
from omegaconf import DictConfig, OmegaConf

from humanseg.config.checking.check import find_mistakes
from humanseg.config.checking.compatibility import pair_key, pair_mistake, weight_shapes
from humanseg.config.command_line.error_text import explain
from humanseg.config.find import conf_folder
from humanseg.config.settings import NO_PATHS
from humanseg.data.layout.folders import require_root, scan_unlabelled
from humanseg.errors import HumansegError
from humanseg.recipes.compose import UNLABELLED, StageComposer, StagePlan
from humanseg.recipes.recipe import Recipe, RecipeStage, read_recipe
from humanseg.recipes.references import LEARNS_FROM, STARTS_FROM
from humanseg.system.children import call_in_child
from humanseg.training.preflight.paths import require_source
from humanseg.training.request import named_paths


def compose_stages(
    recipe: Recipe, composer: StageComposer, epochs: dict[str, int]
) -> list[StagePlan]:
    """Compose the configs of all stages, or list what is wrong with any of them.

    `epochs` are those of stages whose length was planned before.
    """
    plans, mistakes = _composed(recipe, composer, epochs)
    if not mistakes:
        mistakes += composer.weights_mistakes()
    if recipe.budget is not None and composer.gives("trainer.max_epochs"):
        mistakes.append(
            "trainer.max_epochs and recipe.budget both limit the training: give one of them "
            "(recipe.budget=null)"
        )
    stages = [plan.stage for plan in plans]
    configs = [plan.request.config for plan in plans]
    mistakes += path_mistakes(stages, configs)
    # In a process of its own: the one that waits for stages does without torch.
    mistakes += call_in_child(stage_mistakes, stages, configs)
    if mistakes:
        raise HumansegError(
            f"The recipe {recipe.name} cannot run; nothing was started:\n  "
            + "\n  ".join(mistakes),
            code="recipes.mistakes",
        )
    return plans


def stage_mistakes(stages: Sequence[RecipeStage], configs: Sequence[DictConfig]) -> list[str]:
    """List all that is wrong with the configs of stages, each beginning with the stage's name.

    Models are built without numbers; call it in a process of its own, which loads torch.
    """
    config_of = {stage.name: config for stage, config in zip(stages, configs, strict=True)}
    mistakes = {name: find_mistakes(config) for name, config in config_of.items()}
    # Most stages have the same net, which is built once.
    pair_of = {name: pair_key(config_of[name]) for name, some in mistakes.items() if not some}
    config_of_pair = {pair: config_of[name] for name, pair in pair_of.items()}
    problem_of = {pair: pair_mistake(config) for pair, config in config_of_pair.items()}
    for name, pair in pair_of.items():
        mistakes[name] += filter(None, [problem_of[pair]])
    for stage in stages:
        mistakes[stage.name] += [
            f"{STARTS_FROM}: {other} has another model, whose weights do not fit"
            for other in stage.starts_from
            if not mistakes[stage.name] + mistakes[other]
            and pair_of[stage.name] != pair_of[other]
            and weight_shapes(config_of[stage.name]) != weight_shapes(config_of[other])
        ]
    return [f"{name}: {item}" for name, some in mistakes.items() for item in some]


def path_mistakes(stages: Sequence[RecipeStage], configs: Sequence[DictConfig]) -> list[str]:
    """List what the configs of stages name and is not there; each path once."""
    mistakes: list[str] = []
    for root in dict.fromkeys(str(config.data.root) for config in configs):
        try:
            require_root(Path(root))
        except HumansegError as error:
            mistakes.append(str(error))
    for stage, config in zip(stages, configs, strict=True):
        inside = {Path(str(config.run_dir)).parent / other for other in stage.needs}
        for key in (STARTS_FROM, LEARNS_FROM):
            for path in named_paths(OmegaConf.select(config, key)):
                if inside & {path, *path.parents}:
                    continue
                try:
                    require_source(key, path, config)
                except HumansegError as error:
                    mistakes.append(f"{stage.name}: {key}: {error}")
        weights = str(config.backbone.get("weights") or "none")
        if not config.get(STARTS_FROM) and weights not in NO_PATHS and not Path(weights).is_file():
            mistakes.append(f"{stage.name}: backbone.weights={weights}: there is no such file")
        for key in (UNLABELLED, "data.extra_root"):
            folder = OmegaConf.select(config, key)
            if folder and not Path(str(folder)).is_dir():
                mistakes.append(f"{key}={folder}: there is no such folder")
            elif folder and key == UNLABELLED:
                # The stages before the one that needs its photos may take hours.
                try:
                    scan_unlabelled(Path(str(folder)))
                except HumansegError as error:
                    mistakes.append(str(error))
    return list(dict.fromkeys(mistakes))


def validate_recipes(notify: Callable[[str], None]) -> list[str]:
    """Check every shipped recipe: its stages, and what each of them trains.

    Each mistake begins with the recipe.
    """
    conf = conf_folder()
    mistakes: list[str] = []
    for path in sorted((conf / "recipe").glob("*.yaml")):
        try:
            wrong = _shipped_mistakes(path.stem, conf)
        except Exception as error:
            if (explained := explain(error)) is None:
                raise
            wrong = [str(explained)]
        mistakes += [f"recipe={path.stem}: {mistake}" for mistake in wrong]
        notify(f"{'wrong' if wrong else 'ok':5}  recipe={path.stem}")
    return mistakes


def _shipped_mistakes(name: str, conf: Path) -> list[str]:
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(conf), version_base="1.3"):
        config = compose("train", overrides=[f"recipe={name}"], return_hydra_config=True)
        loader = GlobalHydra.instance().config_loader()
        node: Any = OmegaConf.to_container(config.recipe, resolve=True)
        recipe = read_recipe(name, node, lambda key: bool(loader.get_group_options(key)))
        callbacks: Any = None
        context = HydraContext(config_loader=loader, callbacks=callbacks)
        composer = StageComposer(context, config, Path("runs").absolute() / name, [])
        plans, mistakes = _composed(recipe, composer, {})
    return mistakes or stage_mistakes(recipe.stages, [plan.request.config for plan in plans])


def _composed(
    recipe: Recipe, composer: StageComposer, epochs: Mapping[str, int]
) -> tuple[list[StagePlan], list[str]]:
    """Compose the stages that can be; return what is wrong with the others too."""
    plans, mistakes = [], []
    for stage in recipe.stages:
        try:
            plans.append(composer.compose(stage, epochs.get(stage.name)))
        except HumansegError as error:
            mistakes.append(f"{stage.name}: {error}")
    return plans, mistakes
