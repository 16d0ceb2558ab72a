"""Errors that a person can cause, and how a command ends on them."""

import os
import pickle
import sys
import traceback
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import wraps
from typing import NoReturn, ParamSpec

P = ParamSpec("P")


class HumansegError(Exception):
    """Something that the person at the keyboard must change.

    The message is one short paragraph: what is wrong, where, and what to do. The command line
    prints it without a traceback and exits with `exit_code`.

    Parameters
    ----------
    message
        The paragraph.
    code
        What kind of mistake it is, as `room.mistake` such as ``data.missing_mask``. It stays where
        the words change, so that programs and tests can tell mistakes apart by it. None: the code
        of the class.
    """

    exit_code = 2
    code = "general"

    def __init__(self, message: str = "", *, code: str | None = None) -> None:
        super().__init__(message)
        if code is not None:
            self.code = code


class Refused(HumansegError):  # noqa: N818 - read aloud: "Refused: …"
    """The command could continue, but its result would be wrong."""

    exit_code = 3


def nearest(name: str, names: Iterable[str]) -> str:
    """Return ``", did you mean X?"`` for the name nearest to `name`, or an empty string."""
    near = get_close_matches(name, list(names), n=1, cutoff=0.5)
    return f", did you mean {near[0]}?" if near else ""


def plural(count: int, noun: str) -> str:
    """Return a number and its noun: ``1 photo``, ``2 photos``."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def listed(names: Sequence[str], most: int) -> str:
    """Return the first `most` names, and how many more there are: ``a, b and 7 more``."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def first_line(error: BaseException) -> str:
    """Return the first line of what an error says; its class where it says nothing."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def printable(text: str) -> str:
    """Return a text that a terminal shows and does not obey, whatever names of files are in it.

    Control characters, signs that turn the direction of writing and bytes that are no letters are
    spelled out as Python writes them. Ends of lines stay.
    """
    return "".join(sign if sign == "\n" or sign.isprintable() else _spelled(sign) for sign in text)


def _spelled(sign: str) -> str:
    # Spaces of other widths, and what joins letters and emoji.
    if unicodedata.category(sign) == "Zs" or sign in "\u200c\u200d":
        return sign
    # Not decodable as a name: the byte that stands there on the disk.
    if "\udc80" <= sign <= "\udcff":
        return f"\\x{ord(sign) - 0xDC00:02x}"
    return sign.encode("unicode_escape").decode("ascii")


def says_errors(main: Callable[P, int]) -> Callable[P, int]:
    """Make the `main` of a script print such an error and return its exit code, as `humanseg` does.

    HUMANSEG_DEBUG=1 lets it through, for its traceback.
    """

    @wraps(main)
    def run(*args: P.args, **kwargs: P.kwargs) -> int:
        try:
            return main(*args, **kwargs)
        except HumansegError as error:
            if os.environ.get("HUMANSEG_DEBUG") == "1":
                raise
            print(error, file=sys.stderr)
            return error.exit_code

    return run


class FarTraceback(Exception):  # noqa: N818 - no error of its own: the cause of one
    """The traceback of an error in another process, as text."""


@dataclass(frozen=True)
class Failure:
    """An error on its way out of another process.

    Attributes
    ----------
    error
        As it was raised, or a RuntimeError that says the same where that cannot travel.
    text
        Its traceback.
    """

    error: BaseException
    text: str

    @classmethod
    def of(cls, error: BaseException) -> "Failure":
        """Pack an error where it is caught."""
        text = "".join(traceback.format_exception(error))
        try:
            pickle.loads(pickle.dumps(error))
        except Exception:  # whatever its class does when it is taken apart
            return cls(RuntimeError(f"{type(error).__name__}: {error}"), text)
        return cls(error, text)

    def reraise(self) -> NoReturn:
        """Raise the error in this process, from its traceback there."""
        raise self.error from FarTraceback(self.text)
