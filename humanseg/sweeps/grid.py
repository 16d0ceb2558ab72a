"""Every combination of values, each trained once."""

from collections.abc import Iterable
from itertools import product

from hydra.core.override_parser.types import Override

from humanseg.errors import HumansegError
from humanseg.sweeps.launch import run_jobs
from humanseg.sweeps.messages import print_plan, print_ranking, refresh_pages, require_none_failed
from humanseg.sweeps.sweep import Sweep
from humanseg.system.interrupts import interruptible


def run_grid(sweep: Sweep, dry_run: bool = False) -> None:
    """Train every combination that is not trained yet; of a dry run, print what would be done."""
    jobs = [sweep.job(overrides) for overrides in combine(sweep.overrides)]
    sweep.check(jobs)
    if dry_run:
        # Only here: it loads torch, which the process of a sweep does without.
        from humanseg.sweeps.dry_run import show_jobs

        show_jobs(sweep, jobs)
        return
    sweep.begin()
    print_plan(sweep.folder, jobs)
    with interruptible():
        failed = run_jobs(jobs, sweep.launcher())
    refresh_pages(jobs)
    print_ranking(sweep.folder, jobs)
    require_none_failed(failed, len(jobs))


def combine(overrides: Iterable[Override]) -> list[tuple[str, ...]]:
    """List every combination of the values that overrides give, the last key's changing fastest.

    Each is listed once. A range without steps is an error: only a search can take values from it.
    """
    return list(dict.fromkeys(product(*map(_values, overrides))))


def _values(override: Override) -> list[str]:
    if not override.is_sweep_override():
        return [str(override.input_line)]
    if not override.is_discrete_sweep():
        raise HumansegError(
            f"{override.input_line}: a grid needs single values, and this is a whole range: give "
            "some of it, such as 0.1,0.2, or search in it with hydra.sweeper.method=tpe.",
            code="sweeps.range_in_grid",
        )
    key = override.get_key_element()
    return [f"{key}={value}" for value in override.sweep_string_iterator()]
