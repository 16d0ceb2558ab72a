"""The part of `humanseg predict` that is about videos, and what it shows meanwhile."""

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING

from humanseg.errors import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from humanseg.inference.batch import Wish
    from humanseg.inference.failures import Failure
    from humanseg.inference.sources import Source
    from humanseg.inference.video.batch import VideoJob


def predict_all(
    videos: "Sequence[Source]", wish: "Wish", arguments: argparse.Namespace, cores: int
) -> "list[Failure]":
    """Work on videos, and print a line about each that is done.

    Parameters
    ----------
    videos
        All that were named, done already or not.
    wish
        What to make of each picture.
    arguments
        Of the command.
    cores
        Of the processor, where the arguments name no number.

    Returns
    -------
    list of Failure
        The videos that could not be used.
    """
    from humanseg.inference.video.batch import plan_videos

    jobs = plan_videos(videos, arguments.out, wish, arguments.overwrite)
    if len(jobs) < len(videos):
        print(
            f"{len(videos) - len(jobs)} videos were there already (--overwrite makes them again): "
            f"{arguments.out}"
        )
    return _predict(jobs, wish, arguments, cores) if jobs else []


def _predict(
    jobs: "list[VideoJob]", wish: "Wish", arguments: argparse.Namespace, cores: int
) -> "list[Failure]":
    import cv2
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TimeRemainingColumn

    from humanseg.inference import load_model
    from humanseg.inference.video.batch import predict_videos
    from humanseg.inference.video.smoothing import DEFAULT_STRENGTH

    threads = arguments.threads or cores
    model = load_model(arguments.model, threads)
    cv2.setNumThreads(threads)
    smooth = DEFAULT_STRENGTH if arguments.smooth is None else arguments.smooth
    # On stderr, so that the lines about the videos alone can be sent to a file.
    console = Console(stderr=True)
    columns = (
        "{task.description}",
        BarColumn(),
        TaskProgressColumn(),
        "{task.fields[rate]:.1f} pictures/s",
        TimeRemainingColumn(),
    )
    progress = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
    failures: list[Failure] = []
    with progress:
        task = progress.add_task("videos", total=None, rate=0.0)
        begin, count = time.monotonic(), 0

        def show(path: Path, done: float, whole: float | None) -> None:
            nonlocal count
            count += 1
            rate = count / (time.monotonic() - begin)
            progress.update(
                task,
                description=escape(printable(path.name)),
                completed=done,
                total=whole,
                rate=rate,
            )

        results = predict_videos(model, jobs, wish, smooth, show)
        for job, result in zip(jobs, results, strict=True):
            seconds = time.monotonic() - begin
            if isinstance(result, int):
                rate = result / seconds
                name = printable(str(job.path))
                print(f"{name}: {result} pictures in {seconds:.1f} s ({rate:.1f} a second)")
            else:
                failures.append(result)
            begin, count = time.monotonic(), 0
            progress.reset(task, total=None, rate=0.0)
    return failures
