"""Binding a config node to the signature of its target, without calling it."""

import functools
import inspect
import sys
import typing
from collections.abc import Callable, Collection, Mapping
from types import SimpleNamespace
from typing import Any

from humanseg.config.checking.values import choices, describe_annotation, fits
from humanseg.config.targets import find_target
from humanseg.errors import HumansegError, nearest

#: Keys of Hydra's, not of the target.
HYDRA_KEYS = ("_target_", "_partial_", "_convert_", "_recursive_")
_MISSING = "???"
_MARKS = (typing.Required, typing.NotRequired)


def _resolved(annotation: Any, home: str) -> Any:
    """Resolve an annotation that stands as text in the module `home`; Any where it cannot be."""
    if not isinstance(annotation, str | typing.ForwardRef):
        return annotation
    holder = SimpleNamespace(__annotations__={"it": annotation})
    try:
        return typing.get_type_hints(holder, globalns=vars(sys.modules[home]), include_extras=True)[
            "it"
        ]
    except Exception:  # names that are imported for type checkers only
        return Any


@functools.cache
def parameters(target: Callable[..., Any]) -> Mapping[str, inspect.Parameter]:
    """Return what a target takes, annotations resolved where that is possible."""
    taken = inspect.signature(target).parameters
    return {
        name: item.replace(annotation=_resolved(item.annotation, target.__module__))
        for name, item in taken.items()
    }


def value_mistakes(value: Any, annotation: Any, key: str) -> list[str]:
    """Return the mistakes of one value, beginning with its full key."""
    if isinstance(value, str) and value == _MISSING:
        return [f"{key}: has no value, give it one with {key}=..."]
    mistakes = nested_mistakes(value, key)
    if mistakes:
        return mistakes
    if fits(value, annotation):
        return _mapping_mistakes(value, annotation, key) if isinstance(value, dict) else []
    shown = value["_target_"] if isinstance(value, dict) and "_target_" in value else repr(value)
    names = choices(annotation)
    hint = nearest(value, names) if isinstance(value, str) and names else ""
    return [f"{key}: {shown} is not {describe_annotation(annotation)}{hint}"]


def _mapping_mistakes(value: Mapping[str, Any], annotation: Any, key: str) -> list[str]:
    """Check what a mapping holds: values of one type by any names, or the keys of a TypedDict."""
    for part in (annotation, *typing.get_args(annotation)):
        if typing.is_typeddict(part):
            hints = {
                name: typing.get_args(hint)[0] if typing.get_origin(hint) in _MARKS else hint
                for name, hint in typing.get_type_hints(part, include_extras=True).items()
            }
            mistakes = [f"{key}.{name}: missing" for name in part.__required_keys__ - value.keys()]
            for name, item in value.items():
                if name in hints:
                    mistakes += value_mistakes(item, hints[name], f"{key}.{name}")
                else:
                    mistakes.append(f"{key}.{name}: unknown{nearest(name, list(hints))}")
            return mistakes
        if typing.get_origin(part) in (dict, Mapping):
            wanted = typing.get_args(part)[1]
            found = (value_mistakes(item, wanted, f"{key}.{name}") for name, item in value.items())
            return [mistake for mistakes in found for mistake in mistakes]
    return []


def nested_mistakes(value: Any, key: str) -> list[str]:
    """Bind every `_target_` below a value; see `value_mistakes`."""
    if isinstance(value, dict):
        if "_target_" in value:
            return node_mistakes(value, key)
        items = [(f"{key}.{name}", item) for name, item in value.items()]
    elif isinstance(value, list):
        items = [(f"{key}[{index}]", item) for index, item in enumerate(value)]
    else:
        return []
    return [mistake for below, item in items for mistake in value_mistakes(item, Any, below)]


def node_mistakes(
    node: Mapping[str, Any],
    key: str,
    runtime: Collection[str] | None = None,
    extra: Mapping[str, Collection[Any]] | None = None,
) -> list[str]:
    """Bind a node, and all below it, to the signature of its target; return the mistakes.

    `runtime` are arguments that the code gives when it calls the target; None: not known, so that a
    partial node may leave any argument open. `extra` are full keys and values that the code
    replaces before it calls the target.
    """
    try:
        target = find_target(node["_target_"])
    except HumansegError as error:
        return [f"{key}._target_: {str(error).rstrip('.')}"]
    taken = parameters(target)
    given = {name: value for name, value in node.items() if name not in HYDRA_KEYS}
    known = [
        name
        for name, item in taken.items()
        if item.kind in (item.POSITIONAL_OR_KEYWORD, item.KEYWORD_ONLY)
    ]
    takes_any = any(item.kind is item.VAR_KEYWORD for item in taken.values())
    mistakes = []
    for name, value in given.items():
        full = f"{key}.{name}"
        if name in (runtime or ()):
            mistakes.append(f"{full}: is set by humanseg itself, remove it")
        elif name in known:
            if value == taken[name].default or value in (extra or {}).get(full, ()):
                continue
            mistakes += value_mistakes(value, taken[name].annotation, full)
        elif takes_any:
            mistakes += value_mistakes(value, Any, full)
        else:
            mistakes.append(f"{full}: unknown{nearest(name, known)}")
    if not (node.get("_partial_") and runtime is None):
        mistakes += [
            f"{key}.{name}: missing, {node['_target_']} needs it"
            for name in known
            if taken[name].default is inspect.Parameter.empty
            and name not in given
            and name not in (runtime or ())
        ]
    return mistakes
