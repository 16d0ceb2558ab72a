"""The settings of runs, and those in which runs differ."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeGuard

from humanseg.config.settings import PLAIN_GROUPS, is_result
from humanseg.runs.choices import DATA, data_before, named_callbacks, nearest_option
from humanseg.runs.record import read_config

Value = None | bool | int | float | str
Shipped = Mapping[str, Mapping[str, Mapping[str, Value]]]
"""For each group of configs its options: the name of each, and its settings by dotted keys."""

PLAIN = "plain"
"""The key in `Shipped` of the settings of conf/train.yaml."""
NAMED_GROUPS = ("model", "backbone", "loss", "augmentation", "optimizer", "scheduler", "callbacks")
"""The groups that are shown by the name of the option that was chosen, in this order."""


SOURCES = ("data.extra", "data.extra_valid")
"""Groups of further sources; `with_origins` names those of a run."""


@dataclass(frozen=True)
class Settings:
    """The settings of one run.

    Attributes
    ----------
    values
        A group by the name of its option (`model`: "unet"), everything in it, and beside it, by
        its dotted key (`model.dropout`: 0.0). Paths: see `with_origins`.
    changed
        The keys in a group whose value is not the one that its option ships with.
    elements
        The keys of single numbers of a list (`loss.weights.0`), each with that of its list, which
        is in `values` too.
    """

    values: Mapping[str, Value]
    changed: frozenset[str]
    elements: Mapping[str, str]


@dataclass(frozen=True)
class DifferingSetting:
    """A setting in which some runs differ.

    Attributes
    ----------
    key
        Such as `model` or `optimizer.lr`.
    levels
        Its values, in their order: numbers by size, all else as text, "not set" first.
    follows
        The group whose option decides the value in each of the runs, or empty. The backbone's
        weights often follow the backbone.
    aside
        Whether it differs in one run only and is not needed to tell runs apart: what one run from
        elsewhere brings along must not hide what was varied.
    """

    key: str
    levels: tuple[Value, ...]
    follows: str
    aside: bool = False

    @property
    def telling(self) -> bool:
        """Whether it is one of those that tell runs apart."""
        return not self.follows and not self.aside

    @property
    def numeric(self) -> bool:
        """Whether all its values are numbers."""
        return all(_is_number(level) for level in self.levels)


def read_shipped(folder: Path) -> Shipped:
    """Read the options of the groups that are shown by name, and those of the data."""
    return {
        group: {
            path.stem: dict(flat_settings(read_config(path), group))
            for path in sorted((folder / group).glob("*.yaml"))
        }
        for group in (*NAMED_GROUPS, DATA)
    } | {PLAIN: {"train": dict(flat_settings(_plain_defaults(folder), ""))}}


def read_settings(
    config: Mapping[str, Any], shipped: Shipped, choices: Mapping[str, str] | None = None
) -> Settings:
    """Return the settings of a run, whose config holds what an option stands for, not its name.

    Without `choices`, the options that `summary.json` names, as in runs written before they were
    recorded, options are guessed: see `nearest_option`.
    """
    values: dict[str, Value] = {}
    changed: set[str] = set()
    for group in NAMED_GROUPS:
        node = config.get(group)
        if not isinstance(node, Mapping):
            continue
        have = dict(flat_settings(node, group))
        options = shipped.get(group, {})
        if choices and group in choices:
            # An option of a person's own ships with what it holds.
            name, default = choices[group], options.get(choices[group], have)
        elif group == "callbacks":
            name, default = named_callbacks(node, options)
        else:
            name, default = nearest_option(have, group, options)
        values[group] = name
        targets = {key for key in have if key.endswith(("._target_", "._partial_"))}
        values |= {key: value for key, value in have.items() if key not in targets}
        changed |= {key for key in have if have[key] != default.get(key)} - targets
    others = {key: node for key, node in config.items() if key not in NAMED_GROUPS}
    # Settings that came up after the run was made were what they are by default.
    older = {
        **data_before(config, shipped.get(DATA, {})),
        **shipped.get(PLAIN, {}).get("train", {}),
    }
    have = {**older, **dict(flat_settings(others, ""))}
    values |= {key: value for key, value in have.items() if not key.endswith("._target_")}
    compared = {key: value for key, value in values.items() if is_result(key)}
    return Settings(compared, frozenset(changed), _elements(config, ""))


def differing(runs: Sequence[Settings]) -> list[DifferingSetting]:
    """List the settings in which runs differ, those of a group behind it.

    What only follows from the choice of an option, as it ships, is no difference of its own:
    another backbone has another `backbone.name`, and another source another folder.
    """
    found = []
    for key in _differing_keys(runs):
        values = [run.values.get(key) for run in runs]
        group = next((top for top in SOURCES if key.startswith(f"{top}.")), key.partition(".")[0])
        follows = group if group != key and _decides(runs, group, key) else ""
        if not follows or any(key in run.changed for run in runs):
            levels = {repr(value): value for value in values}
            found.append(DifferingSetting(key, tuple(sorted(levels.values(), key=_order)), follows))
    order = {group: index for index, group in enumerate(NAMED_GROUPS)}
    return sorted(found, key=lambda setting: order.get(setting.key.partition(".")[0], len(order)))


def _plain_defaults(folder: Path) -> dict[str, Any]:
    """Read the settings of the groups that are no object from the default config."""
    defaults = read_config(folder / "train.yaml")
    return {group: defaults[group] for group in PLAIN_GROUPS}


def short_name(key: str) -> str:
    """Return the last word of a dotted key, with the one before it where that is a number.

    Examples
    --------
    >>> short_name("optimizer.lr"), short_name("loss.weights.0")
    ('lr', 'weights.0')
    """
    parts = key.split(".")
    return ".".join(parts[-2:] if parts[-1].isdigit() else parts[-1:])


def as_text(value: Value) -> str:
    """Write a value of a setting the way it is read.

    Examples
    --------
    >>> as_text(None), as_text(True), as_text(0.00031622776), as_text("unet")
    ('–', 'yes', '0.0003162', 'unet')
    """
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _differing_keys(runs: Sequence[Settings]) -> list[str]:
    """List the keys with more than one value; of a list, one number where only that one differs."""
    keys = dict.fromkeys(key for run in runs for key in run.values)
    differ = [key for key in keys if len({repr(run.values.get(key)) for run in runs}) > 1]
    element_of = {key: whole for run in runs for key, whole in run.elements.items()}
    elements: dict[str, list[str]] = {}
    for key in differ:
        if key in element_of:
            elements.setdefault(element_of[key], []).append(key)
    alone = {some[0]: whole for whole, some in elements.items() if len(some) == 1}
    return [
        key for key in differ if (key in alone if key in element_of else key not in alone.values())
    ]


def _elements(node: Any, key: str) -> dict[str, str]:
    """Return the keys of the numbers in lists, each with that of its list."""
    if isinstance(node, Mapping):
        prefix = f"{key}." if key else ""
        parts = [_elements(below, f"{prefix}{name}") for name, below in node.items()]
        return {name: whole for part in parts for name, whole in part.items()}
    if isinstance(node, list) and node and all(map(_is_number, node)):
        return {f"{key}.{index}": key for index in range(len(node))}
    return {}


def flat_settings(node: Any, key: str) -> Iterator[tuple[str, Value]]:
    """Yield the leaves of a config by their dotted keys; of a list of numbers also each.

    Numbers are numbers whatever wrote them, and of an absolute path its last part is left.
    """
    if isinstance(node, Mapping):
        for name, below in node.items():
            yield from flat_settings(below, f"{key}.{name}" if key else str(name))
    elif isinstance(node, list) and any(isinstance(item, Mapping | list) for item in node):
        for index, below in enumerate(node):
            yield from flat_settings(below, f"{key}.{index}")
    elif isinstance(node, list):
        yield key, ", ".join(as_text(_plain(item)) for item in node) or "none"
        if node and all(map(_is_number, node)):
            yield from ((f"{key}.{index}", number) for index, number in enumerate(node))
    else:
        yield key, _plain(node)


def _plain(value: Any) -> Value:
    """Bring a value to one that compares well: numbers as numbers, paths without their folders."""
    if value is None or isinstance(value, bool | int | float):
        return value
    text = str(value)
    try:
        # YAML of OmegaConf reads 1e-3 as a number, plain YAML as text.
        return float(text) if text[:1].isdigit() else _last_part(text)
    except ValueError:
        return _last_part(text)


def _last_part(text: str) -> str:
    return text.rstrip("/").rpartition("/")[2] if text.startswith("/") else text


def _decides(runs: Sequence[Settings], group: str, key: str) -> bool:
    """Return whether runs with one option of a group have one value of a key in it."""
    values: dict[Value, str] = {}
    return all(
        values.setdefault(run.values.get(group), repr(run.values.get(key)))
        == repr(run.values.get(key))
        for run in runs
    )


def _is_number(value: Value) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _order(value: Value) -> tuple[int, float, str]:
    if value is None:
        return 0, 0.0, ""
    if _is_number(value):
        return 1, float(value), ""
    return 2, 0.0, as_text(value)
