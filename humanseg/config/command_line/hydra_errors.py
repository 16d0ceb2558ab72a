"""Hydra's errors on a wrong command line, as one paragraph with the nearest name."""

import re
from typing import Any

import yaml
from hydra.errors import (
    ConfigCompositionException,
    HydraException,
    MissingConfigException,
    OverrideParseException,
)
from omegaconf.errors import OmegaConfBaseException

from humanseg.config.find import conf_folder
from humanseg.errors import HumansegError, first_line, nearest


def _leaf_keys(node: Any, prefix: str = "") -> list[str]:
    keys = []
    for key, value in node.items():
        keys.append(f"{prefix}{key}")
        if isinstance(value, dict):
            keys.extend(_leaf_keys(value, f"{prefix}{key}."))
    return keys


def _known_names() -> list[str]:
    """List the groups and keys that a command line may set, by the default config."""
    from hydra import compose, initialize_config_dir
    from hydra.core.global_hydra import GlobalHydra
    from omegaconf import OmegaConf

    # Whoever asks may be at composing configs, and continues with it.
    saved = GlobalHydra.instance().hydra
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(conf_folder()), version_base="1.3"):
        plain = OmegaConf.to_container(compose("train"), resolve=False)
    GlobalHydra.instance().hydra = saved
    groups = [folder.name for folder in conf_folder().glob("*/") if folder.name != "hydra"]
    return groups + _leaf_keys(plain)


def _options_with(key: str) -> list[str]:
    """List the options of a key's group that have it."""
    group, _, setting = key.partition(".")
    paths = sorted((conf_folder() / group).glob("*.yaml")) if setting else []
    return [path.stem for path in paths if setting in _leaf_keys(yaml.safe_load(path.read_bytes()))]


def _missing_option(error: MissingConfigException) -> str:
    # Hydra names the file in quotes, but fills in the attributes for some groups only.
    quoted = re.search(r"Could not (?:find|load) '([^']+)'", str(error))
    group, _, value = (quoted[1] if quoted else error.missing_cfg_file or "").rpartition("/")
    names = sorted(error.options or [p.stem for p in (conf_folder() / group).glob("*.yaml")])
    if not group or not (names or (conf_folder() / group).is_dir()):
        return " ".join(str(error).split())
    choices = f"There are: {', '.join(names)}." if names else "None is shipped."
    return (
        f"{group}={value}: there is no such {group}{nearest(value, names) or '.'} {choices} Values "
        "of your own are found with --config-dir."
    )


def _unknown_key(error: ConfigCompositionException) -> str:
    first = first_line(error)
    key = first.split("'")[1] if first.count("'") >= 2 else ""
    cause = error.__cause__
    if not key or not first.startswith("Could not override"):
        detail = f" {cause}" if cause else ""
        return " ".join(f"{error}{detail}".split())
    if cause is not None and "not in struct" not in str(cause) and "No match" not in first:
        return f"{key}: {first_line(cause)}."
    group = key.partition(".")[0]
    if options := _options_with(key):
        return (
            f"{key}: there is no such key in the chosen {group}, but in {', '.join(options)}. "
            f"Where a sweep chooses the {group}, write ++{key}=…"
        )
    hint = nearest(key, _known_names()) or ". See humanseg train --cfg job for all there are."
    return f"{key}: there is no such key{hint}"


def explain_hydra_error(error: Exception) -> HumansegError:
    """Turn an error of Hydra or OmegaConf into a paragraph for a person.

    It says which override or key is wrong, and the nearest name where there is one.
    """
    if isinstance(error, MissingConfigException):
        message = _missing_option(error)
    elif isinstance(error, OverrideParseException):
        message = (
            f"{error.override}: this is not key=value as Hydra reads it. A text with other "
            "characters than letters, digits, spaces and /.:-+%@$ needs quotes of its own, inside "
            """those of the shell: 'key="the text"'."""
        )
    elif isinstance(error, ConfigCompositionException):
        message = _unknown_key(error)
    elif isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        mark = error.problem_mark
        message = f"{mark.name}, line {mark.line + 1}: this is not YAML: {error.problem}."
    else:
        key = getattr(error, "full_key", None)
        lines = str(error).splitlines() if key else [" ".join(str(error).split())]
        message = f"{key}: {lines[0]}." if key else lines[0]
    return HumansegError(message)


def is_hydra_error(error: BaseException) -> bool:
    """Return whether `error` came from Hydra, OmegaConf, or a config that is not YAML."""
    return isinstance(error, HydraException | OmegaConfBaseException | yaml.YAMLError)
