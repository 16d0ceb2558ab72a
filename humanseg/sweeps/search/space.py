"""What a search may choose from, in the words of Hydra's command line."""

from collections.abc import Mapping
from typing import Any

from hydra.core.override_parser.types import IntervalSweep, Override, RangeSweep

from humanseg.errors import HumansegError


def distribution(override: Override) -> Any:
    """Turn the values of an override into what Optuna draws from.

    Parameters
    ----------
    override
        Parsed; with a list of values, a range or an interval.

    Returns
    -------
    optuna.distributions.BaseDistribution
        Numbers for ``range(…)`` and ``interval(…)``, whole ones with ``tag(int,…)``, by their
        magnitude with ``tag(log,…)``; else one of the texts that are listed.

    Raises
    ------
    HumansegError
        The bounds are no bounds.
    """
    from optuna import distributions

    value = override.value()
    try:
        if isinstance(value, IntervalSweep):
            log = "log" in value.tags
            if "int" in value.tags:
                low, high = int(value.start or 0), int(value.end or 0)
                return distributions.IntDistribution(low, high, log=log)
            return distributions.FloatDistribution(
                float(value.start or 0), float(value.end or 0), log=log
            )
        if isinstance(value, RangeSweep):
            steps = sorted(value.range())
            if all(isinstance(one, int) for one in steps):
                step = abs(int(value.step))
                return distributions.IntDistribution(steps[0], steps[-1], step=step)
            return distributions.FloatDistribution(steps[0], steps[-1], step=abs(value.step))
        return distributions.CategoricalDistribution(list(override.sweep_string_iterator()))
    except (ValueError, IndexError) as error:
        raise HumansegError(f"{override.input_line}: nothing can be drawn from it: {error}.") from (
            error
        )


def chosen(params: Mapping[str, Any]) -> list[str]:
    """Write what a trial has drawn as overrides.

    Numbers are cut to four digits: no setting needs more, and folders are named by them.
    """
    return [f"{key}={_text(value)}" for key, value in params.items()]


def lowest(space: Mapping[str, Any]) -> dict[str, Any]:
    """Give the first choice, or the least number, of each key."""
    return {
        key: one.choices[0] if hasattr(one, "choices") else one.low for key, one in space.items()
    }


def _text(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
