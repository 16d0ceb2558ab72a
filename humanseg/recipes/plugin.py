"""`recipe=NAME` on a command line: its overrides for Hydra, and the plugin that they call.

Imported whenever `humanseg train` starts: nothing heavy is imported here.
"""

import re
from collections.abc import Sequence
from pathlib import Path

from humanseg.errors import HumansegError
from humanseg.sweeps.plugin import TrainingSweeper, announce

TARGET = "hydra_plugins.humanseg.HumansegRecipe"
"""Its name in configs: Hydra accepts plugins of this namespace only."""
_SETTING = re.compile(r"(?!hydra\.)\w+\.[\w.]+=")
"""An override of a single setting in a group, or in the recipe."""
_MANY = ("-m", "--multirun")
_ALONE = {
    "resume": "continues with one run; the command that started a recipe continues with the recipe",
    "search": "is a sweep of its own",
    "sweep": "names a sweep; name=NAME names the folder of a recipe",
    "init_from": "is set by the stages of a recipe: recipe.stages.STAGE.settings.init_from=RUN",
    "distillation.teachers": "is set by the stages of a recipe: "
    "recipe.stages.STAGE.settings.distillation.teachers=RUN",
}
"""Settings that a recipe decides, or that are about something else; and why."""

_finished: list[Path] = []


class HumansegRecipe(TrainingSweeper):
    """The stages of a recipe, each done once, however often the command is interrupted.

    Parameters
    ----------
    dry_run
        Print the stages, and start nothing.
    record
        The `record.json` of a recipe that is trained again; None: the recipe of the config.
    """

    def __init__(self, dry_run: bool = False, record: str | None = None) -> None:
        self._dry_run, self._record = dry_run, record

    def sweep(self, arguments: list[str]) -> None:
        """Train all stages that are left to train."""
        from humanseg.recipes.run import run_recipe

        record = None if self._record is None else Path(self._record)
        last = run_recipe(self._context, self._config, arguments, record, self._dry_run)
        if last is not None:
            _finished.append(last)


def announce_recipes() -> None:
    """Register the class that runs recipes with Hydra, by the name that configs use."""
    announce(HumansegRecipe, TARGET)
    _finished.clear()


def trained_stage() -> Path | None:
    """Return the folder of the last stage of the recipe that has just been finished."""
    return _finished[-1] if _finished else None


def recipe_words(words: Sequence[str]) -> list[str]:
    """Return the words of a command line, with what makes Hydra run a recipe where one is named."""
    keys = [word.lstrip("+").partition("=")[0] for word in words]
    named = [
        word.partition("=")[2] for word, key in zip(words, keys, strict=True) if key == "recipe"
    ]
    if not named or named[-1] in ("", "null"):
        if inside := [word for word in words if word.lstrip("+").startswith("recipe.")]:
            raise HumansegError(
                f"{inside[0]} is about a recipe, and none is named: add recipe=NAME.",
                code="recipes.none_named",
            )
        return list(words)
    _require_alone(words, keys, named[-1])
    record = named[-1].strip("'\"")
    # The defaults, which Hydra composes first, need not have what a stage has: each stage's config
    # is looked at later.
    remaining = [
        f"++{word}" if _SETTING.match(word) else word
        for word, key in zip(words, keys, strict=True)
        if key != "recipe" or not record.endswith(".json")
    ]
    if record.endswith(".json"):
        path = str(Path(record).expanduser().absolute()).replace("'", "\\'")
        remaining.append(f"hydra.sweeper.record='{path}'")
    return [*remaining, "hydra/sweeper=recipe", "hydra.mode=MULTIRUN"]


def _require_alone(words: Sequence[str], keys: Sequence[str], name: str) -> None:
    mistakes = []
    if any(word in _MANY for word in words):
        mistakes.append("-m is a sweep, and a recipe trains each of its stages once: leave one out")
    mistakes += [f"{key}= {why}" for key, why in _ALONE.items() if key in keys]
    if "," in name or name.startswith("["):
        mistakes.append("a command runs one recipe")
    if mistakes:
        raise HumansegError(
            f"recipe={name}: {'; '.join(mistakes)}.", code="recipes.not_with_a_recipe"
        )
