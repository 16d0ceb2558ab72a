"""Every shipped config against the code, without data or weights."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import yaml
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig, open_dict

from humanseg.config.check import NAMED, find_mistakes
from humanseg.config.explain import explain_hydra_error, is_hydra_error
from humanseg.config.find import conf_folder
from humanseg.config.pairs import pair_key, pair_mistake


def groups(folder: Path) -> list[str]:
    """List the groups of a folder of configs; Hydra's own settings are none."""
    return sorted(path.name for path in folder.iterdir() if path.is_dir() and path.name != "hydra")


def options(folder: Path, group: str) -> list[str]:
    """List the values of a group: its files' names."""
    return sorted(path.stem for path in (folder / group).glob("*.yaml"))


def _compositions(folder: Path) -> Iterator[list[str]]:
    """Yield the overrides that put each shipped file onto the defaults."""
    train = yaml.safe_load((folder / "train.yaml").read_text(encoding="utf-8"))
    listed = [name for entry in train["defaults"] if isinstance(entry, dict) for name in entry]
    yield []
    for group in groups(folder):
        plus = "" if group in listed else "+"
        for option in options(folder, group):
            value = f"[{option}]" if group in NAMED else option
            yield [f"{plus}{group}={value}"]


def _compose(overrides: list[str]) -> tuple[DictConfig, dict[str, Any]]:
    """Return a config and what its sweep varies."""
    config = compose("train", overrides=overrides, return_hydra_config=True)
    sweep = dict(config.hydra.sweeper.get("params") or {})
    with open_dict(config):
        del config["hydra"]
    return config, sweep


def _jobs(sweep: dict[str, Any]) -> Iterator[str]:
    """Yield each value that a sweep gives to each key, as an override."""
    parser = OverridesParser.create()
    for key, value in sweep.items():
        override = parser.parse_override(f"{key}={value}")
        if not override.is_sweep_override():
            yield f"{key}={value}"
        else:
            yield from (f"{key}={one}" for one in override.sweep_string_iterator())


def validate_shipped(say: Callable[[str], None] = lambda line: None) -> list[str]:
    """Check every file in the folder of shipped configs, composed onto the defaults.

    Parameters
    ----------
    say
        Called with a line on each composition.

    Returns
    -------
    list of str
        A mistake each, beginning with the override that shows it; empty when all fit.
    """
    folder = conf_folder()
    tried: dict[str, str | None] = {}
    mistakes: list[str] = []
    # What is wrong with the defaults is wrong with all that is composed onto them: say it once.
    said: set[str] = set()
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(folder), version_base="1.3"):
        queue = list(_compositions(folder))
        for overrides in queue:
            found = []
            try:
                config, sweep = _compose(overrides)
                queue += [[*overrides, job] for job in _jobs(sweep)] if len(overrides) < 2 else []
                found = find_mistakes(config)
                if not found:
                    key = pair_key(config)
                    if key not in tried:
                        tried[key] = pair_mistake(config)
                    found = [problem] if (problem := tried[key]) else []
            except Exception as error:
                if not is_hydra_error(error):
                    raise
                found = [str(explain_hydra_error(error))]
            found = [one for one in found if one not in said]
            said.update(found)
            label = " ".join(overrides) or "train.yaml"
            mistakes += [f"{label}: {one}" for one in found]
            say(f"{'wrong' if found else 'ok':5}  {label}")
    return mistakes
