"""`humanseg check-configs`: check every config of conf/ against the code, without data."""

import argparse
import sys
from functools import partial


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments: it has none."""


def run(arguments: argparse.Namespace) -> int:
    """Print a line for each config."""
    from humanseg.config.checking.validate import validate_shipped
    from humanseg.errors import HumansegError
    from humanseg.recipes.check import validate_recipes

    # The first config loads all that configs can name, which takes a while.
    print("Checking the shipped configs …", file=sys.stderr)
    notify = partial(print, flush=True)
    mistakes = validate_shipped(notify) + validate_recipes(notify)
    if mistakes:
        raise HumansegError(
            "These configs do not fit the code:\n  " + "\n  ".join(mistakes), code="config.misfit"
        )
    return 0
