"""The request of a command line: a new run, or a run to resume."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, ListConfig, OmegaConf, open_dict

from humanseg.config.load import load_run_config
from humanseg.config.renames import current_config
from humanseg.config.settings import NO_PATHS, REQUIRED, source_paths
from humanseg.errors import HumansegError
from humanseg.inference.named_model import is_bundled
from humanseg.runs import open_run, read_summary
from humanseg.runs.new_folder import numbered_folder
from humanseg.runs.settings import SOURCES
from humanseg.training.resuming import changed_settings, resumed_config, without_changes

_NEEDED = {
    "distillation.weight": "distillation.teachers",
    "distillation.min_confidence": "distillation.unlabelled_dir",
    "data.folds": "data.fold",
}
"""Settings, and those without which they do nothing."""


@dataclass(frozen=True)
class TrainRequest:
    """A training that was requested.

    Attributes
    ----------
    config
        Resolved, with absolute paths: what `config.yaml` holds.
    folder
        Where the run is, or shall be.
    resume
        Whether a run continues.
    overrides
        What was changed on the command line; of a resumed run, then and now.
    choices
        The option that was chosen of each group, such as `model`: "unet"; empty where a resumed
        run has not recorded them.
    changed
        Of a resumed run, the settings that sway the result and are others now: before, and now.
    idle
        Of a resumed run, what it stays where nothing is left to train: without the changes that
        affect it.
    numbered
        Whether a numbered folder will do where another run takes this one before the first step.
    """

    config: DictConfig
    folder: Path
    resume: bool
    overrides: list[str]
    choices: dict[str, str] = field(default_factory=dict)
    changed: dict[str, list[Any]] = field(default_factory=dict)
    idle: "TrainRequest | None" = None
    numbered: bool = False


def read_request(config: DictConfig) -> TrainRequest:
    """Return what a composed config asks for; raise where it cannot be."""
    overrides = _overrides()
    if config.get("resume"):
        return _resumed(config, overrides)
    _require_no_sweep(config)
    resolved = resolve_config(config)
    numbered = not resolved.get("run_dir")
    folder = _new_folder(resolved)
    return TrainRequest(resolved, folder, False, overrides, _choices(), numbered=numbered)


def resolve_config(config: DictConfig) -> DictConfig:
    """Return a copy without interpolations, its paths absolute: what `config.yaml` holds."""
    plain: Any = OmegaConf.to_container(config, resolve=True)
    plain.pop("hydra", None)
    for key in SOURCES:
        group, _, name = key.partition(".")
        # `~data` takes the group away, which is reported with the other mistakes.
        if isinstance(sources := plain.get(group, {}).get(name), Mapping):
            # A source that is null is not used.
            used = {source: value for source, value in sources.items() if value is not None}
            plain[group][name] = used or None
    # A file of a person's own may have old names.
    given = [word.lstrip("+").split("=")[0] for word in _overrides()]
    resolved = OmegaConf.create(current_config(plain, given, notify=True))
    assert isinstance(resolved, DictConfig)
    with open_dict(resolved):
        for key, takes_name in source_paths().items():
            value = OmegaConf.select(resolved, key)
            known = is_bundled if takes_name else NO_PATHS.__contains__
            if isinstance(value, ListConfig):
                paths = [item if known(item) else _absolute(item) for item in value]
                OmegaConf.update(resolved, key, paths)
            elif key == "init_from" and value in ("none", REQUIRED):
                _require_init_from(value)
                resolved.init_from = None
            elif isinstance(value, str) and not known(value):
                OmegaConf.update(resolved, key, _absolute(value))
    return resolved


def named_paths(value: str | Sequence[str] | None) -> list[Path]:
    """Return the paths that a setting names: none, one, or a list."""
    return [Path(item) for item in ([value] if isinstance(value, str) else value or [])]


def without_effect(request: TrainRequest) -> list[str]:
    """Return a note on each setting that was given and does nothing without another one.

    A recipe gives its settings to all stages, whether they need them or not.
    """
    if request.config.get("stage") is not None:
        return []
    given = {word.lstrip("+").partition("=")[0] for word in request.overrides}
    return [
        f"{key} does nothing without {needed}, which is null"
        for key, needed in _NEEDED.items()
        if key in given and OmegaConf.select(request.config, needed) is None
    ]


def sweep_record(config: DictConfig) -> dict[str, Any]:
    """Return what `summary.json` has of the sweep or recipe that a run is a part of."""
    part = {key: config[key] for key in ("sweep", "trial") if config.get(key) is not None}
    if config.get("stage"):
        part["recipe"], _, part["stage"] = str(config.stage).rpartition("/")
    return part


def _require_init_from(value: str) -> None:
    """Refuse to train a later step from random weights, unless a person insists."""
    if value == REQUIRED:
        raise HumansegError(
            "This experiment is a later step: it starts from the weights of an earlier run. Give "
            "init_from=RUN, the folder of that run; the recipes (recipe=best, …) do all steps by "
            "one command. init_from=none starts from random weights all the same."
        )


def _require_no_sweep(config: DictConfig) -> None:
    given = [key for key in ("sweep", "restart") if config.get(key)]
    if given:
        raise HumansegError(
            f"{given[0]}={config[given[0]]} is about a sweep, and this is a single run: add -m, or "
            "leave it out.",
            code="training.no_sweep",
        )


def _absolute(path: str) -> str:
    return str(Path(path).expanduser().resolve())


def _resumed(config: DictConfig, overrides: list[str]) -> TrainRequest:
    named = Path(str(config.resume)).expanduser()
    run = open_run(named)
    if named.is_file() and named.resolve() == run.best.resolve():
        raise HumansegError(
            f"resume={config.resume}: a run goes on from its last epoch, not from its best one: "
            f"give resume={run.path}. A new run starts from the best checkpoint by "
            f"init_from={named}.",
            code="training.resumed_from_best",
        )
    saved = load_run_config(run.config)
    now = resumed_config(saved, resolve_config(config), overrides)
    changes = [override.lstrip("+") for override in overrides if not override.startswith("resume=")]
    summary = read_summary(run.summary)
    recorded = summary.get("overrides") or []
    # Of other groups a resumed run keeps what it began with, whatever the defaults are now.
    groups = {change.split("=")[0] for change in changes}
    chosen = {key: option for key, option in _choices().items() if key in groups}
    began = summary.get("choices") or {}
    choices = {**began, **chosen} if began else {}
    changed = changed_settings(saved, now)
    harmless = [change for change in changes if not _affects(change, changed)]
    idle_groups = {change.split("=")[0] for change in harmless}
    idle = TrainRequest(
        without_changes(saved, now),
        run.path,
        True,
        [*recorded, *harmless],
        began | {key: option for key, option in choices.items() if key in idle_groups},
    )
    return TrainRequest(now, run.path, True, [*recorded, *changes], choices, changed, idle)


def _affects(change: str, changed: Mapping[str, Any]) -> bool:
    """Return whether a word of a command line has changed one of some settings."""
    named = change.split("=")[0]
    return any(f"{key}.".startswith(f"{named}.") for key in changed)


def _new_folder(config: DictConfig) -> Path:
    if config.get("run_dir"):
        return Path(str(config.run_dir)).expanduser()
    runs = Path(str(config.get("runs_dir") or "runs")).expanduser()
    return numbered_folder(runs / str(config.get("name") or _name(_choices())))


def _name(choices: Mapping[str, str]) -> str:
    """Return a name made of what is trained and when."""
    stamp = time.strftime("%Y%m%d-%H%M%S")
    if not choices:
        return stamp
    what = choices.get("experiment") or f"{choices['model']}-{choices['backbone']}"
    return f"{what.replace('/', '-')}-{stamp}"


def hydra_choices(hydra: Any) -> dict[str, str]:
    """Return the options that were chosen; those of Hydra's own groups, and none, left out."""
    chosen = hydra.runtime.choices.items()
    return {
        str(key): str(item) for key, item in chosen if item and not str(key).startswith("hydra/")
    }


def _choices() -> dict[str, str]:
    return hydra_choices(HydraConfig.get()) if HydraConfig.initialized() else {}


def _overrides() -> list[str]:
    return list(HydraConfig.get().overrides.task) if HydraConfig.initialized() else []
