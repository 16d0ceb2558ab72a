"""The Hydra application behind `humanseg train`: composes a config from a command line.

Only Hydra is imported here, so that help and mistakes in a config are answered at once.
"""

import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from traceback import extract_tb

import hydra
from hydra.conf import HydraConf
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig

from humanseg.config.command_line.overrides import WITH_VALUE, hydra_words
from humanseg.config.find import conf_folder
from humanseg.errors import HumansegError
from humanseg.training.preflight.trainer_options import known_words

_SETTING = re.compile(r"\w+\.[\w.]+=")
"""An override of a single setting in a group."""


class _Failed(BaseException):
    """Carries the error of a single run past Hydra, which would print a line of its own."""


def _train(config: DictConfig) -> tuple[Path, float]:
    """Train one run; return its folder and its Dice. Jobs of a sweep have a task of their own."""
    if mistake := _not_single(HydraConfig.get()):
        raise _Failed from HumansegError(mistake)
    try:
        from humanseg.training.preflight.paths import require_paths

        require_paths(config)
        # Only now, when all is there: it loads torch.
        from humanseg.training.request import read_request
        from humanseg.training.train import train_request

        return train_request(read_request(config))
    except Exception as error:
        raise _Failed from error


def _not_single(hydra: HydraConf) -> str | None:
    """Return what is wrong where Hydra calls this task for something else than a single run."""
    if hydra.mode == RunMode.MULTIRUN:
        return (
            "A sweep needs a sweeper of humanseg, and this config has another: take out what sets "
            "hydra/sweeper. hydra.sweeper.method chooses between grid and tpe."
        )
    if hydra.sweeper.dry_run:
        return "--dry-run is about a sweep, and this is a single run: add -m, or leave it out."
    return None


def run_app(arguments: Sequence[str]) -> Path | None:
    """Run Hydra on a command line; return the run's folder if it trained a single one."""
    folders: list[Path] = []

    def task(config: DictConfig) -> float:
        folder, dice = _train(config)
        folders.append(folder)
        return dice

    # Without it Hydra would print a shortened traceback of its own and exit with 1.
    os.environ["HYDRA_FULL_ERROR"] = "1"
    # One that is set to nothing counts as unset, in our configs and in wandb.
    for name, value in list(os.environ.items()):
        if name.startswith("WANDB_") and not value:
            del os.environ[name]
    application = hydra.main(
        config_path=str(conf_folder()), config_name="train", version_base="1.3"
    )(task)
    words = _overrides_first(known_words(hydra_words(arguments)))
    whole, sys.argv = sys.argv, ["humanseg train", *words]
    # A person's own program, or notebook, may use Hydra too: that stays as it was.
    state, config = GlobalHydra.instance(), HydraConfig.instance()
    theirs = state.hydra, config.cfg
    state.clear()
    try:
        application()
    except _Failed as failed:
        assert failed.__cause__ is not None
        raise failed.__cause__ from None
    except (ValueError, TypeError) as error:
        # One that was raised elsewhere, in a job of a sweep, may be a fault of ours.
        if f"{os.sep}hydra{os.sep}" not in extract_tb(error.__traceback__)[-1].filename:
            raise
        raise HumansegError(f"{' '.join(arguments)}: {error}.") from error
    finally:
        sys.argv = whole
        # Hydra leaves its config behind: the next training of this process would take its
        # overrides.
        state.hydra, config.cfg = theirs
    return folders[0] if folders else None


def _overrides_first(arguments: Sequence[str]) -> list[str]:
    """Put overrides before flags: Hydra takes overrides on one side of its flags only.

    Of our own flags Hydra knows nothing: they become overrides. A run that continues may have parts
    that the defaults lack: its settings are added to those, and looked at where the run is read.
    """
    resumed = any(word.startswith("resume=") for word in arguments)
    overrides: list[str] = []
    flags: list[str] = []
    words = iter(arguments)
    for word in words:
        if word == "--dry-run":
            overrides.append("hydra.sweeper.dry_run=true")
            continue
        if resumed and _SETTING.match(word):
            word = f"++{word}"
        (flags if word.startswith("-") else overrides).append(word)
        if word in WITH_VALUE:
            flags += [value for value in [next(words, None)] if value is not None]
    return overrides + flags
