import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from humanseg.errors import HumansegError
from humanseg.sweeps.search.optuna_search import chosen, distribution, lowest


def drawn(override: str) -> BaseDistribution:
    found: BaseDistribution = distribution(OverridesParser.create().parse_override(override))
    return found


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("a=interval(0.1,0.9)", FloatDistribution(0.1, 0.9)),
        ("a=interval(0,2)", FloatDistribution(0.0, 2.0)),
        ("a=tag(log,interval(1e-4,1e-2))", FloatDistribution(1e-4, 1e-2, log=True)),
        ("a=tag(int,interval(1,9))", IntDistribution(1, 9)),
        ("a=tag(int,log,interval(1,9))", IntDistribution(1, 9, log=True)),
        ("a=range(1,9,3)", IntDistribution(1, 7, step=3)),
        ("a=range(0.5,2,0.5)", FloatDistribution(0.5, 1.5, step=0.5)),
        ("a=tag(log,range(1,9))", IntDistribution(1, 8, log=True)),
        ("a=range(0,1,0.05)", FloatDistribution(0.0, 0.95, step=0.05)),
        ("a=x,y", CategoricalDistribution(["x", "y"])),
        ("a=1,null,'p, q'", CategoricalDistribution(["1", "null", "'p, q'"])),
        ("a=[0.2,0.8],[0.5,0.5]", CategoricalDistribution(["[0.2,0.8]", "[0.5,0.5]"])),
    ],
)
def test_values_become_what_is_drawn_from(override: str, expected: BaseDistribution) -> None:
    assert drawn(override) == expected


@pytest.mark.parametrize(
    "override",
    ["a=interval(2,1)", "a=tag(log,interval(0,1))", "a=range(3,3)", "a=tag(log,range(1,9,2))"],
)
def test_bounds_that_are_none_are_named(override: str) -> None:
    with pytest.raises(HumansegError, match="nothing can be drawn from it") as caught:
        drawn(override)
    assert override in str(caught.value)


def test_numbers_are_cut_to_four_digits() -> None:
    params = {"lr": 0.00123456, "big": 123456.0, "count": 12345, "loss": "dice"}
    assert chosen(params) == ["lr=0.001235", "big=1.235e+05", "count=12345", "loss=dice"]


def test_the_lowest_of_a_space_is_in_it() -> None:
    space = {"a": drawn("a=interval(0.1,0.9)"), "b": drawn("b=x,y"), "c": drawn("c=range(2,9,3)")}
    assert lowest(space) == {"a": 0.1, "b": "x", "c": 2}
