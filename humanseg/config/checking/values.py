"""Checks whether a YAML value fits an annotation, with pydantic, and describes annotations."""

import collections.abc as abc
import functools
import inspect
import types
from enum import Enum
from pathlib import PurePath
from typing import Annotated, Any, Literal, Union, get_args, get_origin, is_typeddict

from pydantic import (
    BeforeValidator,
    ConfigDict,
    PlainValidator,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
    TypeAdapter,
    ValidationError,
    WithJsonSchema,
)
from pydantic.errors import PydanticUserError

from humanseg.config.targets import find_target

_SCALARS: dict[Any, Any] = {
    **{bool: StrictBool, int: StrictInt, float: StrictFloat, str: StrictStr},
    **{None: None, type(None): None},
}
# str is a Sequence too, but a text where a list is meant is always a mistake.
_LISTS = (list, set, frozenset, abc.Sequence, abc.Iterable, abc.Collection, abc.Set)
_MAPPINGS = (dict, abc.Mapping, abc.MutableMapping)
# Packages whose classes no plain value stands for; elsewhere a text often names an object.
_STRICT_PACKAGES = ("humanseg", "torch")
_WORDS = {
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
    "string": "a text",
    "null": "null",
    "object": "a mapping",
}


def fits(value: Any, annotation: Any) -> bool:
    """Return whether a value fits an annotation; False only where it cannot be meant.

    A whole number fits a float; true and false are no numbers; a text is neither a number nor a
    list; no number is infinite. A mapping with a `_target_` stands for what that target makes. An
    annotation that is not understood is taken to fit.
    """
    try:
        _adapter(annotation).validate_python(value)
    except ValidationError:
        return False
    return True


def describe_annotation(annotation: Any) -> str:
    """Describe an annotation to a person: ``a whole number or null``."""
    return " or ".join(dict.fromkeys(_words(_adapter(annotation).json_schema())))


def choices(annotation: Any) -> list[str]:
    """List the texts that an annotation admits by name; empty where it has no Literal."""
    schema = _adapter(annotation).json_schema()
    named = [name for part in schema.get("anyOf", [schema]) for name in _named(part)]
    return [name for name in named if isinstance(name, str)]


def _adapter(annotation: Any) -> TypeAdapter[Any]:
    try:
        return _known_adapter(annotation)
    except (PydanticUserError, TypeError):  # what pydantic cannot read, or Python cannot hash
        return TypeAdapter(Any)


@functools.cache
def _known_adapter(annotation: Any) -> TypeAdapter[Any]:
    return TypeAdapter(_adapted(annotation), config=ConfigDict(allow_inf_nan=False))


def _adapted(annotation: Any) -> Any:
    """Rewrite an annotation for what YAML gives: strict scalars, lists, and objects as nodes."""
    origin, arguments = get_origin(annotation) or annotation, get_args(annotation)
    if annotation in _SCALARS:
        return _SCALARS[annotation]
    if origin is Annotated:
        return Annotated[_adapted(arguments[0]), *arguments[1:]]
    if origin in (Union, types.UnionType):
        return Union[tuple(map(_adapted, arguments))]  # noqa: UP007
    if origin is Literal:
        exact = functools.partial(_require_type, tuple(map(type, arguments)))
        return Annotated[annotation, BeforeValidator(exact)]
    if origin is tuple and arguments:
        items = (item if item is ... else _adapted(item) for item in arguments)
        return tuple[tuple(items)]  # type: ignore[misc]
    if is_typeddict(origin):  # whose keys are checked one by one
        return dict
    if origin in (*_LISTS, tuple):
        return list[_adapted(arguments[0])] if arguments else list  # type: ignore[misc]
    if origin in _MAPPINGS:
        mapping = dict[Any, _adapted(arguments[1])] if arguments else dict  # type: ignore[misc]
        return Annotated[mapping, BeforeValidator(_require_no_target)]
    if origin is not Any and origin not in (object, inspect.Parameter.empty):
        if origin is abc.Callable or inspect.isclass(origin):
            title = getattr(origin, "__name__", str(origin))
            title = "_target_ that can be called" if origin is abc.Callable else title
            check = functools.partial(_require_object, origin)
            return Annotated[Any, PlainValidator(check), WithJsonSchema({"title": title})]
    return Any


def _require_type(classes: tuple[type, ...], value: Any) -> Any:
    """Refuse true where 1 is meant: the two are equal."""
    if type(value) not in classes:
        raise ValueError
    return value


def _require_no_target(value: Any) -> Any:
    if isinstance(value, dict) and "_target_" in value:
        raise ValueError
    return value


def _require_object(wanted: Any, value: Any) -> Any:
    """Refuse what gives no object of a class: a node of another one, or a plain value."""
    if isinstance(value, dict) and "_target_" in value:
        target = find_target(value["_target_"])
        if value.get("_partial_"):
            fine = wanted is abc.Callable
        elif wanted is abc.Callable or not inspect.isclass(target):
            fine = True
        else:
            try:
                fine = issubclass(target, wanted)
            except TypeError:  # a protocol that issubclass cannot decide
                fine = True
    elif isinstance(value, str) and issubclass(wanted, Enum | PurePath):
        fine = True
    else:
        home = getattr(wanted, "__module__", "").split(".")[0]
        fine = wanted is not abc.Callable and home not in _STRICT_PACKAGES
    if not fine:
        raise ValueError
    return value


def _named(schema: dict[str, Any]) -> list[Any]:
    return schema.get("enum", [schema["const"]] if "const" in schema else [])


def _words(schema: dict[str, Any]) -> list[str]:
    """Describe each alternative of a JSON schema."""
    if "anyOf" in schema:
        return [word for part in schema["anyOf"] for word in _words(part)]
    if named := _named(schema):
        return [str(name) for name in named]
    kind = schema.get("type")
    if kind != "array":
        word = _WORDS.get(str(kind)) or f"a {schema.get('title', 'value')}"
        return [" ".join([word, *_range(schema)])]
    items = [" or ".join(_words(part)) for part in schema.get("prefixItems", [])]
    fewest = schema.get("minItems")
    count = {None: "", 1: " of one or more"}.get(fewest, f" of at least {fewest}")
    count = f" of {len(items)}" if items else count
    kinds = {*items, *([" or ".join(_words(schema["items"]))] if schema.get("items") else [])}
    return [f"a list{count}" + (f" (each {kinds.pop()})" if len(kinds) == 1 else "")]


def _range(schema: dict[str, Any]) -> list[str]:
    """Write a range: "from 0 to 1", "above 0 and below 1"."""
    if schema.get("minLength"):
        return ["that is not empty"]
    ends = ("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum")
    ge, gt, le, lt = (
        int(end) if isinstance(end, float) and end.is_integer() else end
        for end in map(schema.get, ends)
    )
    if ge is not None and le is not None:
        return [f"from {ge} to {le}"]
    words = {"of at least": ge, "above": gt, "of at most": le, "below": lt}
    parts = [f"{word} {end}" for word, end in words.items() if end is not None]
    return [" and ".join(parts)] if parts else []
