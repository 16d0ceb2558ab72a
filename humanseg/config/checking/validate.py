"""Checks every config of `conf` against the code, without data or weights."""

from collections.abc import Callable, Iterator
from pathlib import Path

import yaml
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import IntervalSweep
from omegaconf import DictConfig, open_dict

from humanseg.config.build import build
from humanseg.config.checking.check import NAMED, find_mistakes
from humanseg.config.checking.compatibility import pair_key, pair_mistake
from humanseg.config.command_line.hydra_errors import explain_hydra_error, is_hydra_error
from humanseg.config.find import conf_folder
from humanseg.errors import HumansegError, nearest

_CHEAP = ("loss", "augmentation", "optimizer", "scheduler")
"""Groups whose objects need neither data nor weights."""


def groups(folder: Path) -> list[str]:
    """List the groups of a folder of configs that are part of one training's config."""
    others = ("hydra", "recipe")
    return sorted(
        path.name for path in folder.iterdir() if path.is_dir() and path.name not in others
    )


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


def _compose(overrides: list[str]) -> tuple[DictConfig, DictConfig]:
    """Return a config, and how its sweep chooses jobs."""
    config = compose("train", overrides=overrides, return_hydra_config=True)
    sweeper = config.hydra.sweeper
    with open_dict(config):
        del config["hydra"]
    return config, sweeper


def _jobs(sweeper: DictConfig) -> Iterator[str]:
    """Yield each value that a sweep gives to each key, as an override; the bounds of a range."""
    parser = OverridesParser.create(config_loader=GlobalHydra.instance().config_loader())
    for key, value in sweeper.params.items():
        (override,) = parser.parse_overrides([f"{key}={value}"])
        found = override.value()
        if isinstance(found, IntervalSweep):
            yield from (f"{key}={item}" for item in (found.start, found.end))
        elif not override.is_sweep_override():
            yield f"{key}={value}"
        else:
            yield from (f"{key}={item}" for item in override.sweep_string_iterator())


def _sweeper_keys() -> list[str]:
    return [str(key) for key in _compose([])[1]]


def _sweeper_mistakes(sweeper: DictConfig, valid_keys: list[str]) -> list[str]:
    unknown = [key for key in map(str, sweeper) if key not in valid_keys]
    return [f"hydra.sweeper.{key}: unknown{nearest(key, valid_keys)}" for key in unknown]


def _value_mistakes(config: DictConfig) -> list[str]:
    """Build what is cheap to build: it knows which values are impossible."""
    nodes = [config.get(group) for group in _CHEAP]
    nodes += list((config.get("callbacks") or {}).values())
    mistakes = []
    for node in nodes:
        try:
            build(node)
        except HumansegError as error:
            mistakes.append(" ".join(str(error).split()))
    return mistakes


def _mistakes(config: DictConfig, pairs: dict[str, str | None]) -> list[str]:
    """List all that is wrong with a config; `pairs` remembers those that were tried."""
    if found := find_mistakes(config) or _value_mistakes(config):
        return found
    key = pair_key(config)
    if key not in pairs:
        pairs[key] = pair_mistake(config)
    problem = pairs[key]
    return [problem] if problem else []


def validate_shipped(notify: Callable[[str], None] = lambda line: None) -> list[str]:
    """Check every file in the folder of shipped configs, composed onto the defaults.

    Each mistake begins with the override that shows it.
    """
    folder = conf_folder()
    pairs: dict[str, str | None] = {}
    mistakes: list[str] = []
    sweeper_keys: list[str] = []
    # What is wrong with the defaults is wrong with all that is composed onto them: say it once.
    reported: set[str] = set()
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(folder), version_base="1.3"):
        queue = list(_compositions(folder))
        for overrides in queue:
            try:
                config, sweeper = _compose(overrides)
                queue += [[*overrides, job] for job in _jobs(sweeper)] if len(overrides) < 2 else []
                sweeper_keys = sweeper_keys or _sweeper_keys()
                new = _sweeper_mistakes(sweeper, sweeper_keys) + _mistakes(config, pairs)
            except Exception as error:
                if not is_hydra_error(error):
                    raise
                new = [str(explain_hydra_error(error))]
            new = [mistake for mistake in new if mistake not in reported]
            reported.update(new)
            label = " ".join(overrides) or "train.yaml"
            mistakes += [f"{label}: {mistake}" for mistake in new]
            notify(f"{'wrong' if new else 'ok':5}  {label}")
    return mistakes
