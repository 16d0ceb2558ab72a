"""Checks every value of a config against its signature, before anything is built."""

from collections.abc import Mapping
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from humanseg.config.checking.signatures import node_mistakes, value_mistakes
from humanseg.config.prediction import mirrored_predictions
from humanseg.config.settings import SETTINGS, plain_groups, top_level
from humanseg.config.targets import find_target, refused_targets
from humanseg.errors import HumansegError, first_line, nearest, plural

#: The groups that are one object each, and the arguments that the code adds to the config's.
RUNTIME: Mapping[str, tuple[str, ...]] = {
    "data": ("augmentation", "seed", "unlabelled", "min_confidence"),
    "model": ("backbone",),
    "backbone": (),
    "loss": (),
    "augmentation": (),
    "optimizer": (),
    "scheduler": (),
    "trainer": (
        "callbacks",
        "logger",
        "plugins",
        "num_sanity_val_steps",
        "enable_model_summary",
        "use_distributed_sampler",
        "log_every_n_steps",
    ),
}

#: The groups that are objects by name. The loggers are partials: the entry adds the run's folder.
NAMED = ("callbacks", "logger")

#: What a target of a group must be, by the class that it must have among its bases. Recipes of
#: optimisers and schedulers need not share a base, but must be callable.
BASES: Mapping[str, str] = {
    "data": "pytorch_lightning.core.datamodule.LightningDataModule",
    "model": "torch.nn.modules.module.Module",
    "backbone": "torch.nn.modules.module.Module",
    "loss": "torch.nn.modules.module.Module",
    "augmentation": "humanseg.data.transforms.augmentation.Augmentation",
    "trainer": "pytorch_lightning.trainer.trainer.Trainer",
    "callbacks": "pytorch_lightning.callbacks.callback.Callback",
    "logger": "pytorch_lightning.loggers.logger.Logger",
}

_ABSENT = object()

#: Values that the code replaces before it calls the target.
REPLACED: Mapping[str, tuple[Any, ...]] = {
    "trainer.precision": ("auto",),
    "trainer.sync_batchnorm": ("auto",),
}


def _plain(config: DictConfig) -> tuple[dict[str, Any], list[str]]:
    """Resolve each top key by itself, so that one broken interpolation hides no other mistake."""
    plain: dict[str, Any] = {}
    mistakes = []
    for name in map(str, config):
        try:
            if OmegaConf.is_missing(config, name):
                plain[name] = "???"
                continue
            value = config[name]
            plain[name] = (
                OmegaConf.to_container(value, resolve=True) if OmegaConf.is_config(value) else value
            )
        except OmegaConfBaseException as error:
            mistakes.append(f"{error.full_key or name}: {first_line(error)}")
    return plain, mistakes


def _kind_mistakes(node: Mapping[str, Any], key: str) -> list[str]:
    """Find a target that makes something else than its group holds."""
    try:
        bases = getattr(find_target(node["_target_"]), "__mro__", ())
    except HumansegError:  # node_mistakes says what is wrong with it
        return []
    group = key.split(".")[0]
    if group in BASES:
        fine = BASES[group] in [f"{base.__module__}.{base.__qualname__}" for base in bases]
    else:
        fine = any("__call__" in vars(base) for base in bases)
    # A function, permitted by name, has no bases.
    if fine or not bases:
        return []
    wanted = BASES.get(group, group).rpartition(".")[2]
    return [f"{key}._target_: {node['_target_']} is no {wanted}, as those of conf/{group} are"]


def _object_mistakes(node: Any, key: str, siblings: list[str]) -> list[str]:
    """Check a node that must be an object; `siblings` are the names it may be a typo of."""
    if not isinstance(node, dict) or "_target_" not in node:
        return [f"{key}: has no _target_{nearest(key.rpartition('.')[2], siblings)}"]
    open_partial = node.get("_partial_") and key not in RUNTIME
    runtime = None if open_partial else RUNTIME.get(key, ())
    return _kind_mistakes(node, key) or node_mistakes(node, key, runtime, REPLACED)


def _named_mistakes(group: str, entries: Any) -> list[str]:
    if not isinstance(entries, dict):
        return [] if entries is None else [f"{group}: is not a mapping of named objects"]
    whole = [
        name for name, entry in entries.items() if isinstance(entry, dict) and "_target_" in entry
    ]
    return [
        mistake
        for name, node in entries.items()
        if node is not None
        for mistake in _object_mistakes(node, f"{group}.{name}", whole)
    ]


def _unknown_settings(group: str, node: Any, known: list[str]) -> list[str]:
    if not isinstance(node, dict):
        return [f"{group}: is not a mapping of settings"]
    return [f"{group}.{key}: unknown{nearest(key, known)}" for key in node if key not in known]


def _at(plain: Any, key: str) -> Any:
    """Return what stands at a full key, or `_ABSENT`."""
    for name in key.split("."):
        if not isinstance(plain, dict) or name not in plain:
            return _ABSENT
        plain = plain[name]
    return plain


def find_mistakes(config: DictConfig) -> list[str]:
    """List all that is wrong with a config, beginning with the full key; see `check_config`."""
    plain, mistakes = _plain(config)
    # Read every name before the first module is imported for one.
    if refused := refused_targets(plain):
        return mistakes + refused
    settings, groups = top_level(), plain_groups()
    known = [*settings, *groups, *RUNTIME, *NAMED]
    for name, value in plain.items():
        if name in settings:
            mistakes += value_mistakes(value, settings[name].annotation, name)
        elif name in groups:
            mistakes += _unknown_settings(name, value, groups[name])
        elif name in NAMED:
            mistakes += _named_mistakes(name, value)
        elif name in RUNTIME:
            mistakes += _object_mistakes(value, name, [])
        else:
            mistakes.append(f"{name}: unknown{nearest(name, known)}")
    known_wrong = {mistake.split(":")[0] for mistake in mistakes}
    # Ranges of what Lightning takes and does not check before the first step.
    for setting in SETTINGS:
        if "." in setting.key and setting.annotation is not None and setting.key not in known_wrong:
            if (value := _at(plain, setting.key)) is not _ABSENT:
                mistakes += value_mistakes(value, setting.annotation, setting.key)
    wrong_keys = {mistake.split(":")[0].split(".")[0] for mistake in mistakes}
    mistakes += [
        f"{name}: missing" for name in RUNTIME if name not in plain and name not in wrong_keys
    ]
    if not mistakes:
        try:
            mirrored_predictions(config)
        except HumansegError as error:
            mistakes.append(str(error))
    return mistakes


def check_config(config: DictConfig) -> None:
    """Check every value of a config against the signature it will be passed to; name every mistake.

    Nothing is built. Unknown keys, missing values, wrong types, values out of their range,
    forbidden targets and keys that an experiment file added by a typo are found; what follows from
    several values (a fold that is not among the folds) by what they are passed to.
    """
    if mistakes := find_mistakes(config):
        raise HumansegError(
            f"The config has {plural(len(mistakes), 'mistake')}; correct, and run again:\n  "
            + "\n  ".join(mistakes)
        )
