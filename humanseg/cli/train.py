"""`humanseg train`: train one run, or with -m a sweep."""

from collections.abc import Sequence

import humanseg

_HELP = {"--help", "-h"}


def run(words: Sequence[str]) -> int:
    """Train; all words are for Hydra, which has flags of its own."""
    if not _HELP.isdisjoint(words):
        from humanseg.config.command_line.help import train_help

        print(train_help(words))
        return 0
    humanseg.train(*words)
    return 0
