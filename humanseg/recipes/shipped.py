"""Checks every recipe of `conf` against the code, without data or weights."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.types import HydraContext
from omegaconf import OmegaConf

from humanseg.config.command_line.error_text import explain
from humanseg.config.find import conf_folder
from humanseg.errors import HumansegError
from humanseg.recipes.check import stage_mistakes
from humanseg.recipes.compose import StageComposer
from humanseg.recipes.recipe import read_recipe


def validate_recipes(
    notify: Callable[[str], None] = lambda line: None, folder: Path | None = None
) -> list[str]:
    """Check every recipe of a folder of configs: its stages, and what each of them trains.

    Parameters
    ----------
    notify
        Called with a line on each recipe.
    folder
        None: the shipped configs.

    Returns
    -------
    list of str
        A mistake each, beginning with the recipe; empty when all fit.
    """
    conf = folder or conf_folder()
    mistakes: list[str] = []
    for path in sorted((conf / "recipe").glob("*.yaml")):
        try:
            found = _mistakes(path.stem, conf)
        except Exception as error:
            if (explained := explain(error)) is None:
                raise
            found = [str(explained)]
        mistakes += [f"recipe={path.stem}: {mistake}" for mistake in found]
        notify(f"{'wrong' if found else 'ok':5}  recipe={path.stem}")
    return mistakes


def _mistakes(name: str, conf: Path) -> list[str]:
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(conf), version_base="1.3"):
        config = compose("train", overrides=[f"recipe={name}"], return_hydra_config=True)
        loader = GlobalHydra.instance().config_loader()
        node: Any = OmegaConf.to_container(config.recipe, resolve=True)
        recipe = read_recipe(name, node, lambda key: bool(loader.get_group_options(key)))
        callbacks: Any = None
        context = HydraContext(config_loader=loader, callbacks=callbacks)
        composer = StageComposer(context, config, Path("runs").absolute() / name, [])
        configs, found = [], []
        for stage in recipe.stages:
            try:
                configs.append(composer.compose(stage).request.config)
            except HumansegError as error:
                found.append(f"{stage.name}: {error}")
    return found or stage_mistakes(recipe.stages, configs)
