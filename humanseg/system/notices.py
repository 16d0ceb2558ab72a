"""Notices about files that were read with a remark, counted over many files."""

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_SHOWN = 3


@dataclass(frozen=True)
class Notice:
    """Something about a file that a person should know, and that is no error."""

    # In a list of what is unusual about one file: "animated".
    word: str
    # What such files are called: "animation", "animations".
    singular: str
    plural: str
    # What was done with them: "the first frame was used".
    text: str

    def __str__(self) -> str:
        """Return it as a sentence about one file."""
        return f"{self.singular}: {self.text}"


ANIMATION = Notice(
    "animated", "animation", "animations", "only the first frame that shows anything was used"
)
PAGES = Notice(
    "several pages", "file of several pages", "files of several pages", "only one page was used"
)
CUT_OFF = Notice(
    "cut off at its end",
    "photo lacks its last bytes",
    "photos lack their last bytes",
    "all but the end of it was there and was used",
)
RESCALED = Notice(
    "values of another range",
    "photo holds values of an unusual range",
    "photos hold values of an unusual range",
    "they were scaled to black and white by what they hold",
)


class Notices:
    """Notices about many files, grouped by kind; threads may share one object."""

    def __init__(self) -> None:
        self._names: dict[Notice, list[str]] = {}
        self._lock = threading.Lock()

    def __reduce__(self) -> tuple[type["Notices"], tuple[()], dict[str, Any]]:
        """Pickle without the lock, for the workers of a training."""
        return Notices, (), {"_names": self._names}

    def add(self, path: Path, notices: Iterable[Notice]) -> None:
        """Add notices about a file."""
        with self._lock:
            for notice in notices:
                self._names.setdefault(notice, []).append(path.name)

    def lines(self) -> list[str]:
        """Return a line for each kind: how many files, what was done, and some names."""
        with self._lock:
            return [_line(notice, names) for notice, names in self._names.items()]


def _line(notice: Notice, names: list[str]) -> str:
    names = sorted(names)
    shown = ", ".join(names[:_SHOWN]) + (", …" if len(names) > _SHOWN else "")
    noun = notice.singular if len(names) == 1 else notice.plural
    return f"{len(names)} {noun}: {notice.text} ({shown})"
