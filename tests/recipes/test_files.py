"""The files that a recipe's folder has from its last stage."""

from pathlib import Path

from humanseg.pages.gallery import write_test_page
from humanseg.pages.origin import Origin, PageLink
from humanseg.recipes.files import copy_results
from humanseg.runs import RunFolder


def test_the_links_of_a_copied_page_lead_to_the_same_files(tmp_path: Path) -> None:
    last = RunFolder(tmp_path / "mine" / "last")
    last.path.mkdir(parents=True)
    there = {"Overview": "index.html", "Recipe": "../index.html", "Leaderboard": "../../board.html"}
    pages = tuple(PageLink(label, path) for label, path in there.items())
    write_test_page(last.test_page, [], origin=Origin(pages=pages))
    copy_results(last, tmp_path / "mine")
    html = (tmp_path / "mine" / "test.html").read_text(encoding="utf-8")
    assert '<a href="../board.html">Leaderboard</a>' in html
    # The recipe's page is the overview of the copy.
    assert '<a href="index.html">Overview</a>' in html and "Recipe" not in html
