"""Ctrl-C and SIGTERM, as one kind of interruption."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Interrupted(KeyboardInterrupt):
    """A person or the system asked the training to stop.

    Parameters
    ----------
    number
        The signal's number; a command ends with exit code 128 + number.
    """

    def __init__(self, number: int) -> None:
        super().__init__(f"stopped by {signal.Signals(number).name}")
        self.number = number

    def __reduce__(self) -> tuple[type["Interrupted"], tuple[int]]:
        """Travel between processes as the number."""
        return type(self), (self.number,)


@contextmanager
def interruptible() -> Iterator[None]:
    """Turn Ctrl-C and SIGTERM into `Interrupted`, also where Lightning would exit.

    Raises
    ------
    Interrupted
        A signal came.
    """
    received: list[int] = []

    def interrupt(number: int, frame: FrameType | None) -> None:
        received.append(number)
        raise Interrupted(number)

    before = {
        number: signal.signal(number, interrupt) for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield
    except BaseException as error:
        # Lightning catches the interrupt, shuts its loops down, and raises SystemExit; where the
        # signal went to the whole group, torch complains of workers that ended by it.
        if received and not isinstance(error, Interrupted):
            raise Interrupted(received[0]) from error
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
