import inspect
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Optional, Union

import pytest
from annotated_types import Interval, MinLen
from torch import nn

from humanseg.config.checking.values import describe_annotation, fits

RELU = {"_target_": "torch.nn.ReLU"}
FITS: list[tuple[Any, Any]] = [
    (1, int), (1, float), (1.5, float), (True, bool), ("a", str), (None, None),
    (None, int | None), (3, int | None), (None, Optional[int]), (1, Union[str, int]),  # noqa: UP007, UP045
    ("a", Literal["a", "b"]), (4, Literal[4]), ([1, 2], list[int]), ([], list[int]),
    ([1, 2.5], tuple[float, float]), ([1, 2, 3], tuple[int, ...]), ([1], Sequence[int]),
    (["a"], Sequence[str]), ([[1, 2]], list[tuple[int, int]]), ({"a": 1}, dict[str, int]),
    ({"a": 1}, Mapping[str, float]), ("x/y", Path), (RELU, nn.Module), ([RELU], list[nn.Module]),
    (RELU, Callable[..., Any]), (RELU | {"_partial_": True}, Callable[..., Any]),
    (5, Any), ("?", inspect.Parameter.empty),
]  # fmt: skip
DOES_NOT: list[tuple[Any, Any]] = [
    ("0.1", float), ("1", int), (1.0, int), (True, int), (False, float), (1, bool), ("true", bool),
    (1, str), (None, int), ("c", Literal["a", "b"]), (True, Literal[1]), ("abc", Sequence[str]),
    ("abc", list[str]), (3, list[int]), (["a"], list[int]), ([1, 2, 3], tuple[float, float]),
    ({"a": "b"}, dict[str, int]), ([1], dict[str, int]), ({"a": 1}, list[int]),
    ("0.1", int | None), ("relu", nn.Module), (3, nn.Module), (RELU, int), (RELU, dict[str, Any]),
    ({"_target_": "torch.optim.Adam"}, nn.Module), (["relu"], list[nn.Module]),
    (RELU | {"_partial_": True}, nn.Module), ("relu", Callable[..., Any]),
]  # fmt: skip


@pytest.mark.parametrize(("value", "annotation"), FITS, ids=str)
def test_fits(value: Any, annotation: Any) -> None:
    assert fits(value, annotation)


@pytest.mark.parametrize(("value", "annotation"), DOES_NOT, ids=str)
def test_does_not_fit(value: Any, annotation: Any) -> None:
    assert not fits(value, annotation)


def test_descriptions_are_for_people() -> None:
    assert describe_annotation(int | None) == "a whole number or null"
    assert describe_annotation(Literal["a", "b"] | float) == "a or b or a number"
    assert (
        describe_annotation(list[tuple[int, int]])
        == "a list (each a list of 2 (each a whole number))"
    )
    assert describe_annotation(nn.Module | bool) == "a Module or true or false"


INSIDE: list[tuple[Any, Any]] = [
    (0, Interval(ge=0)), (1, Interval(ge=0, le=1)), (0.1, Interval(gt=0, lt=1)),
    (-3, Interval(lt=0)),
]  # fmt: skip
OUTSIDE: list[tuple[Any, Any]] = [
    (-1, Interval(ge=0)), (0, Interval(gt=0)), (1.1, Interval(le=1)), (1, Interval(lt=1)),
    (float("nan"), Interval(ge=0)), (float("inf"), Interval(ge=0)),
]  # fmt: skip


@pytest.mark.parametrize(("value", "interval", "inside"), [
    *((*pair, True) for pair in INSIDE), *((*pair, False) for pair in OUTSIDE)
], ids=str)  # fmt: skip
def test_a_number_must_lie_in_its_range(value: float, interval: Interval, inside: bool) -> None:
    bounded: Any = Annotated[float, interval]
    assert fits(value, bounded) == inside
    assert fits([value], list[bounded]) == inside
    assert fits(value, bounded | None) == inside and fits(None, bounded | None)
    assert not fits("0.5", bounded)


def test_a_text_may_not_be_empty_where_that_is_said() -> None:
    assert fits("a", Annotated[str, MinLen(1)]) and not fits("", Annotated[str, MinLen(1)])


def test_ranges_are_described_to_people() -> None:
    for interval, words in [
        (Interval(ge=1), "a whole number of at least 1"),
        (Interval(ge=0, le=1), "a whole number from 0 to 1"),
        (Interval(gt=0, lt=9), "a whole number above 0 and below 9"),
        (Interval(lt=9), "a whole number below 9"),
    ]:
        bounded: Any = Annotated[int, interval]
        assert describe_annotation(bounded | None) == f"{words} or null"
