"""Progress: a bar of rich on a terminal, lines now and then in a log."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

MOMENT = 1.0
"""Seconds before a bar appears."""

LINE_EVERY = 10.0
"""Seconds between two lines of a log."""


class ProgressLines:
    """Progress as lines of a log; none for what is done within some seconds."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self.began = self._last = time.monotonic()

    def restart(self) -> None:
        """Restart the clock."""
        self.began = time.monotonic()

    def show(self, what: str, done: float, total: float | None, rate: str = "") -> None:
        """Print a line, if the last one is old enough; `total` is None where it is unknown."""
        now = time.monotonic()
        if now - self._last < LINE_EVERY:
            return
        self._last = now
        parts = [f"{done:.0f}" + (f" of {total:.0f}" if total else ""), rate]
        if total and done:
            remaining = (total - done) * (now - self.began) / done
            parts.append(f"about {_in_words(remaining)} left")
        line = f"{what}: " + ", ".join(part for part in parts if part)
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)


@contextmanager
def progress_on(console: Console, what: str) -> Iterator[Callable[[int, int], None]]:
    """Yield a function that shows what is done of a total."""
    lines = ProgressLines(console)
    columns = ("{task.description}", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    hidden = not console.is_interactive
    bar = Progress(*columns, console=console, transient=True, disable=hidden)
    task = bar.add_task(what, total=None)

    def move(done: int, total: int) -> None:
        if hidden:
            lines.show(what, done, total)
            return
        bar.update(task, completed=done, total=total)
        if time.monotonic() - lines.began >= MOMENT:
            bar.start()

    try:
        yield move
    finally:
        bar.stop()


def _in_words(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
