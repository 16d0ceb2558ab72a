"""What `humanseg predict` says of its photos and videos, at the end and meanwhile."""

import os
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from humanseg.errors import HumansegError, printable
from humanseg.io.files import write_text

if TYPE_CHECKING:
    from humanseg.inference.batch.failures import InputFailure
    from humanseg.inference.batch.plan import InputOutcome
    from humanseg.inference.batch.provenance import ResultState

FAILURES_NAME = "failures.txt"
_HEAD = "# What humanseg predict could not use or make: the file, and the reason.\n"
_LISTED = 20
"""So many failures are printed; of more, some, and all are written to a file."""
_SOME = 10
_NAMED = 5


def plural(count: int, noun: str) -> str:
    """Return a number and its noun: ``1 photo``, ``2 photos``."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def describe_remade(states: "Sequence[ResultState]") -> str:
    """Say how many results that were there were made again, and why."""
    counts = Counter(state.value for state in states).most_common()
    if len(states) == 1:
        return f"again (last made {counts[0][0]})"
    reasons = "; ".join(f"{why}: {count}" for why, count in counts)
    return f"{len(states)} of them again (last made {reasons})"


class PredictionSummary:
    """Counts what becomes of many photos or videos."""

    def __init__(self, noun: str) -> None:
        self.noun = noun
        self.done = self.there = 0
        self.again: list[ResultState] = []
        self.failures: list[InputFailure] = []
        self.empty: list[str] = []
        self.paths: tuple[Path, ...] = ()
        self.noticed: list[InputOutcome] = []

    def add(self, outcome: "InputOutcome") -> None:
        """Count one more."""
        self.paths = outcome.paths
        self.again += set(outcome.again)
        if not outcome.person:
            self.empty.append(outcome.source.name)
        if outcome.notices:
            self.noticed.append(outcome)
        if outcome.failure is not None:
            self.failures.append(outcome.failure)
        elif outcome.made:
            self.done += 1
        else:
            self.there += 1

    def summary(self, seconds: float, out: Path | None) -> str:
        """Return one line on all: how many, how fast, why again, and where they lie.

        `out` is None for standard output.
        """
        parts = []
        if self.done or not self.there:
            parts.append(f"{plural(self.done, self.noun)} done")
        if self.done:
            parts[0] += f" in {seconds:.1f} s ({self.done / max(seconds, 1e-3):.1f} a second)"
        if self.again:
            parts.append(describe_remade(self.again))
        if self.there:
            parts.append(self.describe_present())
        if self.failures:
            parts.append(f"{len(self.failures)} could not be used, see below")
        where = f": {self._where(out)}" if self.done or self.there else ""
        return printable(", ".join(parts) + where)

    def describe_present(self) -> str:
        """Say how many were there already."""
        verb = "was" if self.there == 1 else "were"
        return f"{plural(self.there, self.noun)} {verb} there already (--overwrite makes " + (
            "it again)" if self.there == 1 else "them again)"
        )

    def describe_empty(self) -> str:
        """Say in which nobody was found."""
        # Threads end in any order.
        names = ", ".join(sorted(self.empty, key=_order)[:_NAMED])
        more = f", and {len(self.empty) - _NAMED} more" if len(self.empty) > _NAMED else ""
        return printable(f"nobody found in {plural(len(self.empty), self.noun)}: {names}{more}")

    def _where(self, out: Path | None) -> str:
        if out is None:
            return "standard output"
        only_one = self.done + self.there + len(self.failures) == 1 and not self.failures
        return ", ".join(map(str, self.paths)) if only_one else str(out)


def print_failures(
    failures: "Sequence[InputFailure]", folder: Path | None, say: Callable[[str], None]
) -> None:
    """Print why photos and videos could not be used: all, or some and a file that has all."""
    failures = sorted(failures, key=lambda failure: _order(str(failure.path)))
    lines = [_one_line(failure.reason) for failure in failures]
    file = folder / FAILURES_NAME if folder else None
    if file is None or len(lines) <= _LISTED:
        _forget(file)
        for line in lines:
            say(f"  {line}")
        return
    try:
        rows = (f"{_one_line(str(each.path))}\t{_one_line(each.reason)}\n" for each in failures)
        write_text(file, _HEAD + "".join(rows))
    except HumansegError:
        print_failures(failures, None, say)
        return
    for line in lines[:_SOME]:
        say(f"  {line}")
    say(f"  and {len(lines) - _SOME} more: {printable(str(file))} names all of them")


def _forget(file: Path | None) -> None:
    """Remove the list of an earlier run, which no longer holds."""
    try:
        if file is not None and file.read_text(encoding="utf-8").startswith(_HEAD):
            os.unlink(file)
    except (OSError, ValueError):
        pass


def _one_line(text: str) -> str:
    return printable(text).replace("\n", r"\n")


def _order(name: str) -> Any:
    # Only here: it loads numpy, which the help of a command does without.
    from humanseg.io.names import natural_key

    return natural_key(name)
