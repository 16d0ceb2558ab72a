"""Settings of an experiment that the command line has to give."""

from typing import Any

from humanseg.config.settings import REQUIRED
from humanseg.errors import HumansegError


def require_init_from(value: Any) -> None:
    """Refuse to train a later step from random weights, unless a person insists.

    Parameters
    ----------
    value
        The `init_from` of a composed config.

    Raises
    ------
    HumansegError
        It is still what the experiment's file has.
    """
    if value == REQUIRED:
        raise HumansegError(
            "This experiment is a later step: it starts from the weights of an earlier run. Give "
            "init_from=RUN, the folder of that run; the recipes (recipe=best, …) do all steps by "
            "one command. init_from=none starts from random weights all the same."
        )
