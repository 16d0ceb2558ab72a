"""The part of `humanseg predict` that is about videos, and what it shows meanwhile."""

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from humanseg.cli.predict_outcomes import PredictionSummary, plural
from humanseg.errors import printable

if TYPE_CHECKING:
    from humanseg.inference.batch.input_files import InputFile
    from humanseg.inference.batch.plan import InputOutcome, PredictionPlan


def predict_all(
    batch: "PredictionPlan",
    videos: "Sequence[InputFile]",
    smooth: float | None,
    cores: int,
    tally: PredictionSummary,
    say: Callable[[str], None],
) -> None:
    """Work on videos, and print a line about each that is done."""
    import cv2
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TimeRemainingColumn

    from humanseg.inference.video.batch import predict_videos
    from humanseg.inference.video.smoothing import DEFAULT_STRENGTH
    from humanseg.system.progress import ProgressLines

    cv2.setNumThreads(cores)
    # On stderr, so that the lines about the videos alone can be sent to a file.
    console = Console(stderr=True)
    columns = (
        "{task.description}",
        BarColumn(),
        TaskProgressColumn(),
        "{task.fields[rate]:.1f} pictures/s",
        TimeRemainingColumn(),
    )
    on_terminal = console.is_interactive
    progress = Progress(*columns, console=console, transient=True, disable=not on_terminal)
    lines = ProgressLines(console)
    with progress:
        task = progress.add_task("videos", total=None, rate=0.0)
        begin, count = time.monotonic(), 0

        def show(source: "InputFile", done: float, whole: float | None) -> None:
            nonlocal count
            count += 1
            rate = count / (time.monotonic() - begin)
            name = printable(source.path.name)
            if on_terminal:
                progress.update(
                    task, description=escape(name), completed=done, total=whole, rate=rate
                )
            else:
                lines.show(f"{name}, seconds", done, whole, f"{rate:.1f} pictures a second")

        strength = DEFAULT_STRENGTH if smooth is None else smooth
        for outcome in predict_videos(batch, videos, strength, show):
            tally.add(outcome)
            if outcome.frames and not outcome.failure:
                say(_line(outcome, time.monotonic() - begin))
                for note in outcome.notes:
                    say(f"  {printable(note)}")
            begin, count = time.monotonic(), 0
            lines.restart()
            progress.reset(task, total=None, rate=0.0)
    if tally.there:
        say(printable(f"{tally.describe_present()}: {batch.destination.folder}"))


def _line(outcome: "InputOutcome", seconds: float) -> str:
    rate = outcome.frames / max(seconds, 1e-3)
    pictures = plural(outcome.frames, "picture")
    why = "; ".join(sorted(state.value for state in set(outcome.again)))
    again = f", again (last made {why})" if why else ""
    paths = ", ".join(map(str, outcome.paths))
    said = f"{pictures} in {seconds:.1f} s ({rate:.1f} a second){again}: {paths}"
    return printable(f"{outcome.source.name}: {said}")
