"""The config options of a run: as recorded, or for older runs the nearest options of `conf`."""

from collections.abc import Mapping
from typing import Any

DATA = "data"
"""The group whose later settings older runs have too, at their defaults."""

Options = Mapping[str, Mapping[str, Any]]
"""The options of a group: the name of each, and its settings by dotted keys."""


def nearest_option(
    have: Mapping[str, Any], group: str, options: Options
) -> tuple[str, Mapping[str, Any]]:
    """Guess the option that a node was made from, if none is recorded, and its defaults.

    It is the shipped option of the same class that needs the fewest changes; without one, the name
    is that of the class.
    """
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


def named_callbacks(node: Mapping[str, Any], options: Options) -> tuple[str, Mapping[str, Any]]:
    """Return the names of callbacks, which are those of their options."""
    default = {key: value for option in options.values() for key, value in option.items()}
    return " + ".join(sorted(node)) or "none", default


def data_before(config: Mapping[str, Any], options: Options) -> Mapping[str, Any]:
    """Return what the data of a run ship with: one that came up after the run was so in it too."""
    node = config.get(DATA)
    if not isinstance(node, Mapping):
        return {}
    target = f"{DATA}._target_"
    return next(
        (option for option in options.values() if option.get(target) == node.get("_target_")), {}
    )
