"""Configs: where they lie, what they may name, whether they fit, and the objects they describe."""

from humanseg.config.build import build
from humanseg.config.check import check_config, find_mistakes
from humanseg.config.find import conf_folder
from humanseg.config.load import load_run_config
from humanseg.config.validate import validate_shipped

__all__ = [
    "build",
    "check_config",
    "conf_folder",
    "find_mistakes",
    "load_run_config",
    "validate_shipped",
]
