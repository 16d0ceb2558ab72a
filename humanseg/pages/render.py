"""Fills the templates; every value is escaped, every path is quoted."""

import math
import os
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined

from humanseg.io.files import write_text


def url(path: str) -> str:
    """Quote a relative path, as the file system spells it, for use in `src` and `href`.

    Nothing in it is taken for a URL's own syntax, so a file called ``100%#1?.jpg`` works. A colon
    is encoded too, so no path can become a scheme.
    """
    return quote(os.fsencode(path))


def readable(name: str) -> str:
    """Make a file name that may not be Unicode fit to be written as text.

    Bytes that are no UTF-8, which Python reads as lone surrogates, become the replacement
    character.
    """
    return name.encode(errors="surrogateescape").decode(errors="replace")


def percent(share: float) -> str:
    """Write a share in [0, 1] as whole percents, keeping 0 and 100 for exactly nothing and all.

    Examples
    --------
    >>> percent(0.503), percent(0.001), percent(0.999)
    ('50 %', '<1 %', '>99 %')
    """
    if 0 < share < 0.01:
        return "<1 %"
    if 0.99 < share < 1:
        return ">99 %"
    return f"{100 * share:.0f} %"


def score(value: float) -> str:
    """Write a score in [0, 1] with four decimals; a score that is not defined (NaN) is a dash.

    Only a perfect score reads as 1.0000, up to the 1e-10 that the task adds to a denominator.

    Examples
    --------
    >>> score(0.97216), score(0.99999), score(1 - 1e-10), score(float("nan"))
    ('0.9722', '0.9999', '1.0000', '–')
    """
    if math.isnan(value):
        return "–"
    return f"{value if value > 1 - 1e-8 else min(value, 0.9999):.4f}"


def duration(seconds: float) -> str:
    """Format a time in its two largest units, such as `3 min 20 s`."""
    total = round(seconds)
    if total < 60:
        return f"{total} s"
    if total < 3600:
        return f"{total // 60} min {total % 60} s"
    return f"{total // 3600} h {total % 3600 // 60} min"


def file_size(count: int) -> str:
    """Write a number of bytes in the unit that fits, such as `4.9 MB`."""
    return f"{count / 1e6:.1f} MB" if count >= 1e5 else f"{max(count / 1e3, 0.1):.1f} kB"


def templates_of(
    package: str, *, autoescape: bool, keep_trailing_newline: bool = False
) -> Environment:
    """Return an environment for the templates of a package; names that are unknown are errors."""
    return Environment(
        loader=PackageLoader(package),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=autoescape,
        keep_trailing_newline=keep_trailing_newline,
    )


@cache
def environment() -> Environment:
    """Return the environment of pages: escaping always on, unknown names are errors."""
    env = templates_of("humanseg.pages", autoescape=True)
    env.filters.update(url=url, percent=percent, score=score, size=file_size)
    # A page of nothing in particular has no origin.
    env.globals.update(origin=None, command_below=False)
    return env


def render(template: str, **context: Any) -> str:
    """Fill a template.

    Parameters
    ----------
    template
        Its file name in ``humanseg/pages/templates``.
    context
        The names that the template uses. A page that extends ``base.html`` needs `heading`,
        `lead` and `facts`, unless its template sets them.

    Returns
    -------
    str
        The page, HTML.

    Raises
    ------
    jinja2.UndefinedError
        The template uses a name that `context` lacks.
    """
    return readable(environment().get_template(template).render(**context))


def write_page(path: Path, template: str, **context: Any) -> None:
    """Fill a template and write it to `path`, whole or not at all."""
    write_text(path, render(template, **context))
