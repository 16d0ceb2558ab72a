"""Standard streams that survive a closed pipe, a missing stream and any name of a file."""

import errno
import io
import os
import sys
from typing import Any, TextIO

_NAMES = ("stdin", "stdout", "stderr")
_TITLES = ("standard input", "standard output", "standard error")


def protect_streams() -> None:
    """Let a command continue if its output cannot be shown.

    A stream that was closed before the start leads nowhere, so that no file that is opened later
    takes its number and gets what was meant for the terminal. When the reader of a pipe has had
    enough, as `head` has, or the terminal is gone, the rest is dropped. What the encoding of a
    stream lacks is written as an escape.
    """
    for number, name in enumerate(_NAMES):
        if getattr(sys, name) is None:
            setattr(sys, name, _nowhere(number))
    for name in _NAMES[1:]:
        setattr(sys, name, _protected(getattr(sys, name)))


def flush_output() -> OSError | None:
    """Flush standard output; return the error where that fails, as on a full disk."""
    try:
        sys.stdout.flush()
    except OSError as error:
        # Python would complain once more at its end.
        _drop(sys.stdout.fileno())
        return error
    return None


def was_closed(stream: Any) -> bool:
    """Return whether a stream was closed before the start and replaced by `protect_streams`."""
    return isinstance(stream, _Nowhere)


class _Nowhere(io.TextIOWrapper):
    """An empty input, and an output that is dropped."""


class _Output(io.FileIO):
    """An output that drops what nobody reads any more."""

    def __init__(self, number: int) -> None:
        super().__init__(number, "w", closefd=False)
        self._number = number
        self._ends = {errno.EPIPE}
        if os.isatty(number):
            # A terminal that is gone gives the error that a broken disk gives a file.
            self._ends.add(errno.EIO)
        if os.name == "nt":
            # What Windows says of a closed pipe.
            self._ends.add(errno.EINVAL)

    def write(self, data: Any) -> int:
        try:
            return super().write(data)
        except OSError as error:
            if error.errno not in self._ends:
                error.filename = _TITLES[self._number]
                raise
            _drop(self.fileno())
            return memoryview(data).nbytes


def _protected(stream: Any) -> Any:
    """Return a protected stream to the same file; streams of other classes stay as they are."""
    # A stand-in, as of a test, may have no encoding.
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")
    if type(stream) is not io.TextIOWrapper:
        return stream
    raw = getattr(stream.buffer, "raw", stream.buffer)
    # The console of Windows is of another class, and no pipe.
    if type(raw) is not io.FileIO:
        return stream
    stream.flush()
    output = _Output(raw.fileno())
    unbuffered = raw is stream.buffer
    return io.TextIOWrapper(
        output if unbuffered else io.BufferedWriter(output),
        encoding=stream.encoding,
        errors=stream.errors,
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )


def _nowhere(number: int) -> TextIO:
    """Open the null device, with that file number where it is free."""
    opened = os.open(os.devnull, os.O_RDWR)
    if opened > number and not _is_open(number):
        os.dup2(opened, number)
        os.close(opened)
        opened = number
    os.set_inheritable(opened, True)
    raw = io.FileIO(opened, "w" if number else "r", closefd=False)
    return _Nowhere(io.BufferedWriter(raw) if number else io.BufferedReader(raw), encoding="utf-8")


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True


def _drop(number: int) -> None:
    """Redirect a file number to the null device."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, number)
    os.close(nowhere)
