"""The sweepers behind `humanseg train -m`. Hydra takes sweepers from this namespace only.

Hydra imports this file whenever it starts: nothing heavy is imported here.
"""

from collections.abc import Mapping
from typing import Any

from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig


class GridSweeper(Sweeper):
    """Every combination of values, each once, however often it is interrupted.

    Parameters
    ----------
    params
        Values by key, in Hydra's words; those of the command line take their place.
    dry_run
        Say what would be done, and start nothing.
    """

    def __init__(self, params: Mapping[str, Any] | None = None, dry_run: bool = False) -> None:
        self.params = dict(params or {})
        self.dry_run = dry_run

    def setup(
        self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig
    ) -> None:
        """Take what Hydra gives; the task is one of our own, which knows the sweep's folder."""
        self._context, self._config = hydra_context, config

    def sweep(self, arguments: list[str]) -> None:
        """Do all jobs that are left to do.

        Raises
        ------
        HumansegError
            Something must be changed, or some jobs have failed.
        """
        from humanseg.sweeps.grid import run_grid

        run_grid(self._context, self._config, arguments, self.params, self.dry_run)
