"""`humanseg predict`: masks, cut-outs and new backgrounds for photos and videos."""

import argparse
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from humanseg.commands.types import count, share, strength
from humanseg.errors import printable

if TYPE_CHECKING:
    from humanseg.inference.batch import Job, Wish
    from humanseg.inference.failures import Failure

_KINDS = ("mask", "cutout", "overlay", "soft")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of `humanseg predict`."""
    parser.add_argument(
        "paths",
        metavar="PATH",
        nargs="+",
        help="photos, videos (mp4, mov, webm), folders (searched to the bottom), patterns in "
        "quotes such as 'photos/**/*.jpg'; - stands for a list of paths on standard input, one a "
        "line",
    )
    parser.add_argument("--out", metavar="DIR", type=Path, required=True, help="for the results")
    parser.add_argument(
        "--model", metavar="FILE", type=Path, help="an .onnx file or a folder that export wrote"
    )
    parser.add_argument(
        "--save",
        metavar="KINDS",
        type=_kinds,
        help=f"some of {','.join(_KINDS)}; default mask, or with --background only that",
    )
    parser.add_argument(
        "--background",
        metavar="COLOUR|FILE|blur:R",
        help="put the people before a colour, a picture, or their own place blurred by R "
        "thousandths of the photo's longer side",
    )
    parser.add_argument("--threshold", metavar="T", type=share, help="other than the model's own")
    parser.add_argument("--tta", action="store_true", help="average over the mirrored photo")
    parser.add_argument(
        "--keep-largest", action="store_true", help="keep only the largest connected figure"
    )
    parser.add_argument("--fill-holes", action="store_true", help="fill all that a figure encloses")
    parser.add_argument(
        "--min-area",
        metavar="SHARE",
        type=share,
        default=0.0,
        help="drop figures that cover less than this share of the photo, such as 0.01",
    )
    parser.add_argument(
        "--smooth",
        metavar="S",
        type=strength,
        help="against flicker in videos: how much of the past counts where nothing moves, from 0, "
        "not at all, to below 1; default 0.8",
    )
    parser.add_argument(
        "--threads", metavar="N", type=count, help="processor cores to use; default all"
    )
    parser.add_argument("--overwrite", action="store_true", help="make again what is already there")


def run(arguments: argparse.Namespace) -> int:
    """Predict; return 0, or 1 where some photos could not be used."""
    from humanseg.inference.backgrounds import parse_background
    from humanseg.inference.batch import Wish, plan
    from humanseg.inference.outputs import BACKGROUND
    from humanseg.inference.sources import collect

    background = parse_background(arguments.background) if arguments.background else None
    kinds = arguments.save or (() if background else ("mask",))
    wish = Wish(
        kinds=(*kinds, BACKGROUND) if background else kinds,
        background=background,
        threshold=arguments.threshold,
        tta=arguments.tta,
        min_area=arguments.min_area,
        keep_largest=arguments.keep_largest,
        fill_holes=arguments.fill_holes,
    )
    sources = collect(arguments.paths, _lines(), arguments.out)
    photos = [source for source in sources if not source.is_video]
    failures: list[Failure] = []
    if photos:
        jobs = plan(photos, arguments.out, wish, arguments.overwrite)
        begin = time.monotonic()
        failures = _predict(jobs, wish, arguments) if jobs else []
        seconds = time.monotonic() - begin
        done = len(jobs) - len(failures)
        print(_summary(done, len(photos) - len(jobs), len(failures), seconds, arguments.out))
    if len(photos) < len(sources):
        # Only now: PyAV is loaded for it.
        from humanseg.commands.videos import predict_all

        videos = [source for source in sources if source.is_video]
        failures += predict_all(videos, wish, arguments, _cores())
    for failure in failures:
        print("  " + printable(failure.reason).replace("\n", r"\n"))
    return 1 if failures else 0


def _predict(jobs: "list[Job]", wish: "Wish", arguments: argparse.Namespace) -> "list[Failure]":
    import warnings

    import cv2
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    from humanseg.inference import load_model
    from humanseg.inference.batch import predict_photos

    cores = arguments.threads or _cores()
    workers = min(cores, len(jobs))
    # One core for each photo: more done in all than with all cores for each photo in turn.
    model = load_model(arguments.model, threads=max(1, cores // workers))
    cv2.setNumThreads(max(1, cores // workers))
    # What Pillow finds odd in a file that it reads all the same.
    warnings.filterwarnings("ignore", module="PIL")
    failures = []
    # On stderr, so that the summary alone can be sent to a file; it is gone at the end.
    console = Console(stderr=True)
    columns = ("{task.description}", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    progress = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
    done = 0
    try:
        with progress:
            task = progress.add_task("photos", total=len(jobs))
            for failure in predict_photos(model, jobs, arguments.out, wish, workers):
                done += 1
                failures += [failure] if failure else []
                progress.update(task, completed=done)
    except KeyboardInterrupt:
        print(
            f"{done} of {len(jobs)} photos are done. The same command goes on with the others.",
            file=sys.stderr,
        )
        raise
    return failures


def _kinds(text: str) -> tuple[str, ...]:
    kinds = tuple(dict.fromkeys(text.split(",")))
    unknown = [kind for kind in kinds if kind not in _KINDS]
    if unknown:
        raise argparse.ArgumentTypeError(
            f"{unknown[0]!r} is none of {', '.join(_KINDS)}; several are written a,b"
        )
    return kinds


def _lines() -> Iterator[str]:
    """Yield the paths on standard input, one a line, or ended by a zero as find -print0 does."""
    listed = sys.stdin.buffer.read()
    end = b"\0" if b"\0" in listed else b"\n"
    # Not stripped more: a name may begin or end with a space.
    yield from (os.fsdecode(line.removesuffix(b"\r")) for line in listed.split(end))


def _cores() -> int:
    # Fewer than the machine has, where a container or taskset allows fewer.
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _summary(done: int, there: int, failed: int, seconds: float, out: Path) -> str:
    parts = ["1 photo done" if done == 1 else f"{done} photos done"]
    if done:
        parts[0] += f" in {seconds:.1f} s ({done / max(seconds, 1e-3):.1f} a second)"
    if there:
        parts.append(f"{there} were there already (--overwrite makes them again)")
    if failed:
        parts.append(f"{failed} could not be used, see below")
    return f"{', '.join(parts)}: {out}"
