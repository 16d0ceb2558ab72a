"""The argument parser, which suggests the nearest name for a misspelt word."""

import argparse
from collections.abc import Callable, Iterable, Sequence
from difflib import get_close_matches
from typing import Any, NoReturn


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return ``", did you mean X?"`` for the nearest word that is known, or an empty string."""
    near = get_close_matches(word, list(known), n=1)
    return f", did you mean {near[0]}?" if near else ""


def one_of(*known: str) -> Callable[[str], str]:
    """Return the type of an option that takes one of some words."""

    def word(text: str) -> str:
        if text not in known:
            hint = did_you_mean(text, known) or "."
            raise argparse.ArgumentTypeError(f"there is no {text}{hint} It is {' or '.join(known)}")
        return text

    return word


class Parser(argparse.ArgumentParser):
    """A parser that reports a mistake in one paragraph, with the nearest name.

    Attributes
    ----------
    scattered
        Name of the list of words that may stand anywhere between options, which argparse takes
        together only.
    """

    scattered: str | None = None

    def error(self, message: str) -> NoReturn:
        """Print the error, and exit with 2."""
        end = "" if message.endswith(("?", ".")) else "."
        self.exit(2, f"{self.prog}: {message}{end} See {self.prog} --help.\n")

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse, as argparse does, but look for misspelt options first, and leave no word over.

        argparse would rather miss what follows one.
        """
        self._require_known(args or ())
        namespace, rest = super().parse_known_args(args, namespace)
        if self.scattered is not None:
            words = [word for word in rest if not word.startswith("-")]
            setattr(namespace, self.scattered, [*getattr(namespace, self.scattered), *words])
            rest = [word for word in rest if word.startswith("-")]
        if rest:
            # Here, where it is known of which command they are.
            self.error(f"unrecognized arguments: {' '.join(rest)}")
        return namespace, rest

    def _require_known(self, words: Sequence[str]) -> None:
        options = self._option_string_actions
        for word in words:
            # What follows a command is looked at by the command's own parser.
            if word == "--" or (self._subparsers is not None and not word.startswith("-")):
                return
            name = word.split("=")[0]
            # The beginning of a name will do, as long as it is that of one only.
            if name.startswith("--") and not any(option.startswith(name) for option in options):
                hint = did_you_mean(name, options)
                self.error(f"there is no option {name}{hint}")
