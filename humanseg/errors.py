"""Errors that a person can cause, and how a command ends on them."""


class HumansegError(Exception):
    """Something that the person at the keyboard must change.

    The message is one short paragraph: what is wrong, where, and what to do. The command line
    prints it without a traceback and exits with `exit_code`.
    """

    exit_code = 2


class Refused(HumansegError):  # noqa: N818 - read aloud: "Refused: …"
    """The command could go on, but its result would be wrong."""

    exit_code = 3
