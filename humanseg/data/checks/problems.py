"""Problems of a data set, as values and as text."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

LISTED = 20
"""The number of problems that one message lists before "and N more"."""


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with one photo, mask or folder."""

    kind: str  # the same few words for all problems of one sort, such as "missing mask"
    split: str
    id: str  # empty where it concerns a whole folder
    path: Path  # the file or folder to look at
    message: str  # a sentence without its final stop: what is wrong, where, and what to do
    fatal: bool  # whether a training cannot start before it is repaired


def escape(text: str) -> str:
    r"""Return `text` so that any terminal and any UTF-8 file can take it, on one line.

    File names may hold line breaks, control characters and bytes that are no UTF-8 (which
    Python reads as lone surrogates): these become escapes such as ``\n`` and ``\udcff``.
    """
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
    )


def short_path(path: Path) -> str:
    """Return the folder and the name of a file, as `escape` does."""
    return escape(f"{path.parent.name}/{path.name}")


def code_of(problems: Sequence[Problem]) -> str:
    """Return the error code of problems: that of their kind, or `data.unsound` of several."""
    kinds = {problem.kind for problem in problems}
    return f"data.{kinds.pop().replace(' ', '_')}" if len(kinds) == 1 else "data.unsound"


def list_problems(problems: Sequence[Problem]) -> str:
    """Write problems as lines of text, the first `LISTED` of them and how many more there are."""
    lines = [f"  - {problem.message}" for problem in problems[:LISTED]]
    if len(problems) > LISTED:
        lines.append(f"  - and {len(problems) - LISTED} more")
    return "\n".join(lines)
