"""Options that several commands have."""

import argparse
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from humanseg.cli.argument_types import given_path, named_model, values
from humanseg.cli.parser import one_of

if TYPE_CHECKING:
    from humanseg.data.layout.mask_rule import MaskRule

SPLITS = ("train", "valid")
"""The splits that have masks."""


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
