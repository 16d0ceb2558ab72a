"""Errors that travel from one process to another."""

import pickle


class FarTraceback(Exception):  # noqa: N818 - no error of its own: the cause of one
    """The traceback of an error in another process, as text."""


def portable(error: BaseException) -> BaseException:
    """Give an error that can travel to another process: itself, or one that says the same."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:  # whatever its class does when it is taken apart
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error
