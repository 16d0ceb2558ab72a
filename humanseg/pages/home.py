"""The page of a run: scores, examples, settings, command and next steps."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from humanseg.pages.gallery import ERROR_LEGEND
from humanseg.pages.origin import Origin
from humanseg.pages.render import write_page

_AXES = (0.0, 0.5, 0.8, 0.9, 0.95)
"""Where the axis of an interval may start; it ends at 1."""


def write_home_page(path: Path, home: Mapping[str, Any], origin: Origin) -> None:
    """Write the page of a run, whole or not at all.

    Parameters
    ----------
    path
        The HTML file, in the run's folder.
    home
        What it shows, by the names that the template has at its top.
    origin
        Where it comes from.

    Raises
    ------
    HumansegError
        The page cannot be written.
    """
    low, high = home["interval"].low, home["interval"].high
    start = max(start for start in _AXES if start <= max(low, 0.0))
    write_page(
        path,
        "home/home.html",
        heading=home["name"],
        lead=home["sentence"],
        facts=home["facts"],
        origin=origin,
        home=home,
        start=start,
        ends=[round(100 * (end - start) / (1 - start), 2) for end in (low, high)],
        legend=ERROR_LEGEND,
        command_below=True,
    )
