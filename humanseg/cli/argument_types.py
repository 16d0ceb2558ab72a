"""Types of words on a command line."""

import argparse
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from humanseg.api.options import RANGES


def in_range(name: str) -> Callable[[str], float]:
    """Return the type of an option whose range `RANGES` declares."""
    declared = RANGES[name]

    def number(text: str) -> float:
        with suppress(ValueError):
            if declared.holds(value := declared.kind(text)):
                return value
        raise argparse.ArgumentTypeError(f"{text} is not {declared.words}")

    return number


def given_path(text: str) -> Path:
    """Read a path; an empty one, mostly an unset variable of a script, is no dot."""
    if not text.strip():
        raise argparse.ArgumentTypeError("the path is empty: name a file or folder")
    return Path(text)


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


def whole_number(text: str) -> int:
    """Read a whole number from 0 up."""
    if not (text.isascii() and text.isdecimal()):
        raise argparse.ArgumentTypeError(f"{text} is not a whole number from 0 up")
    return int(text)
