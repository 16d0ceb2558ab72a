"""`make report` as a person calls it: what it refuses, and what it leaves alone."""

from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from humanseg.cli.main import main as humanseg_main
from research import execute as module
from research.__main__ import main
from research.execute import NOTEBOOK
from research.page import write_report_page

Said = pytest.CaptureFixture[str]


@pytest.fixture
def failing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A report of one cell, which fails as one with a broken record does."""
    path = tmp_path / "notebooks" / "report.ipynb"
    source = "from research.records import open_records\nopen_records().table('gone/masks.csv')"
    path.parent.mkdir()
    nbformat.write(new_notebook(cells=[new_code_cell(source)]), path)
    (path.parent / "records").mkdir()
    monkeypatch.setattr(module, "NOTEBOOK", path)
    return path


def test_a_failing_cell_is_told_in_words_and_writes_nothing(failing: Path, capsys: Said) -> None:
    before = failing.read_bytes()
    assert main([str(failing.parent / "records")]) == 2
    said = capsys.readouterr().err
    assert "masks.csv is missing or broken" in said and "Traceback" not in said
    assert failing.read_bytes() == before
    assert sorted(path.name for path in failing.parent.iterdir()) == ["records", "report.ipynb"]


def test_photos_never_get_into_the_repository(tmp_path: Path, capsys: Said) -> None:
    before = NOTEBOOK.read_bytes()
    for name in ("report.ipynb", "other.ipynb"):
        out = str(NOTEBOOK.parent / name)
        assert main(["--data", str(tmp_path), "--out", out]) == 3
        assert "not ours to publish" in capsys.readouterr().err
    assert NOTEBOOK.read_bytes() == before


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nowhere"], "There is no folder nowhere"),
        (["--data", "nowhere"], "There is no folder nowhere"),
        (["--out", "report.html"], "name a file that ends with .ipynb"),
    ],
)
def test_mistakes_are_told_before_the_work(
    words: list[str], said: str, capsys: Said, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main([*words]) == 2
    assert said in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_the_old_command_names_the_new_one(capsys: Said) -> None:
    assert humanseg_main(["report", "--html"]) == 2
    said = capsys.readouterr().err
    assert "make report" in said and said.count("\n") == 1


def test_the_page_lets_no_markup_through(tmp_path: Path) -> None:
    cells = [new_markdown_cell("# A <b>title\nlead"), new_markdown_cell("<script>x</script> | *y*")]
    cells.append(new_code_cell("'<i>'"))
    write_report_page(tmp_path / "page.html", new_notebook(cells=cells))
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "<h1>A &lt;b&gt;title</h1>" in page and "<em>y</em>" in page
    assert "<script>x" not in page and "<i>" not in page
