"""The errors of a submission, in few lines."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from humanseg.errors import listed

_SINGLY = 3
_RANGES = 60
_IDS = 20


@dataclass(frozen=True)
class Complaint:
    """One thing that is wrong with a submission.

    Attributes
    ----------
    kind
        A few words that are the same for all complaints of one sort.
    row
        The row of the file as a spreadsheet counts, the header being row 1.
    message
        What is wrong in that row.
    """

    kind: str
    row: int
    message: str


def as_lines(complaints: Iterable[Complaint]) -> list[str]:
    """Write complaints as lines by row, those of one kind together when there are many."""
    kinds: dict[str, list[Complaint]] = {}
    for complaint in sorted(complaints, key=lambda complaint: complaint.row):
        kinds.setdefault(complaint.kind, []).append(complaint)
    lines = []
    for kind, alike in kinds.items():
        if len(alike) <= _SINGLY:
            lines += [f"row {complaint.row}: {complaint.message}" for complaint in alike]
        else:
            rows = ranges([complaint.row for complaint in alike])
            first = f"in row {alike[0].row}, {alike[0].message}"
            lines.append(f"rows {rows} ({len(alike)} rows): {kind}; {first}")
    return lines


def ranges(rows: Sequence[int]) -> str:
    """Write ascending whole numbers briefly: 2, 3, 4, 9 as "2 to 4, 9"."""
    parts = []
    # Within a stretch of consecutive numbers, number minus position stays the same.
    for _, group in groupby(enumerate(dict.fromkeys(rows)), lambda pair: pair[1] - pair[0]):
        stretch = [number for _, number in group]
        first, last = stretch[0], stretch[-1]
        parts.append(str(first) if first == last else f"{first} to {last}")
    more = f" and {len(parts) - _RANGES} more stretches" if len(parts) > _RANGES else ""
    return ", ".join(parts[:_RANGES]) + more


def name_ids(ids: Sequence[str]) -> str:
    """Return ids as text, the first ones if there are many."""
    return listed(list(map(shorten, ids)), _IDS)


def shorten(text: str, limit: int = 60) -> str:
    """Return a text from a file so that it stays on one line and short."""
    shown = "".join(char if char.isprintable() else "�" for char in text[:limit])
    return shown + "…" if len(text) > limit else shown
