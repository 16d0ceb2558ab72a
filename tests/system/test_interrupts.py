import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from humanseg.system.interrupts import Interrupted, interruptible

SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


def send(number: int) -> None:
    os.kill(os.getpid(), number)
    time.sleep(5)
    raise AssertionError("the signal was not taken")


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_interrupts(number: signal.Signals) -> None:
    with pytest.raises(Interrupted, match=number.name) as caught, interruptible():
        send(number)
    assert caught.value.number == number


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_that_lightning_turned_into_an_exit_is_still_an_interruption(
    number: signal.Signals,
) -> None:
    with pytest.raises(Interrupted) as caught, interruptible():
        try:
            send(number)
        except KeyboardInterrupt:
            raise SystemExit(1) from None
    assert caught.value.number == number


def test_an_exit_of_another_kind_is_left_alone() -> None:
    with pytest.raises(SystemExit), interruptible():
        raise SystemExit(4)
    with pytest.raises(ValueError, match="mine"), interruptible():
        raise ValueError("mine")


def test_the_former_handlers_come_back() -> None:
    before = [signal.getsignal(number) for number in SIGNALS]
    with interruptible():
        assert [signal.getsignal(number) for number in SIGNALS] != before
    assert [signal.getsignal(number) for number in SIGNALS] == before
    with pytest.raises(ValueError), interruptible():
        raise ValueError
    assert [signal.getsignal(number) for number in SIGNALS] == before


def test_what_nohup_said_to_ignore_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with interruptible():
            os.kill(os.getpid(), signal.SIGHUP)
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_another_thread_may_be_interruptible_in_vain() -> None:
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(enter).result() == "done"


def enter() -> str:
    with interruptible():
        return "done"


def test_an_interruption_is_no_ordinary_error() -> None:
    """Code that continues after an error must not continue after this."""
    assert not issubclass(Interrupted, Exception)
