"""Types of words on a command line."""

import argparse
import os
import sys
from pathlib import Path


def named_model(text: str) -> Path:
    """Parse the name of a model; print a note where it names a bundled one and a file too."""
    # Before numpy and onnxruntime are loaded: only the folders are looked at.
    bundled = Path(__file__).parents[1] / "inference" / "bundled" / text
    if os.path.exists(text) and bundled.name == text and (bundled / "manifest.json").is_file():
        print(
            f"note: {text} is the file or folder of this name, not the bundled model.",
            file=sys.stderr,
        )
    return Path(text)


def share(text: str) -> float:
    """Read a number between 0 and 1, without the two."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 1")
    return value


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


def count(text: str) -> int:
    """Read a whole number from 1 up."""
    try:
        value = int(text)
    except ValueError:
        value = 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a whole number from 1 up")
    return value


def strength(text: str) -> float:
    """Read a number from 0 up to, but without, 1."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a number from 0 to below 1")
    return value
