"""Ctrl-C, SIGTERM and a closed terminal as one exception."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = tuple(
    getattr(signal, name)
    # Windows has no SIGHUP, and SIGBREAK in its place.
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
    if hasattr(signal, name)
)


class Interrupted(KeyboardInterrupt):
    """A person or the system stops the command by a signal."""

    def __init__(self, number: int) -> None:
        super().__init__(f"stopped by {signal.Signals(number).name}")
        self.number = number

    def __reduce__(self) -> tuple[type["Interrupted"], tuple[int]]:
        """Pickle as the number of the signal."""
        return type(self), (self.number,)


@contextmanager
def interruptible() -> Iterator[None]:
    """Turn such signals into `Interrupted`, also where Lightning would exit.

    One that this process was told to ignore, by `nohup` say, stays ignored. Outside the main
    thread nothing changes, since signals only arrive there.
    """
    received: list[int] = []

    def interrupt(number: int, frame: FrameType | None) -> None:
        received.append(number)
        raise Interrupted(number)

    handlers = {}
    if threading.current_thread() is threading.main_thread():
        # None: a handler that is no Python function, and could not be put back.
        left_alone = (signal.SIG_IGN, None)
        heard = [number for number in SIGNALS if signal.getsignal(number) not in left_alone]
        handlers = {number: signal.signal(number, interrupt) for number in heard}
    try:
        yield
    except BaseException as error:
        # Lightning catches the interrupt, shuts its loops down, and raises SystemExit; where the
        # signal went to the whole group, torch complains of workers that ended by it.
        if received and not isinstance(error, Interrupted):
            raise Interrupted(received[0]) from error
        raise
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
