"""Items come in their order, prepared ahead, but not too far."""

import threading
from collections.abc import Iterator
from contextlib import closing

import pytest

from humanseg.inference.video.convert import prefetch


def test_all_items_come_in_order() -> None:
    assert list(prefetch(range(50), depth=3)) == list(range(50))
    assert list(prefetch([])) == []


def test_they_are_prepared_in_another_thread_and_not_too_far() -> None:
    made: list[int] = []

    def items() -> Iterator[int]:
        for number in range(20):
            assert threading.current_thread() is not threading.main_thread()
            made.append(number)
            yield number

    with closing(prefetch(items(), depth=3)) as coming:
        for number in coming:
            assert len(made) <= number + 4


def test_an_error_is_raised_in_its_turn() -> None:
    def items() -> Iterator[int]:
        yield 0
        yield 1
        raise KeyError("two")

    seen = []
    with pytest.raises(KeyError, match="two"):
        for item in prefetch(items(), depth=8):
            seen.append(item)
    assert seen == [0, 1]


def test_it_can_be_left_early() -> None:
    with closing(prefetch(iter(range(1000)), depth=2)) as coming:
        assert next(coming) == 0
    assert threading.active_count() < 20
