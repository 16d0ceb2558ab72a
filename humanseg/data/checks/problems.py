"""What can be wrong with a data set, as values, and how many of them are told to a person."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

LISTED = 20
"""How many problems one message lists before it says "and N more"."""


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with one photo, mask or folder.

    Attributes
    ----------
    kind
        A few words that are the same for all problems of one sort, such as "missing mask".
    split
        "train", "valid" or "test".
    id
        The id that it concerns; empty when it concerns a whole folder.
    path
        The file or folder to look at.
    message
        A sentence without its final stop: what is wrong, where, and what to do where that is
        not plain.
    fatal
        Whether a training cannot start before it is repaired.
    """

    kind: str
    split: str
    id: str
    path: Path
    message: str
    fatal: bool


def printable(text: str) -> str:
    r"""Return `text` so that any terminal and any UTF-8 file can take it, on one line.

    File names may hold line breaks, control characters and bytes that are no UTF-8 (which
    Python reads as lone surrogates): these become escapes such as ``\n`` and ``\udcff``.
    """
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
    )


def list_problems(problems: Sequence[Problem], limit: int = LISTED) -> str:
    """Write problems as lines of text, one each, the first `limit` of them.

    Parameters
    ----------
    problems
        At least one.
    limit
        How many lines at most, not counting the one that says how many more there are.

    Returns
    -------
    str
        Lines that start with "  - ", joined by line breaks.
    """
    lines = [f"  - {problem.message}" for problem in problems[:limit]]
    if len(problems) > limit:
        lines.append(f"  - and {len(problems) - limit} more")
    return "\n".join(lines)
