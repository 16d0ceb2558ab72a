"""The videos of `humanseg predict`, and their progress."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from humanseg.cli.predict.outcomes import PredictionSummary
from humanseg.errors import plural, printable

if TYPE_CHECKING:
    from humanseg.inference.batch.input_files import InputFile
    from humanseg.inference.batch.plan import InputOutcome
    from humanseg.inference.predict import PredictionBatch


def predict_all(
    batch: "PredictionBatch",
    smoothing: float | None,
    summary: PredictionSummary,
    notify: Callable[[str], None],
) -> None:
    """Process videos, and print a line about each that is done."""
    import cv2
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TimeRemainingColumn

    from humanseg.system.progress import ProgressLines

    cv2.setNumThreads(batch.cores)
    # On stderr, so that the lines about the videos alone can be sent to a file.
    console = Console(stderr=True)
    columns = (
        "{task.description}",
        BarColumn(),
        TaskProgressColumn(),
        "{task.fields[rate]:.1f} frames/s",
        TimeRemainingColumn(),
    )
    on_terminal = console.is_interactive
    progress = Progress(*columns, console=console, transient=True, disable=not on_terminal)
    lines = ProgressLines(console)
    with progress:
        task = progress.add_task("videos", total=None, rate=0.0)
        start, frames = time.monotonic(), 0

        def show(source: "InputFile", done: float, duration: float | None) -> None:
            nonlocal frames
            frames += 1
            rate = frames / (time.monotonic() - start)
            name = printable(source.path.name)
            if on_terminal:
                progress.update(
                    task, description=escape(name), completed=done, total=duration, rate=rate
                )
            else:
                lines.show(f"{name}, seconds", done, duration, f"{rate:.1f} frames per second")

        for outcome in batch.predict_videos(smoothing, show):
            summary.add(outcome)
            if outcome.frames and not outcome.failure:
                notify(_describe(outcome, time.monotonic() - start))
                for note in outcome.notes:
                    notify(f"  {printable(note)}")
            start, frames = time.monotonic(), 0
            lines.restart()
            progress.reset(task, total=None, rate=0.0)
    if summary.unchanged:
        notify(printable(f"{summary.describe_unchanged()}: {batch.destination.folder}"))


def _describe(outcome: "InputOutcome", seconds: float) -> str:
    rate = outcome.frames / max(seconds, 1e-3)
    frames = plural(outcome.frames, "frame")
    why = "; ".join(sorted(state.value for state in set(outcome.remade)))
    remade = f", again (last made {why})" if why else ""
    paths = ", ".join(map(str, outcome.paths))
    speed = f"{seconds:.1f} s ({rate:.1f} frames per second)"
    return printable(f"{outcome.source.name}: {frames} in {speed}{remade}: {paths}")
