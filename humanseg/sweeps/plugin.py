"""The sweeper behind `humanseg train -m`, and its registration with Hydra.

Imported whenever `humanseg train` starts: nothing heavy is imported here.
"""

from collections.abc import Mapping
from typing import Any

from hydra.core.plugins import Plugins
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

from humanseg.config.renames import current_words
from humanseg.errors import HumansegError

TARGET = "hydra_plugins.humanseg.HumansegSweeper"
"""The sweeper's name in configs: Hydra accepts plugins of this namespace only."""


class TrainingSweeper(Sweeper):
    """The plugin that Hydra calls for a command of several trainings."""

    def setup(
        self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig
    ) -> None:
        """Store Hydra's context and config; each training has its own task function."""
        self._context, self._config = hydra_context, config


class HumansegSweeper(TrainingSweeper):
    """Jobs that are each done once, however often the sweep is interrupted.

    Parameters
    ----------
    params
        Values by key, in Hydra's words; those of the command line take their place.
    method
        `grid` or `tpe`.
    dry_run
        Print the jobs, and start nothing.
    **settings
        The fields of `humanseg.sweeps.search.optuna_search.SearchSettings`.
    """

    def __init__(
        self,
        params: Mapping[str, Any] | None = None,
        method: str = "grid",
        dry_run: bool = False,
        **settings: Any,
    ) -> None:
        words = current_words([f"{key}={value}" for key, value in (params or {}).items()])
        self._params = dict(word.split("=", 1) for word in words)
        self._method, self._dry_run, self._settings = method, dry_run, settings

    def sweep(self, arguments: list[str]) -> None:
        """Do all jobs that are left to do."""
        from humanseg.sweeps.sweep import read_sweep

        sweep = read_sweep(self._context, self._config, arguments, self._params)
        if self._method == "grid":
            from humanseg.sweeps.grid import run_grid

            run_grid(sweep, self._dry_run)
        elif self._method == "tpe":
            from humanseg.sweeps.search.optuna_search import read_search_settings, run_search

            run_search(sweep, read_search_settings(self._settings), self._dry_run)
        else:
            raise HumansegError(f"hydra.sweeper.method={self._method}: there are grid and tpe.")


def announce_sweeper() -> None:
    """Register the sweeper with Hydra, by the name that configs use."""
    announce(HumansegSweeper, TARGET)


def announce(sweeper: type[Sweeper], target: str) -> None:
    """Register a sweeper with Hydra, by the name that configs use."""
    plugins = Plugins.instance()
    plugins.register(sweeper)
    plugins.class_name_to_class[target] = sweeper
