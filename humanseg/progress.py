"""How far something is, for whoever waits for it at a terminal."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import Progress

MOMENT = 1.0
"""Seconds that nobody needs to be shown anything for."""


@contextmanager
def progress_on(console: Console, what: str) -> Iterator[Callable[[int, int], None]]:
    """Show a bar on a terminal while something takes longer than a moment; it is gone at the end.

    Parameters
    ----------
    console
        Where; nothing is shown where it is no terminal.
    what
        Stands before the bar.

    Yields
    ------
    Callable
        To be called with what is done and all there is to do.
    """
    bar = Progress(console=console, transient=True, disable=not console.is_interactive)
    task = bar.add_task(what, total=None)
    began = time.monotonic()

    def move(done: int, total: int) -> None:
        bar.update(task, completed=done, total=total)
        if time.monotonic() - began >= MOMENT:
            bar.start()

    try:
        yield move
    finally:
        bar.stop()
