"""Writing a text as Hydra reads it on a command line."""

import re


def quoted(text: str) -> str:
    """Put a text into quotes, so that Hydra reads it as it is.

    Parameters
    ----------
    text
        Any.

    Returns
    -------
    str
        For the right side of an override. Backslashes count only in front of a quote, and
        interpolations are kept from being resolved.
    """
    return "'" + re.sub(r"(\\*)('|\$\{|$)", _escaped, text) + "'"


def _escaped(hit: re.Match[str]) -> str:
    return hit[1] * 2 + ("\\" + hit[2] if hit[2] else "")
