"""What `humanseg predict` prints about its photos and videos."""

import os
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from humanseg.errors import HumansegError, plural, printable
from humanseg.io.files import write_text

if TYPE_CHECKING:
    from humanseg.inference.batch.failures import InputFailure
    from humanseg.inference.batch.plan import InputOutcome
    from humanseg.inference.batch.provenance import ResultState

FAILURES_NAME = "failures.txt"
_HEAD = "# What humanseg predict could not use or make: the file, and the reason.\n"
_MOST_LINES = 20
"""So many failures are printed; of more, the first few, and all are written to a file."""
_FIRST_FEW = 10
_MOST_NAMES = 5


class PredictionSummary:
    """Counts the outcomes of photos or videos, by their status; `noun` says which they are."""

    def __init__(self, noun: str) -> None:
        self.noun = noun
        self.counts: Counter[str] = Counter()
        self.remade: list[ResultState] = []
        self.failures: list[InputFailure] = []
        self.without_person: list[str] = []
        self.paths: tuple[Path, ...] = ()
        self.with_notices: list[InputOutcome] = []

    @property
    def unchanged(self) -> int:
        """The number of inputs whose results existed already."""
        return self.counts["unchanged"]

    def add(self, outcome: "InputOutcome") -> None:
        """Count one more."""
        self.counts[outcome.status] += 1
        self.paths = outcome.paths
        self.remade += set(outcome.remade)
        if not outcome.person:
            self.without_person.append(outcome.source.name)
        if outcome.notices:
            self.with_notices.append(outcome)
        if outcome.failure is not None:
            self.failures.append(outcome.failure)

    def text(self, seconds: float, out: Path | None) -> str:
        """Return a line: how many, how fast, why made again, and where; None is standard output."""
        made = self.counts["made"]
        parts = []
        if made or not self.unchanged:
            rate = f"{made / max(seconds, 1e-3):.1f} {self.noun}s per second"
            speed = f" in {seconds:.1f} s ({rate})"
            parts.append(f"{plural(made, self.noun)} done{speed if made else ''}")
        if self.remade:
            parts.append(_describe_remade(self.remade))
        if self.unchanged:
            parts.append(self.describe_unchanged())
        if self.failures:
            parts.append(f"{len(self.failures)} could not be used, see below")
        where = f": {self._where(out)}" if made or self.unchanged else ""
        return printable(", ".join(parts) + where)

    def describe_unchanged(self) -> str:
        """Return how many existed already."""
        verb, them = ("was", "it") if self.unchanged == 1 else ("were", "them")
        count = plural(self.unchanged, self.noun)
        return f"{count} {verb} there already (--overwrite makes {them} again)"

    def describe_without_person(self) -> str:
        """Return the names of files without a person."""
        # Threads end in any order.
        names = ", ".join(sorted(self.without_person, key=_order)[:_MOST_NAMES])
        count = len(self.without_person)
        more = f", and {count - _MOST_NAMES} more" if count > _MOST_NAMES else ""
        return printable(f"no person found in {plural(count, self.noun)}: {names}{more}")

    def _where(self, out: Path | None) -> str:
        if out is None:
            return "standard output"
        is_only_one = self.counts.total() == 1 and not self.failures
        return ", ".join(map(str, self.paths)) if is_only_one else str(out)


def _describe_remade(states: "Sequence[ResultState]") -> str:
    """Return how many existing results were made again, and why."""
    counts = Counter(state.value for state in states).most_common()
    if len(states) == 1:
        return f"again (last made {counts[0][0]})"
    reasons = "; ".join(f"{why}: {count}" for why, count in counts)
    return f"{len(states)} of them again (last made {reasons})"


def print_failures(
    failures: "Sequence[InputFailure]", folder: Path | None, notify: Callable[[str], None]
) -> None:
    """Print all failures, or the first few and the name of a file in `folder` that has all."""
    failures = sorted(failures, key=lambda failure: _order(str(failure.path)))
    lines = [_one_line(failure.reason) for failure in failures]
    file = folder / FAILURES_NAME if folder else None
    _remove_former(file)
    # One that is left is no list of ours.
    if file is None or len(lines) <= _MOST_LINES or os.path.lexists(file):
        for line in lines:
            notify(f"  {line}")
        return
    try:
        rows = (f"{_one_line(str(item.path))}\t{_one_line(item.reason)}\n" for item in failures)
        write_text(file, _HEAD + "".join(rows))
    except HumansegError:
        print_failures(failures, None, notify)
        return
    for line in lines[:_FIRST_FEW]:
        notify(f"  {line}")
    notify(f"  and {len(lines) - _FIRST_FEW} more: {printable(str(file))} names all of them")


def _remove_former(file: Path | None) -> None:
    """Remove the list of an earlier run, which is no longer true."""
    try:
        if file is not None and file.read_text(encoding="utf-8").startswith(_HEAD):
            os.unlink(file)
    except (OSError, ValueError):
        pass


def _one_line(text: str) -> str:
    return printable(text).replace("\n", r"\n")


def _order(name: str) -> Any:
    # Imported here: the help of a command does without.
    from humanseg.io.names import natural_key

    return natural_key(name)
