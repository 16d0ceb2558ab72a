"""Whether a value out of YAML fits the annotation of the parameter that it will reach."""

import collections.abc as abc
import inspect
import math
import types
from enum import Enum
from pathlib import PurePath
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

from annotated_types import Interval, MinLen

from humanseg.config.targets import find_target

_WORDS = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a text",
    type(None): "null",
    list: "a list",
    dict: "a mapping",
}
# str is a Sequence too, but a text where a list is meant is always a mistake.
_LISTS = (list, tuple, set, frozenset, abc.Sequence, abc.Iterable, abc.Collection, abc.Set)
_MAPPINGS = (dict, abc.Mapping, abc.MutableMapping)
# Packages whose classes no plain value stands for; elsewhere a text often names an object.
_STRICT_PACKAGES = ("humanseg", "torch")


def _is_union(annotation: Any) -> bool:
    return get_origin(annotation) in (Union, types.UnionType)


def _fits_list(value: Any, origin: Any, arguments: tuple[Any, ...]) -> bool:
    if not isinstance(value, list):
        return False
    if origin is tuple and arguments and arguments[-1] is not Ellipsis:
        return len(value) == len(arguments) and all(map(fits, value, arguments))
    return all(fits(item, arguments[0]) for item in value) if arguments else True


def _fits_object(value: Any, annotation: Any) -> bool:
    """Say whether a nested `_target_`, or a plain value, gives an object of a class."""
    if isinstance(value, dict) and "_target_" in value:
        if value.get("_partial_"):
            return annotation is abc.Callable
        target = find_target(value["_target_"])
        if annotation is abc.Callable or not inspect.isclass(target):
            return True
        try:
            return issubclass(target, annotation)
        except TypeError:  # a protocol that issubclass cannot decide
            return True
    if isinstance(value, str) and issubclass(annotation, Enum | PurePath):
        return True
    home = getattr(annotation, "__module__", "").split(".")[0]
    return annotation is not abc.Callable and home not in _STRICT_PACKAGES


def fits(value: Any, annotation: Any) -> bool:
    """Say whether a value fits an annotation.

    Parameters
    ----------
    value
        None, bool, int, float, str, list or dict, as YAML gives them. A mapping with a
        `_target_` stands for what that target makes.
    annotation
        Of a parameter, strings resolved. What is not understood is taken to fit.

    Returns
    -------
    bool
        False only where the value cannot be meant. A whole number fits a float; true and false
        are no numbers; a text is neither a number nor a list. An `Interval` bounds a number.
    """
    origin = get_origin(annotation) or annotation
    arguments = get_args(annotation)
    if annotation in (Any, inspect.Parameter.empty, object) or isinstance(annotation, TypeVar):
        return True
    if origin is Annotated:
        return fits(value, arguments[0]) and all(_meets(value, each) for each in arguments[1:])
    if _is_union(annotation):
        return any(fits(value, one) for one in arguments)
    if origin is Literal:
        return any(type(value) is type(one) and value == one for one in arguments)
    if annotation is None or annotation is type(None):
        return value is None
    if annotation is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if annotation is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if annotation in (bool, str):
        return isinstance(value, annotation)
    if origin in _LISTS:
        return _fits_list(value, origin, arguments)
    if origin in _MAPPINGS:
        if not isinstance(value, dict) or "_target_" in value:
            return False
        return all(fits(one, arguments[1]) for one in value.values()) if arguments else True
    if inspect.isclass(origin):
        return _fits_object(value, origin)
    return True


def _meets(value: Any, bound: Any) -> bool:
    """Say whether a value is in a range; no range holds what is infinite or no number."""
    if isinstance(bound, MinLen):
        return len(value) >= bound.min_length
    return not isinstance(bound, Interval) or _is_inside(value, bound)


def _is_inside(value: Any, interval: Any) -> bool:
    return (
        math.isfinite(value)
        and (interval.ge is None or value >= interval.ge)
        and (interval.gt is None or value > interval.gt)
        and (interval.le is None or value <= interval.le)
        and (interval.lt is None or value < interval.lt)
    )


def _bound(bound: Any) -> str:
    """Write a range: "from 0 to 1", "above 0 and below 1"."""
    if isinstance(bound, MinLen):
        return "that is not empty"
    return _range(bound) if isinstance(bound, Interval) else ""


def _range(interval: Interval) -> str:
    ge, gt, le, lt = interval.ge, interval.gt, interval.le, interval.lt
    if ge is not None and le is not None:
        return f"from {ge} to {le}"
    words = {"of at least": ge, "above": gt, "of at most": le, "below": lt}
    return " and ".join(f"{word} {end}" for word, end in words.items() if end is not None)


def _words(annotation: Any) -> list[str]:
    """Describe each alternative of an annotation."""
    arguments = get_args(annotation)
    origin = get_origin(annotation) or annotation
    if _is_union(annotation):
        return [word for one in arguments for word in _words(one)]
    if origin is Annotated:
        bounds = [bound for each in arguments[1:] if (bound := _bound(each))]
        return [" ".join([word, *bounds]) for word in _words(arguments[0])]
    if origin is Literal:
        return [str(getattr(one, "value", one)) for one in arguments]
    if origin is tuple and arguments and arguments[-1] is not Ellipsis:
        parts = list(dict.fromkeys(map(describe, arguments)))
        each = f" (each {parts[0]})" if len(parts) == 1 else ""
        return [f"a list of {len(arguments)}{each}"]
    if origin in _LISTS:
        inner = f" (each {describe(arguments[0])})" if arguments else ""
        return [f"a list{inner}"]
    if origin in _MAPPINGS:
        return ["a mapping"]
    if origin is abc.Callable:
        return ["a _target_ that can be called"]
    if origin in _WORDS:
        return [_WORDS[origin]]
    return [f"a {getattr(origin, '__name__', str(origin))}"]


def describe(annotation: Any) -> str:
    """Describe an annotation to a person: ``a whole number or null``."""
    return " or ".join(dict.fromkeys(_words(annotation)))


def choices(annotation: Any) -> list[str]:
    """List the texts that an annotation admits by name; empty where it has no Literal."""
    if get_origin(annotation) is Literal:
        return [one for one in get_args(annotation) if isinstance(one, str)]
    if _is_union(annotation):
        return [name for one in get_args(annotation) for name in choices(one)]
    return []
