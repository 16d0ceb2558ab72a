"""The scores in README and documentation are those of their records."""

import json
import re

import pytest

from tests.docs.documents import ROOT, TEXTS

ROWS = [
    (page, record, line)
    for page, text in TEXTS.items()
    for line in text.splitlines()
    if line.startswith("|")
    for record in re.findall(r"(notebooks/records/[^)]*/summary\.json)", line)
]


def test_every_record_of_a_recipe_has_a_row_on_the_ladder() -> None:
    records = (ROOT / "notebooks" / "records").glob("*/summary.json")
    rows = {record for page, record, _ in ROWS if page == "docs/recipes/ladder.md"}
    assert {path.relative_to(ROOT).as_posix() for path in records} <= rows


@pytest.mark.parametrize(("page", "record", "line"), ROWS)
def test_the_scores_of_a_row_are_those_of_its_record(page: str, record: str, line: str) -> None:
    summary = json.loads((ROOT / record).read_text(encoding="utf-8"))
    _, *cells = [cell.strip() for cell in line.strip("|").split("|")]
    minutes = "мин" if page.startswith("docs/ru/") else "min"
    assert cells[:4] == [
        f"{summary['dice']:.4f}",
        f"{summary['boundary_dice']:.4f}",
        str(summary["epochs"]),
        f"{round(summary['seconds'] / 60)} {minutes}",
    ]


def test_the_readme_links_each_score_to_its_record() -> None:
    paragraphs = TEXTS["README.md"].split("\n\n")
    scored = [text for text in paragraphs if re.search(r"\b0\.\d{3,4}\b", text)]
    # The table of bundled models is made from theirs.
    others = [text for text in scored if not text.startswith("| `--model`")]
    assert others and [text for text in others if "records" not in text] == []
