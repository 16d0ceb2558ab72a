"""What the documentation holds: pages, code blocks with their marks, tables, inline code."""

import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
TEXTS = {page.relative_to(ROOT).as_posix(): page.read_text(encoding="utf-8") for page in PAGES}
"""Each page by its path in the repository."""

_BLOCK = re.compile(r"(?:^<!-- ([^\n]*) -->\n)?^```(\w*)\n(.*?)^```$", re.M | re.S)


class Block(NamedTuple):
    """A fenced block of code: its page, the comment right above it, its language, its lines."""

    page: str
    mark: str
    language: str
    code: str

    @property
    def reason(self) -> str:
        """Why it is not run; empty where it is."""
        return self.mark.removeprefix("not run: ") if self.mark.startswith("not run: ") else ""

    def __str__(self) -> str:
        first = self.code.strip().splitlines()[0][:50]
        return f"{self.page}: {first}"


BLOCKS = [
    Block(page, mark, language, code)
    for page, text in TEXTS.items()
    for mark, language, code in _BLOCK.findall(text)
]
PROSE = {page: _BLOCK.sub("", text) for page, text in TEXTS.items()}
LINES = [
    line.split(" #")[0].strip()
    for block in BLOCKS
    if block.language == "sh" and not block.reason
    for line in block.code.splitlines()
    if line.strip()
]
"""Every line of the shell that is held to the code."""


def codes(text: str) -> list[str]:
    """Return the inline code of a line or a cell."""
    return re.findall(r"`([^`]+)`", text)


def inline(page: str) -> list[str]:
    """Return the inline code of a page."""
    return [code for line in PROSE[page].splitlines() for code in codes(line)]


INLINE = [code for page in TEXTS for code in inline(page)]


def table(page: str, heading: str) -> list[list[str]]:
    """Return the cells below a table's header row."""
    rest = TEXTS[page].split(f"\n{heading}\n", 1)[1].splitlines()[1:]
    rows = []
    for line in rest:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return rows


def humanseg_words(line: str) -> str | None:
    """Return what a line of the shell gives to humanseg, as `humanseg ...`; None: nothing."""
    for part in re.split(r"\s(?:\||>)\s", line):
        found = re.search(r"(?:^(?:\w+=\S+ )*|-m )(humanseg .*)$", part)
        if found:
            return found[1]
    return None
