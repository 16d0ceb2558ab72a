"""Resuming a run: the settings that may change, and those that must not."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig, OmegaConf, open_dict

from humanseg.config.find import conf_folder
from humanseg.config.settings import SETTINGS, is_result, on_resume
from humanseg.errors import HumansegError, Refused
from humanseg.runs import RunFolder, read_summary, recorded_status
from humanseg.runs.record import read_history

_NAMES = ", ".join(
    f"{setting.key}.*" if setting.key in ("trainer", "logger") else setting.key
    for setting in SETTINGS
    if setting.on_resume in ("change", "verify")
)
_DEVICES = ("accelerator", "devices", "strategy", "sync_batchnorm")


def resumed_config(
    saved: DictConfig, requested: DictConfig, overrides: Sequence[str]
) -> DictConfig:
    """Return a run's config with the changes of a command line."""
    parsed = OverridesParser.create().parse_overrides(list(overrides))
    changes = [change for change in parsed if change.key_or_group != "resume"]
    refused = [
        str(change.input_line).lstrip("+")
        for change in changes
        if change.is_delete() or not _may_change(change.key_or_group)
    ]
    if refused:
        raise HumansegError(
            f"A resumed run keeps its settings: only {_NAMES} may be changed, not "
            f"{', '.join(refused)}. Leave it out, or start a new run with init_from="
            f"{requested.resume}."
        )
    config = saved.copy()
    with open_dict(config):
        # A group first: single settings are changed in what it brings.
        for change in sorted(changes, key=lambda change: "." in change.key_or_group):
            _GROUPS.get(change.key_or_group, _take)(config, requested, change.key_or_group)
    return config


def changed_settings(saved: DictConfig, now: DictConfig) -> dict[str, list[Any]]:
    """Return the changed settings that affect the result: the old and the new value."""
    old, new = (_settings(config) for config in (saved, now))
    changed = {
        key: [old.get(key), new.get(key)]
        for key in dict.fromkeys((*old, *new))
        if old.get(key) != new.get(key) and is_result(key) and on_resume(key) != "verify"
    }
    # For a callback that is added or removed, its own settings are redundant.
    return {key: both for key, both in changed.items() if key.rpartition(".")[0] not in changed}


def without_changes(saved: DictConfig, now: DictConfig) -> DictConfig:
    """Restore the settings that affect the result: nothing was left to train with the new ones."""
    config = now.copy()
    with open_dict(config):
        for key in changed_settings(saved, now):
            value = OmegaConf.select(saved, key)
            above, _, name = key.rpartition(".")
            if value is None:
                (OmegaConf.select(config, above) if above else config).pop(name, None)
            else:
                OmegaConf.update(config, key, value, merge=False)
    return config


def _settings(config: DictConfig) -> dict[str, Any]:
    """Flatten a config; a callback that is added or removed is one setting."""
    values = leaves(OmegaConf.to_container(config, resolve=True))
    callbacks = {f"callbacks.{name}": "on" for name in config.get("callbacks") or ()}
    settings = {
        key: value for key, value in values.items() if not key.endswith("._target_") and value != {}
    }
    return settings | callbacks


def leaves(node: Any, prefix: str = "") -> dict[str, Any]:
    """Flatten a plain config; a list, and an empty mapping, is a leaf."""
    if not isinstance(node, dict) or not node:
        return {prefix: node}
    values: dict[str, Any] = {}
    for key, value in node.items():
        values |= leaves(value, f"{prefix}.{key}" if prefix else str(key))
    return values


def resumed_checkpoint(run: RunFolder) -> Path | None:
    """Return the checkpoint that a run goes on from; None: it has finished no epoch.

    Raises
    ------
    HumansegError
        A checkpoint was removed.
    """
    epochs = len(read_history(run.history)) if run.history.is_file() else 0
    if not run.last.is_file():
        # One that was killed in its first epoch may have begun to write the files of that.
        if epochs > 1 or recorded_status(read_summary(run.summary)) == "finished":
            raise _removed(run.last, "the run goes on from it", run.best)
        return None
    if not run.best.is_file():
        raise _removed(run.best, "the files of the run are made from it", run.last)
    return run.last


def _removed(path: Path, use: str, other: Path) -> HumansegError:
    instead = f", or start a new run with init_from={other}" if other.is_file() else ""
    return HumansegError(
        f"There is no checkpoint {path} any more, and {use}: put it back{instead}.",
        code="training.removed_checkpoint",
    )


