"""Which classes a config may name, and how a name becomes one of them.

A config may come from somebody else: a run folder, a folder of experiments. So a `_target_` is a
key to a list of what a training is made of, never to any callable that happens to be installed.
"""

import importlib
import inspect
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from types import ModuleType
from typing import Any

from humanseg.errors import HumansegError

#: What a config may name: everything below these modules, and these names.
ALLOWED = (
    "humanseg.data",
    "humanseg.losses",
    "humanseg.metrics",
    "humanseg.models",
    "humanseg.training",
    "albumentations",
    "torch.nn",
    "torch.optim",
    "pytorch_lightning.Trainer",
    "pytorch_lightning.callbacks",
    "pytorch_lightning.loggers",
    "pytorch_lightning.plugins",
    "pytorch_lightning.profilers",
    "pytorch_lightning.strategies",
)

#: The environment variable in which a user names packages of their own, separated by commas.
OWN_PACKAGES = "HUMANSEG_PACKAGES"

#: Modules and classes that moved, and where they are now: a run's config names them for ever.
MOVED = {
    "humanseg.data.augmentation": "humanseg.data.transforms.augmentation",
    "humanseg.data.collage.Collage": "humanseg.data.transforms.copy_paste.CopyPaste",
}

#: A module of humanseg lists in a tuple of this name the functions that a config may name.
LISTED_FUNCTIONS = "CONFIG_TARGETS"


def current_name(target: str) -> str:
    """Return where a `_target_` is now."""
    module, _, name = target.rpartition(".")
    return MOVED.get(target, f"{MOVED.get(module, module)}.{name}")


def with_current_targets(node: Any) -> Any:
    """Return nested mappings and lists, in which every `_target_` says where it is now."""
    if isinstance(node, Mapping):
        return {
            key: current_name(value)
            if key == "_target_" and isinstance(value, str)
            else with_current_targets(value)
            for key, value in node.items()
        }
    return [with_current_targets(item) for item in node] if isinstance(node, list) else node


def own_packages() -> tuple[str, ...]:
    """Return the packages that the user permits besides the known ones."""
    names = os.environ.get(OWN_PACKAGES, "").split(",")
    return tuple(name.strip() for name in names if name.strip())


def _below(name: str, roots: tuple[str, ...]) -> bool:
    return any(name == root or name.startswith(f"{root}.") for root in roots)


def name_problem(target: object) -> str | None:
    """Return why a `_target_` is forbidden, from its name alone: nothing is imported."""
    if not isinstance(target, str):
        return f"{target!r} is not a dotted name"
    parts = target.split(".")
    if not all(part.isidentifier() for part in parts):
        return f"{target!r} is not a dotted name"
    if any(part.startswith("_") for part in parts):
        return f"{target} goes through a private name"
    if not _below(target, ALLOWED + own_packages()):
        return (
            f"{target} is not of a package that a config may name "
            f"(permit a package of your own with {OWN_PACKAGES}=its_name)"
        )
    return None


def _step(parent: Any, part: str) -> Any:
    """Go from a module or class to what it calls `part`; AttributeError when it has none."""
    if hasattr(parent, part) or not isinstance(parent, ModuleType):
        return getattr(parent, part)
    return _import(f"{parent.__name__}.{part}")


def _import(name: str) -> ModuleType:
    """Import a module; AttributeError when there is none of this name."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise HumansegError(f"{name} needs {error.name}, which is not installed.") from error
        raise AttributeError(name) from error


def _object_problem(target: str, found: Any) -> str | None:
    """Return why the object behind a permitted name is forbidden."""
    home = getattr(found, "__module__", None) or ""
    packages = own_packages()
    if _below(target, packages):
        return None if callable(found) and _below(home, packages) else "is not defined there"
    root = target.split(".")[0]
    # torch is let in by two of its rooms; torch.nn re-exports nothing that is defined elsewhere.
    homes = ("torch.nn", "torch.optim") if root == "torch" else (root,)
    if not _below(home, homes):
        return f"is defined in {home or 'another package'}, not there"
    if inspect.isclass(found):
        return None
    listed = getattr(importlib.import_module(home), LISTED_FUNCTIONS, ())
    if root == "humanseg" and getattr(found, "__name__", None) in listed:
        return None
    return "is not a class"


def find_target(target: object) -> Callable[..., Any]:
    """Look a `_target_` up, such as ``torch.optim.AdamW``.

    It is a class; a function only where its module lists it in `LISTED_FUNCTIONS`.
    """
    if problem := name_problem(target):
        raise HumansegError(f"{problem}.")
    assert isinstance(target, str)
    root, *parts = current_name(target).split(".")
    roots = tuple(name.split(".")[0] for name in ALLOWED + own_packages())
    try:
        candidate: Any = _import(root)
        for part in parts:
            candidate = _step(candidate, part)
            # A module may hold others, as humanseg.io.files holds os: stay inside the package.
            if isinstance(candidate, ModuleType) and not _below(candidate.__name__, roots):
                raise HumansegError(f"{target} leaves its package for {candidate.__name__}.")
    except AttributeError as error:
        if root not in sys.modules:
            raise HumansegError(
                f"{target} does not exist: Python finds no package {root}. Install it, or name the "
                "folder that holds it in PYTHONPATH."
            ) from error
        raise HumansegError(f"{target} does not exist{_hint(target)}.") from error
    if problem := _object_problem(target, candidate):
        raise HumansegError(f"{target} {problem}, so a config may not name it.")
    return candidate


def _hint(target: str) -> str:
    """Suggest the nearest public name in the module that was meant."""
    module, _, name = target.rpartition(".")
    try:
        names = vars(importlib.import_module(module))
    except ImportError:
        return ""
    # Without regard to case: Relu is meant as ReLU.
    public = {n.lower(): n for n, item in names.items() if n[0] != "_" and inspect.isclass(item)}
    near = get_close_matches(name.lower(), public, n=1)
    return f", did you mean {module}.{public[near[0]]}" if near else ""


def walk_targets(node: Any, key: str = "") -> Iterator[tuple[str, object]]:
    """Yield (full key, value) of every `_target_` in plain nested dicts and lists."""
    if isinstance(node, dict):
        for name, value in node.items():
            below = f"{key}.{name}" if key else str(name)
            if name == "_target_":
                yield below, value
            else:
                yield from walk_targets(value, below)
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from walk_targets(value, f"{key}[{index}]")


def refused_targets(node: Any, key: str = "") -> list[str]:
    """Return where in a config a `_target_` is forbidden by its name alone, and why."""
    targets = walk_targets(node, key)
    return [f"{where}: {problem}" for where, name in targets if (problem := name_problem(name))]


def require_permitted(node: Any, key: str = "") -> None:
    """Refuse a config that names anything but what a config may name.

    All names are read before the first module is imported.
    """
    refused = refused_targets(node, key)
    if not refused:
        for where, target in walk_targets(node, key):
            try:
                find_target(target)
            except HumansegError as error:
                refused.append(f"{where}: {str(error).rstrip('.')}")
    if refused:
        raise HumansegError(f"The config is refused: {'; '.join(refused)}.")
