"""What the commands share: the parser, the types of their words, and options that several have."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from humanseg.api.options import RANGES, as_path
from humanseg.errors import HumansegError, nearest

if TYPE_CHECKING:
    from humanseg.data.layout.mask_rule import MaskRule

Number = TypeVar("Number", int, float)

SPLITS = ("train", "valid")
"""The splits that have masks."""


def one_of(*words: str) -> Callable[[str], str]:
    """Return the type of an option that takes one of some words."""

    def word(text: str) -> str:
        if text not in words:
            hint = nearest(text, words) or "."
            raise argparse.ArgumentTypeError(f"there is no {text}{hint} It is {' or '.join(words)}")
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
                hint = nearest(name, options)
                self.error(f"there is no option {name}{hint}")


def given_path(text: str) -> Path:
    """Read a path; an empty one, mostly an unset variable of a script, is no dot."""
    try:
        return as_path("the path", text)
    except HumansegError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def named_model(text: str) -> Path:
    """Parse the name of a model; print a note where it names a bundled one and a file too."""
    # Before numpy and onnxruntime are loaded: only the folders are looked at.
    bundled = Path(__file__).parents[1] / "inference" / "bundled" / text
    if os.path.exists(text) and bundled.name == text and (bundled / "manifest.json").is_file():
        print(
            f"note: {text} is the file or folder of this name, not the bundled model.",
            file=sys.stderr,
        )
    return given_path(text)


def values(text: str) -> tuple[int, ...]:
    """Read whole numbers from 0 up, with commas between them."""
    numbers = text.strip("[]").split(",")
    if not all(number.strip().isdecimal() for number in numbers):
        raise argparse.ArgumentTypeError(f"{text} is not a list of values such as 1,2")
    return tuple(map(int, numbers))


def number(
    read: Callable[[str], Number], fits: Callable[[Number], bool], described: str
) -> Callable[[str], Number]:
    """Return the type of an option that takes some numbers, which are `described`."""

    def checked(text: str) -> Number:
        value: Number | None
        try:
            value = read(text)
        except ValueError:
            value = None
        if value is None or not fits(value):
            raise argparse.ArgumentTypeError(f"{text} is not {described}")
        return value

    return checked


whole_number = number(int, lambda value: value >= 0, "a whole number from 0 up")


def in_range(name: str) -> Callable[[str], float]:
    """Return the type of an option whose range `RANGES` declares."""
    words, kind, holds = RANGES[name]
    return number(kind, holds, words)


def add_data(parser: argparse.ArgumentParser, help: str) -> None:
    """Add `--data ROOT`."""
    parser.add_argument("--data", metavar="ROOT", type=given_path, help=help)


def add_model(parser: argparse.ArgumentParser, default: str) -> None:
    """Add `--model`; `default` says which is taken without it."""
    parser.add_argument(
        "--model",
        metavar="MODEL",
        type=named_model,
        help="a bundled model's name (see humanseg models), the folder of a run or an export, an "
        f".onnx file, or a checkpoint; default: {default}",
    )


def print_note(text: str) -> None:
    """Print a line beside the result, so that the result alone can be sent to a file."""
    print(text, file=sys.stderr, flush=True)


def add_split(parser: argparse.ArgumentParser, splits: Sequence[str] = SPLITS) -> None:
    """Add `--split`."""
    parser.add_argument(
        "--split",
        default="valid",
        type=one_of(*splits),
        metavar="|".join(splits),
        help="the photos to score; default: valid",
    )


def add_mask_rule(parser: argparse.ArgumentParser) -> None:
    """Add `--person-values` and `--invert-masks`."""
    parser.add_argument(
        "--person-values",
        metavar="V[,V...]",
        type=values,
        default=(),
        help="the masks' values that are the person, as data.person_values of train",
    )
    parser.add_argument(
        "--invert-masks",
        action="store_true",
        help="of two values the darker one is the person, as data.invert_masks of train",
    )


def mask_rule(arguments: argparse.Namespace) -> "MaskRule":
    """Return the rule that the options of `add_mask_rule` give."""
    from humanseg.data.layout.mask_rule import MaskRule

    return MaskRule(arguments.person_values, arguments.invert_masks)
