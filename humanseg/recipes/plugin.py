"""The Hydra plugin for `recipe=NAME`, and its registration.

Imported whenever `humanseg train` starts: nothing heavy is imported here.
"""

from pathlib import Path

from humanseg.sweeps.plugin import TrainingSweeper, announce

TARGET = "hydra_plugins.humanseg.HumansegRecipe"
"""Its name in configs: Hydra accepts plugins of this namespace only."""
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
        """Train all stages that are left to train.

        Raises
        ------
        HumansegError
            Something must be changed, or a stage has failed.
        """
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