def require_same(
    run: RunFolder,
    data: Mapping[str, Any],
    pixels: str,
    distillation: Mapping[str, Any] | None,
    sources: Mapping[str, Any],
) -> list[str]:
    """Raise if a resumed run would not have the photos and teachers of its start."""
    summary = read_summary(run.summary)
    then = summary.get("data") or {}
    what = next(_differences(summary, data, pixels, distillation, sources), None)
    if what is not None:
        raise Refused(
            f"The photos that {run.path} was trained on have changed: {what}. Restore them, or "
            f"start a new run with init_from={run.path}."
        )
    if not then:
        return ["its summary.json does not have the photos of its start: they were not compared"]
    notes = []
    if then.get("test") != data.get("test"):
        notes.append(
            f"{data.get('test')} test photos instead of {then.get('test')}: test.html will show "
            "the current ones"
        )
    if "pixels_sha256" not in summary:
        notes.append(
            "the valid masks are those of its start; an older version did not record its train "
            "photos"
        )
    return notes


def _differences(
    summary: Mapping[str, Any],
    data: Mapping[str, Any],
    pixels: str,
    distillation: Mapping[str, Any] | None,
    sources: Mapping[str, Any],
) -> Iterator[str]:
    # Test photos affect neither training nor selection; `pixels` are those of root and extra.
    then = dict(summary.get("data") or {})
    for key in ("test", "root_sha256", "extra_sha256"):
        then.pop(key, None)
    sources_then = then.pop("extra_valid_sha256", None)
    now = {key: data.get(key) for key in then}
    if then != now:
        yield f"it had {_in_words(then)}, now there are {_in_words(now)}"
    if summary.get("pixels_sha256") not in (None, pixels):
        yield "their names are the same, but their content is not"
    if sources_then not in (None, data.get("extra_valid_sha256")):
        yield "those of data.extra_valid, whose scores choose its checkpoint, are others"
    recorded = summary.get("teacher")
    if (recorded is None) != (distillation is None):
        yield f"its teachers were {recorded}, and are {distillation}"
    if recorded is None or distillation is None:
        return
    began = summary.get("sources") or {}
    for key, runs in (("distillation.teachers", "runs"), ("distillation.unlabelled_dir", "")):
        if key in began:
            if sorted(began[key]) != sorted(sources.get(key, [])):
                yield f"the content of {key} has changed"
        elif runs and recorded.get(runs) != distillation.get(runs):
            yield f"its teachers were {recorded.get(runs)}, and are {distillation.get(runs)}"
    counts = [
        {key: record[key] for key in record if key != "runs"} for record in (recorded, distillation)
    ]
    if counts[0] != counts[1]:
        yield f"its unlabelled photos were {counts[0]}, now there are {counts[1]}"


def _in_words(data: Mapping[str, Any]) -> str:
    counts = [f"{data[key]} {key}" for key in ("train", "valid") if key in data]
    words = f"{' and '.join(counts)} photos with valid masks {str(data.get('valid_sha256'))[:8]}"
    if "extra" in data:
        extra = ", ".join(f"{count} {source}" for source, count in data["extra"].items())
        words += f" and of data.extra {extra}, {data.get('extra_leaked')} left out"
    return words


def _may_change(key: str) -> bool:
    return key in _GROUPS or on_resume(key) != "keep"


def _take(config: DictConfig, requested: DictConfig, key: str) -> None:
    """Copy one setting; if the run lacks its logger or callback, copy all settings of that."""
    parts = key.split(".")
    if (
        parts[0] in ("logger", "callbacks")
        and OmegaConf.select(config, ".".join(parts[:2])) is None
    ):
        key = ".".join(parts[:2])
    OmegaConf.update(config, key, OmegaConf.select(requested, key), merge=False)


def _take_trainer(config: DictConfig, requested: DictConfig, key: str) -> None:
    """Copy the devices of a trainer option, and its other values that are not the default."""
    default = OmegaConf.load(conf_folder() / "trainer" / "default.yaml")
    for name in (*_DEVICES, *requested.trainer):
        value = requested.trainer.get(name)
        if name in _DEVICES and name not in requested.trainer:
            config.trainer.pop(name, None)
        elif name in _DEVICES or value != default.get(name):
            config.trainer[name] = value


def _take_callbacks(config: DictConfig, requested: DictConfig, key: str) -> None:
    """Add or remove early stopping; other callbacks have affected the weights."""
    had, has = (set(node.callbacks) - {"early_stopping"} for node in (config, requested))
    if had != has:
        raise HumansegError(
            f"A resumed run keeps its callbacks ({', '.join(sorted(had)) or 'none'}); only "
            "early_stopping may be added or removed. Start a new run with init_from="
            f"{requested.resume}."
        )
    if "early_stopping" not in requested.callbacks:
        config.callbacks.pop("early_stopping", None)
    elif "early_stopping" not in config.callbacks:
        config.callbacks["early_stopping"] = requested.callbacks.early_stopping


_GROUPS = {"trainer": _take_trainer, "logger": _take, "callbacks": _take_callbacks}
"""Groups of which another option may be chosen, and the function that applies it."""
