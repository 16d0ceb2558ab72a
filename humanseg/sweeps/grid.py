"""Every combination of values, each trained once."""

from collections.abc import Mapping
from itertools import product
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.types import HydraContext
from omegaconf import DictConfig

from humanseg.errors import HumansegError
from humanseg.sweeps.drive import Sweep, open_sweep, run_jobs
from humanseg.sweeps.jobs import Job
from humanseg.sweeps.naming import differing, job_name
from humanseg.sweeps.report import report, say_plan


def run_grid(
    context: HydraContext,
    config: DictConfig,
    arguments: list[str],
    params: Mapping[str, Any],
    dry_run: bool,
) -> None:
    """Train every combination that is not trained yet.

    Parameters
    ----------
    context, config
        As Hydra gives them to a sweeper.
    arguments
        The command line's overrides.
    params
        Values by key; those of the command line take their place.
    dry_run
        Say what would be done, and start nothing.

    Raises
    ------
    HumansegError
        Something must be changed, and nothing was started; or some jobs have failed, and all
        others are done.
    """
    parser = OverridesParser.create(config_loader=context.config_loader)
    words = [f"{key}={value}" for key, value in params.items()] + arguments
    overrides = {one.get_key_element(): one for one in parser.parse_overrides(words)}
    combinations = combine(list(overrides.values()))
    sweep = open_sweep(config, arguments, params, varied_keys(overrides.values()))
    jobs = [make_job(sweep, each) for each in combinations]
    sweep.begin(config, context, jobs)
    say_plan(sweep, jobs)
    failed = run_jobs(sweep, jobs, context, config)
    report(sweep, jobs, failed)


def combine(overrides: list[Override]) -> list[tuple[str, ...]]:
    """List every combination of the values that overrides give.

    Parameters
    ----------
    overrides
        Parsed; each gives one value or several.

    Returns
    -------
    list of tuple of str
        The overrides of each job, each combination once, the last key's values changing fastest.

    Raises
    ------
    HumansegError
        One gives a range without steps, which only a search can take values from.
    """
    return list(dict.fromkeys(product(*map(_values, overrides))))


def varied_keys(overrides: Any) -> list[str]:
    """List the keys that are given more than one value, in their order."""
    return [one.key_or_group for one in overrides if len(set(_values(one))) > 1]


def _values(override: Override) -> list[str]:
    if not override.is_sweep_override():
        assert override.input_line is not None
        return [override.input_line]
    key = override.get_key_element()
    if not override.is_discrete_sweep():
        raise HumansegError(
            f"{override.input_line}: a grid needs single values, and this is a whole range: give "
            "some of it (0.1,0.2), or search in it with hydra/sweeper=optuna."
        )
    return [f"{key}={value}" for value in override.sweep_string_iterator()]


def make_job(sweep: Sweep, overrides: tuple[str, ...]) -> Job:
    """Say where a job of a sweep lies."""
    name = job_name(overrides, sweep.varied)
    differs = differing(overrides, sweep.varied)
    return Job(name, sweep.folder / name, overrides, tuple(differs))
