"""The report as a page: anchors, captions, tables that a phone has room for."""

import base64
import io
import re
from pathlib import Path

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from PIL import Image

from research.page import write_report_page
from research.show import panels, picture, show_tile, tiles


def png(mode: str) -> str:
    written = io.BytesIO()
    transparency = {"transparency": 0} if mode == "photos" else {}
    Image.new("P", (4, 4)).save(written, "PNG", **transparency)
    return base64.b64encode(written.getvalue()).decode()


@pytest.fixture
def page(tmp_path: Path) -> str:
    header = "| " + " | ".join(f"`c{column}`" for column in range(6)) + " |"
    rows = [header, "| --- " * 6 + "|", "| 1 " * 6 + "|"]
    shown = [
        new_output("execute_result", data={"image/png": png(mode), "text/plain": "A plot."})
        for mode in ("plot", "photos")
    ]
    cells = [
        new_markdown_cell("# Heading"),
        new_markdown_cell("## 1. The task\n\n### By size"),
        new_code_cell("a.b()", outputs=shown[:1]),
        new_markdown_cell("*Figure 1. What it shows.*"),
        new_code_cell("a.c()", outputs=shown[1:]),
        new_markdown_cell("\n".join(rows)),
        new_markdown_cell("| a | b |\n| --- | --- |\n| 1 | 2 |"),
    ]
    write_report_page(tmp_path / "page.html", new_notebook(cells=cells))
    return (tmp_path / "page.html").read_text(encoding="utf-8")


def test_headings_have_the_anchors_of_the_notebook(page: str) -> None:
    assert '<h2 id="1.-The-task">' in page and '<h3 id="By-size">' in page


def test_a_caption_stands_with_its_figure(page: str) -> None:
    first, second = re.findall(r"<figure.*?</figure>", page, re.S)
    assert "<figcaption>" in first and "What it shows." in first
    assert "figcaption" not in second


def test_plots_are_turned_dark_and_photos_are_not(page: str) -> None:
    assert re.findall(r'<figure class="([^"]*)"', page) == ["card plot", "card"]


def test_a_wide_table_names_its_columns_in_each_cell(page: str) -> None:
    assert page.count('<table class="wide">') == 1
    assert 'data-column="c5"' in page and 'data-column="b"' in page


def test_photos_have_no_ground_and_plots_have_one() -> None:
    import numpy as np

    figure, ((axis,),) = tiles(1, 1, 2.0)
    show_tile(axis, np.full((40, 30, 3), (200, 30, 60), np.uint8), "words")
    shown = Image.open(io.BytesIO(picture(figure, "A tile.", photos=True).png))
    pixels = np.asarray(shown.convert("RGBA"))
    assert {0, 255} <= set(pixels[..., 3].ravel().tolist())
    middle = pixels[pixels.shape[0] // 2, pixels.shape[1] // 2]
    assert middle.tolist() == [200, 30, 60, 255]
    plain = Image.open(io.BytesIO(picture(panels(1, 1, 2)[0], "A plot.").png))
    assert (np.asarray(plain.convert("RGBA"))[..., 3] == 255).all()
