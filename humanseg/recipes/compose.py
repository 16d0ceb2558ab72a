"""Composes the config of each stage, from the recipe and the command line."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.types import HydraContext
from omegaconf import DictConfig, OmegaConf, open_dict

from humanseg.config.command_line.error_text import explain
from humanseg.config.command_line.overrides import to_override
from humanseg.config.settings import NO_PATHS, kind_of
from humanseg.errors import HumansegError
from humanseg.recipes.recipe import Recipe, RecipeStage
from humanseg.recipes.references import LEARNS_FROM, with_folders
from humanseg.sweeps.jobs import Job
from humanseg.sweeps.naming import is_below, key_of
from humanseg.sweeps.run_job import mark_logs
from humanseg.training.request import TrainRequest, hydra_choices, resolve_config

WEIGHTS, UNLABELLED = "backbone.weights", "distillation.unlabelled_dir"
_OF_THE_RECIPE = ("name", "run_dir", "runs_dir", "restart", WEIGHTS)
"""Settings of the command line that stages do not get as they are."""
_OF_MACHINES = {"trainer", "callbacks"}
"""Groups that are chosen for a machine, such as trainer=gpu: a stage keeps its own epochs, and the
decay of 1 that makes it average without training."""


@dataclass(frozen=True)
class StagePlan:
    """A stage with what it trains.

    Attributes
    ----------
    stage
        As the recipe has it.
    words
        All that makes its config, with stages by their names.
    job
        For a launcher.
    request
        What is trained, and where.
    """

    stage: RecipeStage
    words: tuple[str, ...]
    job: Job
    request: TrainRequest


class StageComposer:
    """Composes the config of each stage.

    Parameters
    ----------
    context, config
        Hydra's, and what it composed of the command line.
    folder
        The recipe's, absolute.
    given
        The overrides of the command line, without those that are about the recipe.
    """

    def __init__(
        self, context: HydraContext, config: DictConfig, folder: Path, given: Sequence[str]
    ) -> None:
        self._context, self._config, self._folder = context, config, folder
        self._given = [word for word in given if key_of(word) not in _OF_THE_RECIPE]
        weights = [word for word in given if key_of(word) == WEIGHTS]
        parser = OverridesParser.create()
        self._weights = parser.parse_override(weights[-1]).value() if weights else None
        self.weights_used: set[str] = set()
        """Backbones that got the weights of the command line."""

    def compose(self, stage: RecipeStage, epochs: int | None = None) -> StagePlan:
        """Compose the config of a stage, with this number of epochs if it is given."""
        given = [word for word in self._given if not is_below(key_of(word), stage.ignore)]
        # Of a group or a setting that is given, what the recipe says of it counts no more.
        keys = {key_of(word) for word in given}
        replaced = keys - _OF_MACHINES
        words = [
            word
            for word in stage.words
            if key_of(word) not in keys and not is_below(key_of(word), replaced)
        ] + given
        if epochs is not None and "trainer.max_epochs" not in keys:
            words = [word for word in words if key_of(word) != "trainer.max_epochs"]
            words.append(f"++trainer.max_epochs={epochs}")
        placed, config, choices = self._placed(stage, words)
        more = self._weights_words(config)
        if OmegaConf.select(config, UNLABELLED) and not OmegaConf.select(config, LEARNS_FROM):
            more.append(f"{UNLABELLED}=null")
        if more:
            words += more
            placed, config, choices = self._placed(stage, words)
        return StagePlan(
            stage,
            tuple(words),
            Job(stage.name, self._folder / stage.name, tuple(placed)),
            stage_request(config, placed, choices),
        )

    def _placed(
        self, stage: RecipeStage, words: Sequence[str]
    ) -> tuple[list[str], DictConfig, dict[str, str]]:
        """Compose words in the folder of the stage; return them with it, and what they make."""
        placed = [
            *(with_folders(word, self._folder) for word in words),
            to_override("run_dir", str(self._folder / stage.name)),
            to_override("stage", f"{self._folder.name}/{stage.name}"),
        ]
        return placed, *self._load(placed)

    def gives(self, key: str) -> bool:
        """Return whether the command line gives a setting."""
        return any(key_of(word) == key for word in self._given)

    def weights_mistakes(self) -> list[str]:
        """List what is wrong with the weights of the command line, when all stages are composed."""
        if self._weights is None or self._weights in NO_PATHS:
            return []
        if not self.weights_used:
            return [f"{WEIGHTS}={self._weights}: no stage of this recipe takes such weights"]
        if len(self.weights_used) > 1 and not Path(str(self._weights)).expanduser().is_dir():
            names = ", ".join(f"{name}.safetensors" for name in sorted(self.weights_used))
            return [
                f"{WEIGHTS}={self._weights}: the stages of this recipe have several backbones; "
                f"name a folder with {names}"
            ]
        return []

    def _load(self, words: Sequence[str]) -> tuple[DictConfig, dict[str, str]]:
        try:
            config = self._context.config_loader.load_sweep_config(self._config, list(words))
        except Exception as error:
            if (explained := explain(error)) is None:
                raise
            raise explained from error
        return config, hydra_choices(config.hydra)

    def _weights_words(self, config: DictConfig) -> list[str]:
        """Return the word that gives a stage the weights of the command line, where it asks."""
        asked = config.backbone.get("weights", "none")
        if self._weights is None or config.get("init_from") or asked in ("", "none", None):
            return []
        name, weights = str(config.backbone.get("name")), str(self._weights)
        self.weights_used.add(name)
        path = Path(weights).expanduser()
        if weights not in NO_PATHS and path.is_dir():
            path = path / f"{name}.safetensors"
            if not path.is_file():
                raise HumansegError(
                    f"{WEIGHTS}={weights}: the folder has no {path.name}, the weights of this "
                    "stage's backbone"
                )
            weights = str(path)
        return [to_override(f"++{WEIGHTS}", weights)]


def stage_request(
    config: DictConfig, words: Sequence[str], choices: Mapping[str, str]
) -> TrainRequest:
    """Return what a composed config of a stage trains, and where; a new run, as far as known."""
    resolved = resolve_config(config)
    recipe, _, name = str(resolved.stage).rpartition("/")
    with open_dict(resolved):
        resolved.pop("recipe", None)
        mark_logs(resolved, recipe, [name])
    overrides = [word for word in words if kind_of(key_of(word)) != "place"]
    return TrainRequest(resolved, Path(str(resolved.run_dir)), False, overrides, dict(choices))


def recipe_folder(config: DictConfig, recipe: Recipe) -> Path:
    """Return the folder of a recipe: the same one for the same command."""
    if config.get("run_dir"):
        return Path(str(config.run_dir)).expanduser().resolve()
    runs = Path(str(config.runs_dir)).expanduser().resolve()
    return runs / str(config.get("name") or recipe.name)
