"""The shipped options that a run was made from: found again in its config, which has no names."""

from collections.abc import Mapping
from typing import Any

DATA = "data"
"""The group whose settings a run has even where they came up after it, at what they ship with."""

Options = Mapping[str, Mapping[str, Any]]
"""The options of a group: the name of each, and its settings by dotted keys."""


def nearest_option(
    node: Mapping[str, Any],
    have: Mapping[str, Any],
    group: str,
    options: Options,
) -> tuple[str, Mapping[str, Any]]:
    """Return the name of the option that a node was made from, and what it ships with."""
    target = f"{group}._target_"
    best: tuple[int, str, Mapping[str, Any]] | None = None
    for name, default in options.items():
        if default.get(target) != have.get(target):
            continue
        changes = sum(have.get(key) != default.get(key) for key in have.keys() | default.keys())
        if best is None or changes < best[0]:
            best = changes, name, default
    own_name = str(have.get(target, "")).rpartition(".")[2] or "none"
    return (own_name, {}) if best is None else best[1:]


def named_callbacks(
    node: Mapping[str, Any],
    have: Mapping[str, Any],
    group: str,
    options: Options,
) -> tuple[str, Mapping[str, Any]]:
    """Name callbacks by their own names, which are those of their options."""
    default = {key: value for option in options.values() for key, value in option.items()}
    return " + ".join(sorted(node)) or "none", default


def data_before(config: Mapping[str, Any], options: Options) -> Mapping[str, Any]:
    """Return what the data of a run ship with: one that came up after the run was so in it too."""
    node = config.get(DATA)
    if not isinstance(node, Mapping):
        return {}
    target = f"{DATA}._target_"
    return next((one for one in options.values() if one.get(target) == node.get("_target_")), {})
