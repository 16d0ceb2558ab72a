"""The report as it is committed, and as it is made anew."""

import base64
import io
import re
import shutil
from itertools import pairwise
from pathlib import Path

import nbformat
import numpy as np
import pytest
from nbformat import NotebookNode
from PIL import Image

from research.__main__ import main
from research.execute import NOTEBOOK
from tests.research.conftest import COMMITTED

MOST = 3_000_000
SECTIONS = (
    *("Abstract", "1. The task", "2. The data", "3. Method", "4. Controlled comparisons"),
    *("5. Results", "6. Out-of-distribution photos", "7. Predictions", "8. Small models"),
    *("9. Limitations", "10. Conclusion", "Appendix A", "Appendix B", "Appendix C"),
)


def code_cells(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def test_it_is_committed_as_executed(notebook: NotebookNode) -> None:
    nbformat.validate(notebook)
    cells = code_cells(notebook)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert {output.output_type for cell in cells for output in cell.outputs} == {"execute_result"}
    assert NOTEBOOK.stat().st_size < MOST


def test_it_has_its_sections_in_order(notebook: NotebookNode) -> None:
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    places = [text.index(f"\n## {section}") for section in SECTIONS]
    assert places == sorted(places)


def test_its_contents_lead_to_every_section(notebook: NotebookNode) -> None:
    texts = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    headings = re.findall(r"^## (.+)$", "\n".join(texts), re.M)
    (contents,) = [text for text in texts if text.startswith("**Contents**")]
    assert re.findall(r"^- \[(.+)\]\((.+)\)$", contents, re.M) == [
        (heading, "#" + heading.replace(" ", "-")) for heading in headings
    ]


def test_every_figure_has_a_caption_with_its_number(notebook: NotebookNode) -> None:
    number = 0
    for cell, below in pairwise(notebook.cells):
        pictures = [one for one in cell.get("outputs", ()) if "image/png" in one["data"]]
        if pictures:
            number += 1
            assert below.cell_type == "markdown", cell.source
            assert re.fullmatch(rf"\*Figure {number}\. [^*]{{40,}}\.\*", below.source), below.source
            assert pictures[0]["data"]["text/plain"].endswith("."), cell.source
    assert number >= 20


def test_cells_are_calls_and_the_text_holds_no_measured_number(notebook: NotebookNode) -> None:
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            # The threshold and the level of intervals are settings.
            text = re.sub(r"`[^`]*`|\b0\.5\b|\b95 %", "", cell.source)
            assert not re.search(r"\d\.\d|\d ?%", text), cell.source
    for cell in code_cells(notebook)[1:]:
        assert re.fullmatch(r"\w+\.\w+\(.*\)", cell.source), cell.source


def test_it_shows_no_photo_and_no_path_of_a_machine(notebook: NotebookNode) -> None:
    pictures = 0
    for cell in code_cells(notebook):
        for output in cell.outputs:
            data = output["data"]
            assert {kind for kind in data if kind.startswith("image")} <= {"image/png"}
            pictures += "image/png" in data
            # Photos come from one function only, and without the data it says so in words.
            assert "image/png" not in data or "photos_folder" not in cell.source, cell.source
            words = " ".join(str(data[kind]) for kind in data if not kind.startswith("image"))
            assert not re.search(r"(?<![\w.)])/(?:tmp|home|root|work|Users)/", words)
    assert pictures >= 20


@pytest.mark.parametrize("path", sorted(COMMITTED.rglob("*.*")), ids=lambda path: path.name)
def test_records_are_small_text_or_models_without_a_path_of_a_machine(path: Path) -> None:
    assert path.suffix in {".csv", ".json", ".yaml", ".onnx"}
    assert path.stat().st_size < (20_000_000 if path.suffix == ".onnx" else 200_000)
    text = path.read_text(encoding="latin-1" if path.suffix == ".onnx" else "utf-8")
    assert not re.search(r"(?<![\w.)}])/(?:tmp|home|root|work|Users|mnt|data)/", text)


@pytest.mark.slow
def test_it_is_made_anew_from_the_committed_records(
    notebook: NotebookNode, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(COMMITTED, tmp_path / "records")
    assert main([str(tmp_path / "records"), "--html"]) == 0
    said = capsys.readouterr().out
    assert "report.ipynb" in said and "report.html" in said
    again = nbformat.read(tmp_path / "report.ipynb", as_version=4)
    assert [cell.source for cell in again.cells] == [cell.source for cell in notebook.cells]
    for cell, kept in zip(code_cells(again), code_cells(notebook), strict=True):
        for new, old in zip(cell.outputs, kept.outputs, strict=True):
            for kind, value in old["data"].items():
                if kind == "image/png":
                    assert close(new["data"][kind], value), cell.source
                else:
                    assert new["data"][kind] == value, cell.source
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert page.count("<figure") == sum(
        "image/png" in output["data"] for cell in code_cells(again) for output in cell.outputs
    )
    assert not re.search(r"""(?:src|href)=["']?https?:""", page)


def close(one: str, other: str) -> bool:
    """Compare two pictures by their pixels: fonts are drawn a little otherwise elsewhere."""
    first, second = (
        np.asarray(Image.open(io.BytesIO(base64.b64decode(png))).convert("RGB"), np.float64)
        for png in (one, other)
    )
    return first.shape == second.shape and bool(np.abs(first - second).mean() < 3)
