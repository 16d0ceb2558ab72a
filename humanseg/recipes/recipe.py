"""A recipe as written in its file: stages in order, and their inputs from earlier stages."""

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from humanseg.config.command_line.overrides import to_override
from humanseg.config.settings import kind_of
from humanseg.errors import HumansegError, nearest, plural
from humanseg.exporting.folder import read_formats
from humanseg.exporting.select_run import weights_mistake
from humanseg.recipes.references import LEARNS_FROM, STARTS_FROM, references
from humanseg.runs.folder import RECIPE_RECORD
from humanseg.sweeps.naming import key_of
from humanseg.training.resuming import leaves

_OF_RECIPE = ("about", "budget", "ensemble", "export", "stages")
_OF_STAGE = ("adds", "share", "settings", "ignore")
_NAME = re.compile(r"[A-Za-z][\w-]*")
_TAKEN = ("export", "test", "valid", "checkpoints", "logs", "wandb")
"""Folders that a recipe's own files have."""
_UNITS = {"h": 3600.0, "m": 60.0, "min": 60.0, "s": 1.0}


@dataclass(frozen=True)
class RecipeStage:
    """One training of a recipe.

    Attributes
    ----------
    name
        Of its folder.
    adds
        What it does that those before it have not; for people.
    share
        Of the time, where a recipe has a budget; a stage with 0 keeps its number of epochs.
    words
        Its settings, in the words of a command line; an earlier stage is called `stage:NAME`.
    ignore
        Settings of the command line that it does not take.
    starts_from, learns_from
        Earlier stages whose weights it starts from, and that are its teachers.
    """

    name: str
    adds: str
    share: float
    words: tuple[str, ...]
    ignore: tuple[str, ...]
    starts_from: tuple[str, ...]
    learns_from: tuple[str, ...]

    @property
    def needs(self) -> tuple[str, ...]:
        """Return the stages that have to be finished before it."""
        return tuple(dict.fromkeys((*self.starts_from, *self.learns_from)))


@dataclass(frozen=True)
class Recipe:
    """Stages in order.

    Attributes
    ----------
    name
        Of its file.
    about
        What it is for.
    stages
        In the order of the file.
    export
        Formats of the files that the last stage becomes.
    budget
        Seconds for all stages; None: as many epochs as the settings say.
    ensemble
        Earlier stages whose logits these files average with the last one's, by their weights.
    """

    name: str
    about: str
    stages: tuple[RecipeStage, ...]
    export: tuple[str, ...]
    budget: float | None
    ensemble: Mapping[str, float]


def read_recipe(name: str, node: Any, is_group: Callable[[str], bool]) -> Recipe:
    """Read a recipe from its file, plain, or list all mistakes in it."""
    mistakes: list[str] = []
    if not isinstance(node, Mapping) or not isinstance(node.get("stages"), Mapping):
        raise HumansegError(
            f"The recipe {name} has no stages: a recipe is a mapping with `stages`.",
            code="recipes.no_stages",
        )
    mistakes += [
        f"{key}: unknown{nearest(key, [*_OF_RECIPE])}" for key in node if key not in _OF_RECIPE
    ]
    # Hydra searches its folders in each call, and stages name the same groups.
    is_cached_group = cache(is_group)
    stages = [
        _read_stage(str(key), body, is_cached_group, mistakes)
        for key, body in node["stages"].items()
        if body is not None  # left out of the recipe that this one begins with, or by a command
    ]
    if not stages:
        mistakes.append("stages: there is none")
    budget, formats = None, list[str]()
    try:
        budget = read_budget(node.get("budget"))
    except ValueError as error:
        mistakes.append(f"budget: {error}")
    try:
        formats = [item.name for item in read_formats(node.get("export") or "onnx")]
    except HumansegError as error:
        mistakes.append(f"export: {error}")
    mistakes += reference_mistakes(stages)
    ensemble = node.get("ensemble") or {}
    mistakes += _ensemble_mistakes(ensemble, [stage.name for stage in stages])
    if mistakes:
        raise HumansegError(
            f"The recipe {name} has {plural(len(mistakes), 'mistake')}; nothing was started:\n  "
            + "\n  ".join(mistakes),
            code="recipes.mistakes",
        )
    about = str(node.get("about") or "")
    return Recipe(name, about, tuple(stages), tuple(formats), budget, ensemble)


