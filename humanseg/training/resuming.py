"""What may be changed in a run that goes on, and what must be as it was."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig, OmegaConf, open_dict

from humanseg.config.find import conf_folder
from humanseg.config.settings import SETTINGS, is_result, on_resume
from humanseg.errors import HumansegError, Refused
from humanseg.runs import RunFolder, read_summary

_NAMES = ", ".join(
    f"{one.key}.*" if one.key in ("trainer", "logger") else one.key
    for one in SETTINGS
    if one.on_resume in ("change", "verify")
)
_DEVICES = ("accelerator", "devices", "strategy", "sync_batchnorm")


def resumed_config(saved: DictConfig, asked: DictConfig, overrides: Sequence[str]) -> DictConfig:
    """Change in a run's config what a command line asks for."""
    parsed = OverridesParser.create().parse_overrides(list(overrides))
    changes = [each for each in parsed if each.key_or_group != "resume"]
    refused = [
        str(each.input_line).lstrip("+")
        for each in changes
        if each.is_delete() or not _may_change(each.key_or_group)
    ]
    if refused:
        raise HumansegError(
            f"A resumed run keeps its settings: only {_NAMES} may be changed, not "
            f"{', '.join(refused)}. Leave it out, or start a new run with init_from="
            f"{asked.resume}."
        )
    config = saved.copy()
    with open_dict(config):
        # A group first: single settings are changed in what it brings.
        for each in sorted(changes, key=lambda change: "." in change.key_or_group):
            _GROUPS.get(each.key_or_group, _take)(config, asked, each.key_or_group)
    return config


def changed_settings(saved: DictConfig, now: DictConfig) -> dict[str, list[Any]]:
    """Return the settings that sway the result and are others now: before, and now."""
    before, after = (_settings(each) for each in (saved, now))
    changed = {
        key: [before.get(key), after.get(key)]
        for key in dict.fromkeys((*before, *after))
        if before.get(key) != after.get(key) and is_result(key) and on_resume(key) != "verify"
    }
    # Of a callback that comes or goes, its own settings say nothing more.
    return {key: both for key, both in changed.items() if key.rpartition(".")[0] not in changed}


def without_changes(saved: DictConfig, now: DictConfig) -> DictConfig:
    """Put back the settings that sway the result: nothing was left to train with the new ones."""
    config = now.copy()
    with open_dict(config):
        for key in changed_settings(saved, now):
            before = OmegaConf.select(saved, key)
            above, _, name = key.rpartition(".")
            if before is None:
                (OmegaConf.select(config, above) if above else config).pop(name, None)
            else:
                OmegaConf.update(config, key, before, merge=False)
    return config


def _settings(config: DictConfig) -> dict[str, Any]:
    """Flatten a config; a callback that comes or goes is one setting."""
    found = leaves(OmegaConf.to_container(config, resolve=True))
    names = {f"callbacks.{name}": "on" for name in config.get("callbacks") or ()}
    told = {key: value for key, value in found.items() if not key.endswith("._target_")}
    return {key: value for key, value in told.items() if value != {}} | names


def leaves(node: Any, prefix: str = "") -> dict[str, Any]:
    """Flatten a plain config; a list, and an empty mapping, is a leaf."""
    if not isinstance(node, dict) or not node:
        return {prefix: node}
    found: dict[str, Any] = {}
    for key, value in node.items():
        found |= leaves(value, f"{prefix}.{key}" if prefix else str(key))
    return found


def require_same(
    run: RunFolder,
    data: Mapping[str, Any],
    pixels: str,
    teaching: Mapping[str, Any] | None,
    sources: Mapping[str, Any],
) -> list[str]:
    """Make sure that a run goes on with the photos and teachers that it began with."""
    summary = read_summary(run.summary)
    then = summary.get("data") or {}
    what = next(_differences(summary, data, pixels, teaching, sources), None)
    if what is not None:
        raise Refused(
            f"The photos that {run.path} was trained on have changed: {what}. Put them back, or "
            f"start a new run with init_from={run.path}."
        )
    notes = []
    if then.get("test") != data.get("test"):
        notes.append(
            f"{data.get('test')} test photos, where there were {then.get('test')}: test.html will "
            "show those of now"
        )
    if then and "pixels_sha256" not in summary:
        notes.append(
            "the valid masks are those that it began with; an older version has not recorded what "
            "its train photos were"
        )
    return notes


