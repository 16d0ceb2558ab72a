"""The settings of a run that are not the default ones."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from humanseg.config.settings import kind_of
from humanseg.runs.record import read_config
from humanseg.runs.settings import flat_settings

_TELLING = ("result", "repeat")
_OTHERS = ("logger", "search")
"""Groups that say nothing of what a model is."""


@dataclass(frozen=True)
class Difference:
    """A setting, its value in a run, and its default; None where it has none."""

    key: str
    value: Any
    default: Any


def non_default_settings(
    config: Mapping[str, Any], choices: Mapping[str, str], folder: Path
) -> list[Difference]:
    """List in what a run differs from `humanseg train` without any override.

    First the options that were chosen, then settings; of what an option brings along nothing.
    `choices` are those of its `summary.json`, empty in old runs, of which only settings are listed.
    """
    shipped = read_config(folder / "train.yaml")
    default_options = dict(_default_options(shipped["defaults"]))
    options = [
        Difference(group, option, default_options.get(group))
        for group, option in choices.items()
        if group not in _OTHERS and option != default_options.get(group)
    ]
    names = " + ".join(config.get("callbacks") or ()) or "none"
    if names != (usual := " + ".join(default_options.get("callbacks") or ()) or "none"):
        options.append(Difference("callbacks", names, usual))
    settings: list[Difference] = []
    for key, node in config.items():
        if key in default_options:
            chosen = _option(folder, key, node, choices.get(key, default_options[key]))
        else:
            chosen = {key: shipped.get(key)}
        have, default = dict(flat_settings(node, key)), dict(flat_settings(chosen[key], key))
        if key in choices or key not in default_options or key == "callbacks":
            settings += [
                Difference(name, value, default.get(name))
                for name, value in have.items()
                if value != default.get(name)
                and not name.endswith(("._target_", "._partial_"))
                # The numbers of a list stand in the list.
                and not (name.rpartition(".")[0] in have and name.rpartition(".")[2].isdigit())
            ]
    telling = [setting for setting in settings if kind_of(setting.key) in _TELLING]
    return [*sorted(options, key=lambda option: option.key != "experiment"), *telling]


def _default_options(defaults: Sequence[Any]) -> Iterator[tuple[str, Any]]:
    """Yield each group and its default option, as `train.yaml` lists them."""
    for entry in defaults:
        for group, option in entry.items() if isinstance(entry, Mapping) else ():
            if not group.startswith("override ") and option is not None:
                yield group, option


def _option(folder: Path, group: str, node: Any, chosen: str | list[str]) -> dict[str, Any]:
    """Read the defaults of a group's option, or of several merged."""
    if isinstance(chosen, list):
        # Callbacks are called by the names of their options.
        chosen = [*node] if isinstance(node, Mapping) else chosen
        read = [_option(folder, group, None, name)[group] for name in chosen]
        return {group: {key: value for item in read for key, value in item.items()}}
    path = folder / group / f"{chosen}.yaml"
    return {group: read_config(path) if path.is_file() else {}}
