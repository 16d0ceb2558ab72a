"""Errors that a person can cause, and how a command ends on them."""

import os
import sys
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

P = ParamSpec("P")


class HumansegError(Exception):
    """Something that the person at the keyboard must change.

    The message is one short paragraph: what is wrong, where, and what to do. The command line
    prints it without a traceback and exits with `exit_code`.
    """

    exit_code = 2


class Refused(HumansegError):  # noqa: N818 - read aloud: "Refused: …"
    """The command could go on, but its result would be wrong."""

    exit_code = 3


def says_errors(main: Callable[P, int]) -> Callable[P, int]:
    """Let the `main` of a script end on such an error as `humanseg` does: said, with its exit code.

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
