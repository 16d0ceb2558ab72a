"""`recipe=NAME` on a command line: its overrides for Hydra, and the settings that it excludes.

Called for every training: nothing heavy is imported here.
"""

import re
from collections.abc import Sequence
from pathlib import Path

from humanseg.errors import HumansegError

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


def recipe_words(words: Sequence[str]) -> list[str]:
    """Return the words of a command line, with what makes Hydra run a recipe where one is named.

    Raises
    ------
    HumansegError
        Words are given that do not go with a recipe.
    """
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
