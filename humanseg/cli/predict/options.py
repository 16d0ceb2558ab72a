"""The options of `humanseg predict`."""

import argparse
import difflib
import sys
from collections.abc import Callable
from typing import Any

from humanseg.cli.options import add_model, in_range

KINDS = ("mask", "cutout", "overlay", "probability")
_FORMER_KINDS = {"soft": "probability"}


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add all options."""
    parser.add_argument(
        "paths",
        metavar="PATH",
        nargs="+",
        help="photos, videos (mp4, mov, webm and others), folders with all below them, "
        "patterns in quotes such as 'photos/**/*.jpg'; - stands for standard input: a photo, or a "
        "list of paths, one a line",
    )
    parser.add_argument(
        "-o",
        "--out",
        metavar="DIR|FILE",
        help="for the results: a folder, by default predictions; or for one photo or video a file; "
        "- is standard output",
    )
    add_model(parser, "what humanseg models names for photos, and for videos")
    parser.add_argument(
        "--save",
        metavar="KINDS",
        type=_kinds,
        help=f"some of {','.join(KINDS)}; default mask, or with --background only that",
    )
    parser.add_argument(
        "--background",
        metavar="COLOUR|FILE|blur:R",
        help="replace the background by a colour or a picture, or blur it by R thousandths of the "
        "photo's longer side",
    )
    parser.add_argument(
        "--threshold", metavar="T", type=in_range("threshold"), help="instead of the model's own"
    )
    parser.add_argument("--tta", action="store_true", help="average with the mirrored photo")
    parser.add_argument(
        "--keep-largest", action="store_true", help="keep only the largest connected component"
    )
    parser.add_argument("--fill-holes", action="store_true", help="fill the holes inside of people")
    parser.add_argument(
        "--min-area",
        metavar="SHARE",
        type=in_range("min_area"),
        default=0.0,
        help="remove components that cover less than this share of the photo, such as 0.01",
    )
    parser.add_argument(
        "--temporal-smoothing",
        metavar="S",
        type=in_range("temporal_smoothing"),
        help="against flicker in videos: the weight of earlier frames where nothing moves, 0 to "
        "below 1; default 0.8",
    )
    parser.add_argument(
        "--smooth",
        dest="temporal_smoothing",
        type=_former("--smooth", "--temporal-smoothing", in_range("temporal_smoothing")),
        help=argparse.SUPPRESS,
    )
    parser.add_argument(
        "--threads",
        metavar="N",
        type=in_range("threads"),
        help="processor cores to use, at most; default all",
    )
    parser.add_argument(
        "--overwrite",
        action="store_true",
        help="replace existing results, also those made from other photos",
    )


def _former(old: str, new: str, read: Callable[[str], Any]) -> Callable[[str], Any]:
    """Return a type for the former spelling of an option, which prints the new one."""

    def read_former(text: str) -> Any:
        value = read(text)
        _warn_of_former(old, new)
        return value

    return read_former


def _warn_of_former(old: str, new: str) -> None:
    print(
        f"{old} is called {new} now; the old name keeps working for one release.", file=sys.stderr
    )


def _kinds(text: str) -> tuple[str, ...]:
    kinds = tuple(dict.fromkeys(_kind(word.strip()) for word in text.split(",") if word.strip()))
    if not kinds:
        raise argparse.ArgumentTypeError(f"name some of {', '.join(KINDS)}, such as mask,cutout")
    return kinds


def _kind(word: str) -> str:
    kinds = (*KINDS, *_FORMER_KINDS)
    kind = word.lower()
    if kind not in kinds and kind.removesuffix("s") in kinds:
        kind = kind.removesuffix("s")
    if kind in _FORMER_KINDS:
        _warn_of_former(f"--save {kind}", f"--save {_FORMER_KINDS[kind]}")
    if kind in kinds:
        return kind
    close = difflib.get_close_matches(kind, KINDS, 1)
    hint = f", did you mean {close[0]}?" if close else "; several are written a,b"
    raise argparse.ArgumentTypeError(f"{word!r} is none of {', '.join(KINDS)}{hint}")
