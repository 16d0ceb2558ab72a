"""What a sweep prints on the terminal, and the pages of its jobs, which lead to each other."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from shlex import quote

from humanseg.errors import HumansegError
from humanseg.runs import RunFolder
from humanseg.runs.home import refresh_homes
from humanseg.runs.record import valid_key
from humanseg.sweeps.jobs import Job, JobStatus, job_status
from humanseg.system.terminal import console


class SomeFailed(HumansegError):  # noqa: N818 - read aloud: "Some failed: …"
    """All jobs were tried, and some have failed."""

    exit_code = 1
    code = "sweeps.some_failed"


def print_plan(sweep: Path, jobs: Sequence[Job]) -> None:
    """Print how many jobs are done, and what is left to do."""
    states = [job_status(job.folder).state for job in jobs]
    words = {
        "finished": "finished",
        "pruned": "pruned",
        "running": "running elsewhere",
        "interrupted": "to resume",
        "failed": "to try again",
        "new": "to start",
    }
    counts = [f"{states.count(state)} {word}" for state, word in words.items() if state in states]
    console.print(f"sweep   {sweep}\njobs    {len(jobs)}: {', '.join(counts)}")


def refresh_pages(jobs: Sequence[Job]) -> None:
    """Link the page of each job to those of all others."""
    runs = [RunFolder(job.folder) for job in jobs]
    refresh_homes(runs, [run.index_page for run in runs])


def print_ranking(sweep: Path, jobs: Sequence[Job]) -> None:
    """Print the jobs, the best first, and where they are."""
    console.print("\n" + ranking({job.name: job_status(job.folder) for job in jobs}))
    console.print(f"\nsweep   {sweep}\nCompare its runs: humanseg compare {quote(str(sweep))}")


def require_none_failed(failed: Mapping[str, str], total: int) -> None:
    """Raise if jobs have failed: exit code 1."""
    if failed:
        lines = [f"  {name}: {reason}" for name, reason in failed.items()]
        raise SomeFailed(f"{len(failed)} of {total} jobs failed:\n" + "\n".join(lines))


def ranking(statuses: Mapping[str, JobStatus]) -> str:
    """Return jobs as a table, the best first.

    Jobs whose valid photos differ stand in tables of their own, since their scores cannot be
    compared.
    """
    width = max(map(len, statuses), default=0)
    scored = {name: status for name, status in statuses.items() if _dice(status) is not None}
    groups = dict.fromkeys(map(_photos, scored.values()))
    tables = [
        [(name, status) for name, status in scored.items() if _photos(status) == photos]
        for photos in groups
    ] or [[]]
    tables[-1] += [(name, status) for name, status in statuses.items() if name not in scored]
    between = "\n\nThese were scored on other photos, and cannot be compared with those above:\n"
    return between.join("\n".join(_table(rows, width)) for rows in tables)


def _table(rows: list[tuple[str, JobStatus]], width: int) -> list[str]:
    lines = [f"{'job':<{width}}  dice at 0.5       time  state"]
    # The sort keeps the order of what has no score.
    for name, status in sorted(rows, key=lambda row: -(_dice(row[1]) or -1.0)):
        dice, seconds = _dice(status), status.summary.get("seconds")
        score = "" if dice is None else f"{dice:.4f}"
        took = "" if seconds is None else clock(seconds)
        lines.append(f"{name:<{width}}  {score:>11}  {took:>9}  {status.state}")
    return lines


def _dice(status: JobStatus) -> float | None:
    return status.summary.get("dice_at_half") if status.state == "finished" else None


def _photos(status: JobStatus) -> str:
    return valid_key(status.summary)


def clock(seconds: float) -> str:
    """Return a time as `h:mm:ss`."""
    total = round(seconds)
    return f"{total // 3600}:{total % 3600 // 60:02d}:{total % 60:02d}"
