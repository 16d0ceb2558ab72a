"""The ranges of options that a command line and Python have alike, and paths that may be empty."""

from collections.abc import Callable
from numbers import Integral, Real
from os import PathLike, fspath
from pathlib import Path
from typing import NamedTuple

from humanseg.errors import HumansegError


class Range(NamedTuple):
    """A range of numbers."""

    words: str
    kind: type[int] | type[float]
    holds: Callable[[float], bool]


_SHARE = Range("between 0 and 1", float, lambda value: 0 < value < 1)
_BELOW_ONE = Range("a number from 0 to below 1", float, lambda value: 0 <= value < 1)

RANGES = {
    "threshold": _SHARE,
    "min_area": _BELOW_ONE,
    "max_drop": _BELOW_ONE,
    "temporal_smoothing": _BELOW_ONE,
    "threads": Range("a whole number from 1 up", int, lambda value: value >= 1),
}
"""The range of each option, by its name in Python."""


def require_in_range(**options: float | None) -> None:
    """Raise a HumansegError that names an option that is out of its range; None is in any."""
    for name, value in options.items():
        words, kind, holds = RANGES[name]
        number = Integral if kind is int else Real
        if value is not None and not (isinstance(value, number) and holds(value)):
            raise HumansegError(
                f"{name}={value!r} is not {words}: give such a number, or leave it out.",
                code="inference.out_of_range",
            )


def as_path(name: str, path: str | PathLike[str]) -> Path:
    """Return a path; raise a HumansegError where it is empty: to pathlib that is a dot."""
    if not fspath(path).strip():
        raise HumansegError(
            f"{name} is empty: name a file or folder; . is this folder.", code="api.empty_path"
        )
    return Path(path)
