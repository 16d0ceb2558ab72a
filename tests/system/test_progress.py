"""A bar for whoever waits at a terminal, and a line now and then for a log."""

import io
import time

import pytest
from rich.console import Console

from humanseg.system.progress import progress_on


def shown(terminal: bool, seconds: float, monkeypatch: pytest.MonkeyPatch) -> str:
    """What is written while three steps take so many seconds each."""
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    console = Console(file=io.StringIO(), force_terminal=terminal, width=80)
    with progress_on(console, "reading photos") as move:
        for done in range(1, 4):
            now[0] += seconds
            move(done, 3)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_what_takes_a_while_is_shown_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "reading photos" in shown(True, 2.0, monkeypatch)


def test_a_log_gets_a_line_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = shown(False, 6.0, monkeypatch).splitlines()
    assert lines == ["reading photos: 2 of 3, about 6 s left"]


@pytest.mark.parametrize(("terminal", "seconds"), [(True, 0.1), (False, 2.0)])
def test_nothing_is_shown_otherwise(
    monkeypatch: pytest.MonkeyPatch, terminal: bool, seconds: float
) -> None:
    assert shown(terminal, seconds, monkeypatch) == ""
