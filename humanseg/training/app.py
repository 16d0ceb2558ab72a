"""The Hydra application behind `humanseg train`: from a command line to a config.

Only Hydra is imported here, so that help and mistakes in a config are answered at once.
"""

import os
import sys
from collections.abc import Sequence

import hydra
from omegaconf import DictConfig

from humanseg.config.find import conf_folder


def _task(config: DictConfig) -> float:
    """Train one run; Hydra calls this once for each job."""
    from humanseg.training.entry import train

    return train(config)


def run_app(arguments: Sequence[str]) -> None:
    """Hand a command line to Hydra.

    Parameters
    ----------
    arguments
        Overrides and Hydra's own flags, such as ``["model=unet", "-m"]``.

    Raises
    ------
    Exception
        Whatever Hydra or the training raised, unchanged: the command line explains it.
    SystemExit
        After ``--help`` and the like.
    """
    # Without it Hydra would print a shortened traceback of its own and exit with 1.
    os.environ["HYDRA_FULL_ERROR"] = "1"
    application = hydra.main(
        config_path=str(conf_folder()), config_name="train", version_base="1.3"
    )(_task)
    whole, sys.argv = sys.argv, [sys.argv[0], *arguments]
    try:
        application()
    finally:
        sys.argv = whole
