"""Reads the config of a run."""

from pathlib import Path
from typing import Any

import yaml
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from humanseg.config.renames import current_config
from humanseg.errors import HumansegError, first_line


def load_run_config(path: Path) -> DictConfig:
    """Read the ``config.yaml`` of a run, with the names of today: see `renames`.

    Plain YAML only: a tag that would build a Python object is an error, and nothing that the
    file names is imported here (`build` and `check_config` look at that).
    """
    try:
        config = OmegaConf.load(path)
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise HumansegError(
            f"Cannot read the config {path}: {reason}. Name the folder of a run."
        ) from error
    except (yaml.YAMLError, OmegaConfBaseException, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f" (line {mark.line + 1})" if mark else ""
        problem = getattr(error, "problem", None) or first_line(error)
        raise HumansegError(
            f"The config {path} is not plain YAML{where}: {problem}. Restore the file, or take "
            "another run."
        ) from error
    if not isinstance(config, DictConfig) or not config:
        raise HumansegError(
            f"The config {path} holds no settings: a run's config.yaml is a mapping. Restore the "
            "file, or take another run."
        )
    plain: Any = OmegaConf.to_container(config)
    return OmegaConf.create(current_config(plain))
