"""The report of the data check, and its text for the terminal."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Literal

from rich import box
from rich.console import Console
from rich.table import Table

from humanseg.data.checks.problems import LISTED, escape
from humanseg.data.layout.mask_rule import AS_DRAWN, MaskRule
from humanseg.errors import listed, plural

Level = Literal["stops", "warning", "note"]

_WIDTH = 100
_NAMED_IDS = 8


@dataclass(frozen=True)
class Case:
    """One thing that was found."""

    kind: str
    level: Level
    split: str
    id: str  # empty for a folder
    message: str  # a sentence without its final stop, on one line
    photos: tuple[Path, ...] = ()  # two or more for duplicates
    mask: Path | None = None
    weight: float = 0.0  # cases of one kind are listed the heaviest first


@dataclass(frozen=True)
class Finding:
    """All cases of one kind."""

    kind: str
    # "stops": no training can start; "warning": it can, but its result may be worse or its score
    # wrong; "note": good to know.
    level: Level
    advice: str  # what it means and what to do
    cases: tuple[Case, ...]


@dataclass(frozen=True)
class SplitSummary:
    """A split in numbers."""

    name: str
    photos: int
    masks: int | None  # None: there is no folder of masks
    sizes: Counter[tuple[int, int]]  # how many photos have each (H, W)
    foreground: tuple[float, ...]  # of each readable mask

    def sizes_text(self) -> str:
        """Return the sizes, width x height, the most frequent first."""
        common = self.sizes.most_common(2)
        words = [f"{width}x{height}" for (height, width), _ in common]
        if len(self.sizes) > len(common):
            words.append(f"{len(self.sizes) - len(common)} more")
        return ", ".join(words) or "-"

    def foreground_text(self) -> str:
        """Return the mean foreground share and its range."""
        if not self.foreground:
            return "-"
        mean = sum(self.foreground) / len(self.foreground)
        return f"{mean:.0%} ({min(self.foreground):.0%} to {max(self.foreground):.0%})"


@dataclass(frozen=True)
class CheckReport:
    """The result of the data check."""

    root: Path
    splits: tuple[SplitSummary, ...]  # those whose folder exists
    findings: tuple[Finding, ...]  # what stops a training first, then warnings, then notes
    rule: MaskRule = AS_DRAWN  # how masks were read

    @property
    def stops_training(self) -> bool:
        """Whether a training on this data would refuse to start."""
        return any(finding.level == "stops" for finding in self.findings)

    def verdict(self) -> str:
        """Return in one sentence whether a training can start."""
        stopping = sum(len(found.cases) for found in self.findings if found.level == "stops")
        warnings = sum(len(found.cases) for found in self.findings if found.level == "warning")
        if stopping:
            many = "1 problem stops" if stopping == 1 else f"{stopping} problems stop"
            return f"{many} a training on this data."
        if warnings:
            return f"A training can start; {plural(warnings, 'warning')}."
        if self.findings:
            return "A training can start; nothing is wrong with this data beyond the notes."
        return "A training can start; nothing is wrong with this data."

    def text(self) -> str:
        """Write the report for a terminal, 100 columns wide, without colours or control codes."""
        out = StringIO()
        console = Console(file=out, width=_WIDTH, color_system=None, markup=False, emoji=False)
        console.print(f"Data in {escape(str(self.root))}", highlight=False, soft_wrap=True)
        console.print(_splits_table(self.splits))
        if self.findings:
            console.print(_findings_table(self.findings))
        for finding in self.findings:
            if finding.level != "note":
                _print_cases(console, finding)
        console.print(self.verdict(), highlight=False)
        return out.getvalue()

    def write_html(self, path: Path, command: str = "") -> None:
        """Write the report as one HTML page with pictures, which needs no file beside it."""
        # Only here: a check without a page needs no templates.
        from humanseg.data.checks.report_page import write_report_page

        write_report_page(path, self, command)


def _splits_table(splits: Sequence[SplitSummary]) -> Table:
    table = Table("split", box=box.SIMPLE_HEAD)
    table.add_column("photos", justify="right")
    table.add_column("masks", justify="right")
    table.add_column("width x height")
    table.add_column("person, share of pixels")
    for split in splits:
        masks = "-" if split.masks is None else str(split.masks)
        counts = (split.name, str(split.photos), masks)
        table.add_row(*counts, split.sizes_text(), split.foreground_text())
    return table


def _findings_table(findings: Sequence[Finding]) -> Table:
    table = Table("", "found", box=box.SIMPLE_HEAD)
    table.add_column("cases", justify="right")
    table.add_column("where")
    words = {"stops": "STOPS", "warning": "warning", "note": "note"}
    for finding in findings:
        where = []
        for split in dict.fromkeys(case.split for case in finding.cases):
            ids = [escape(case.id) for case in finding.cases if case.split == split and case.id]
            where.append(f"{split}: {listed(ids, _NAMED_IDS)}" if ids else split)
        row = (words[finding.level], finding.kind, str(len(finding.cases)), "\n".join(where))
        table.add_row(*row)
    return table


def _print_cases(console: Console, finding: Finding) -> None:
    console.print(f"{finding.kind}: {finding.advice}", highlight=False)
    for case in finding.cases[:LISTED]:
        # Paths stay whole, to be copied.
        console.print(f"  - {case.message}", highlight=False, soft_wrap=True)
    if len(finding.cases) > LISTED:
        console.print(f"  - and {len(finding.cases) - LISTED} more", highlight=False)
    console.print()
