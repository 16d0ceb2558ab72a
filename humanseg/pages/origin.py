"""The origin of a page: run, data, date, command, and related pages."""

import time
from dataclasses import dataclass, replace
from typing import Any


@dataclass(frozen=True)
class PageLink:
    """A page that belongs to the same run.

    Attributes
    ----------
    label
        What it is called.
    path
        Its path relative to the page, with forward slashes, not quoted.
    """

    label: str
    path: str


@dataclass(frozen=True)
class Origin:
    """The header of a page; empty fields are left out.

    Attributes
    ----------
    run
        Name of the run, or of the model.
    data
        The photos.
    date
        When the run was trained, or the page written, such as ``2026-11-29 09:28``.
    command
        The command that made it.
    pages
        The pages of the run, this one among them.
    here
        Path of this page, as in `pages`.
    """

    run: str = ""
    data: str = ""
    date: str = ""
    command: str = ""
    pages: tuple[PageLink, ...] = ()
    here: str = ""

    def at(self, page: str) -> "Origin":
        """Return the same for another one of its pages."""
        return replace(self, here=page)


def now() -> str:
    """Return the time as a summary keeps it: local, with its distance from UTC."""
    return time.strftime("%Y-%m-%dT%H:%M:%S%z")


def readable_date(stamp: Any) -> str:
    """Write a time of a summary for a person; nothing where there is none."""
    return str(stamp)[:16].replace("T", " ") if stamp else ""