def read_record(path: Path) -> dict[str, Any]:
    """Read the `record.json` of a recipe's folder."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        named = {str(stage["name"]): stage for stage in record["stages"]}
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise HumansegError(
            f"{path} is not the record of a recipe ({error or type(error).__name__}): give the "
            f"{RECIPE_RECORD} of a folder that a recipe has filled.",
            code="recipes.no_record",
        ) from error
    return dict(record) | {"stages": named}


def recipe_from_record(path: Path) -> Recipe:
    """Return the recipe that a record was made by, with the settings and epochs that it had."""
    record = read_record(path)
    stages = [
        _from_words(name, stage, stage["overrides"]) for name, stage in record["stages"].items()
    ]
    formats = tuple(record.get("export") or ["onnx"])
    return Recipe(
        str(record["recipe"]),
        str(record.get("about") or ""),
        tuple(stages),
        formats,
        None,
        record.get("ensemble") or {},
    )


def reference_mistakes(stages: Sequence[RecipeStage]) -> list[str]:
    """List the stages that are named and are not there, or do not come before the one that does."""
    names, mistakes = [stage.name for stage in stages], []
    for index, stage in enumerate(stages):
        for other in stage.needs:
            if other not in names:
                mistakes.append(
                    f"{stage.name}: there is no stage {other}{nearest(other, names) or ''}"
                )
            elif other not in names[:index]:
                what = "itself" if other == stage.name else f"{other}, which comes after it"
                mistakes.append(f"{stage.name}: it needs {what}; only earlier stages can be named")
    return mistakes


def _ensemble_mistakes(ensemble: Any, stages: Sequence[str]) -> list[str]:
    """List what is wrong with the weights of stages in an ensemble."""
    if not isinstance(ensemble, Mapping):
        return ["ensemble: give a mapping of stages to their weights, such as {best: 0.2}"]
    others = stages[:-1]
    mistakes = [
        f"ensemble.{name}: it can be an earlier stage than the last one, whose weight is the rest"
        f"{nearest(str(name), others) or ''}"
        for name in ensemble
        if name not in others
    ]
    if mistake := weights_mistake(ensemble.values()):
        mistakes.append(f"ensemble: {mistake}")
    return mistakes


def read_budget(value: Any) -> float | None:
    """Return seconds; such as of `2h`, `90m`, `1h30m` or a number of seconds."""
    if value is None:
        return None
    text = str(value).strip().replace(" ", "")
    parts = re.findall(r"(\d+(?:\.\d+)?)(h|min|m|s)", text)
    whole = "".join(number + unit for number, unit in parts) == text
    try:
        seconds = (
            sum(float(number) * _UNITS[unit] for number, unit in parts) if whole else float(text)
        )
    except ValueError:
        seconds = math.nan
    if not (0 < seconds < math.inf):
        raise ValueError(f"{value} is no time: give one such as 2h, 90m or 1h30m")
    return seconds


def _read_stage(
    name: str, body: Any, is_group: Callable[[str], bool], mistakes: list[str]
) -> RecipeStage:
    """Read a stage; what is wrong with it is added to `mistakes`."""
    if not _NAME.fullmatch(name) or name in _TAKEN:
        mistakes.append(f"{name}: no name for a stage; take letters, digits, - and _")
    if not isinstance(body, Mapping):
        mistakes.append(f"{name}: a stage is a mapping of {', '.join(_OF_STAGE)}")
        body = {}
    mistakes += [
        f"{name}.{key}: unknown{nearest(key, [*_OF_STAGE])}" for key in body if key not in _OF_STAGE
    ]
    share = body.get("share", 1.0)
    if not isinstance(share, int | float) or isinstance(share, bool) or not 0 <= share < math.inf:
        mistakes.append(f"{name}.share: {share} is no share of the time: give 0 or more")
        share = 1.0
    settings = body.get("settings") or {}
    if not isinstance(settings, Mapping):
        mistakes.append(f"{name}.settings: is not a mapping of settings")
        settings = {}
    flat = leaves(dict(settings)) if settings else {}
    mistakes += [
        f"{name}.settings.{key}: {{}} takes nothing away, it is merged with the config; write null"
        for key, value in flat.items()
        if value == {}
    ]
    ignore = body.get("ignore") or []
    ignore = [ignore] if isinstance(ignore, str) else ignore
    if not isinstance(ignore, list):
        mistakes.append(f"{name}.ignore: is not a list of settings")
        ignore = []
    words = list(_words(flat, is_group))
    for word in words:
        key = key_of(word)
        if kind_of(key) == "place":
            mistakes.append(f"{name}.settings.{key}: the recipe decides where its stages are")
        elif key not in (STARTS_FROM, LEARNS_FROM) and references(word):
            mistakes.append(
                f"{name}.settings.{key}: only {STARTS_FROM} and {LEARNS_FROM} take stages"
            )
    return _from_words(name, {**body, "share": share, "ignore": ignore}, words)


def _from_words(name: str, body: Mapping[str, Any], words: Sequence[str]) -> RecipeStage:
    named = {
        key: tuple(
            reference for word in words if key_of(word) == key for reference in references(word)
        )
        for key in (STARTS_FROM, LEARNS_FROM)
    }
    return RecipeStage(
        name=name,
        adds=str(body.get("adds") or ""),
        share=float(body.get("share", 1.0)),
        words=tuple(words),
        ignore=tuple(map(str, body.get("ignore") or ())),
        starts_from=named[STARTS_FROM],
        learns_from=named[LEARNS_FROM],
    )


def _words(settings: Mapping[str, Any], is_group: Callable[[str], bool]) -> Iterator[str]:
    for key, value in settings.items():
        # What the configs lack is looked at with all else: a setting that nobody takes is named.
        plus = "" if "." not in key and is_group(key) else "++"
        yield to_override(f"{plus}{key}", value)