def _differences(
    summary: Mapping[str, Any],
    data: Mapping[str, Any],
    pixels: str,
    teaching: Mapping[str, Any] | None,
    sources: Mapping[str, Any],
) -> Iterator[str]:
    # Test photos teach and choose nothing.
    then = {key: value for key, value in (summary.get("data") or {}).items() if key != "test"}
    now = {key: data.get(key) for key in then}
    if then != now:
        yield f"it had {_in_words(then)}, now there are {_in_words(now)}"
    if summary.get("pixels_sha256") not in (None, pixels):
        yield "their names are the same, and what they show is not"
    before = summary.get("teacher")
    if (before is None) != (teaching is None):
        yield f"its teachers were {before}, and are {teaching}"
    if before is None or teaching is None:
        return
    began = summary.get("sources") or {}
    for key, runs in (("distillation.teachers", "runs"), ("distillation.unlabelled_dir", "")):
        if key in began:
            if sorted(began[key]) != sorted(sources.get(key, [])):
                yield f"what {key} names is not what it was"
        elif runs and before.get(runs) != teaching.get(runs):
            yield f"its teachers were {before.get(runs)}, and are {teaching.get(runs)}"
    counts = [{key: one[key] for key in one if key != "runs"} for one in (before, teaching)]
    if counts[0] != counts[1]:
        yield f"of those without masks it had {counts[0]}, now there are {counts[1]}"


def _in_words(data: Mapping[str, Any]) -> str:
    counts = [f"{data[key]} {key}" for key in ("train", "valid") if key in data]
    return f"{' and '.join(counts)} photos with valid masks {str(data.get('valid_sha256'))[:8]}"


def _may_change(key: str) -> bool:
    return key in _GROUPS or on_resume(key) != "keep"


def _take(config: DictConfig, asked: DictConfig, key: str) -> None:
    """Take one setting; where the run has nothing of the kind, all that it needs beside it."""
    parts = key.split(".")
    if (
        parts[0] in ("logger", "callbacks")
        and OmegaConf.select(config, ".".join(parts[:2])) is None
    ):
        key = ".".join(parts[:2])
    OmegaConf.update(config, key, OmegaConf.select(asked, key), merge=False)


def _take_trainer(config: DictConfig, asked: DictConfig, key: str) -> None:
    """Take the devices of an option, and all else in which it is not the default."""
    default = OmegaConf.load(conf_folder() / "trainer" / "default.yaml")
    for name in (*_DEVICES, *asked.trainer):
        value = asked.trainer.get(name)
        if name in _DEVICES and name not in asked.trainer:
            config.trainer.pop(name, None)
        elif name in _DEVICES or value != default.get(name):
            config.trainer[name] = value


def _take_callbacks(config: DictConfig, asked: DictConfig, key: str) -> None:
    """Add or leave out early stopping; what else there is has left its traces in the weights."""
    had, has = (set(each.callbacks) - {"early_stopping"} for each in (config, asked))
    if had != has:
        raise HumansegError(
            f"A resumed run keeps its callbacks ({', '.join(sorted(had)) or 'none'}); only "
            "early_stopping may come or go. Start a new run with init_from="
            f"{asked.resume}."
        )
    if "early_stopping" not in asked.callbacks:
        config.callbacks.pop("early_stopping", None)
    elif "early_stopping" not in config.callbacks:
        config.callbacks["early_stopping"] = asked.callbacks.early_stopping


_GROUPS = {"trainer": _take_trainer, "logger": _take, "callbacks": _take_callbacks}
"""Groups of which another option may be chosen, and how it is taken up."""
