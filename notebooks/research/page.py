"""The executed report as one HTML page; nbconvert's page loads scripts from the network.

Ours needs neither a network nor a file beside it, and looks like the other pages.
"""

import base64
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import ChoiceLoader, FileSystemLoader, PackageLoader

from humanseg.io.files import write_text
from humanseg.pages.render import environment

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from nbformat import NotebookNode


_CAPTION = "*Figure "
_FEW, _MANY = 3, 8  # columns that a phone has room for, and those that a desk has


@dataclass(frozen=True)
class Block:
    """A part of the page.

    Attributes
    ----------
    kind
        "text", "code" or "picture".
    html
        Of a text, or of a picture's caption, rendered from Markdown in which HTML is not let
        through.
    content
        The code, or the picture as Base64.
    alt
        What the picture shows.
    plot
        Whether the picture is of lines and areas on white, whose lightness may be turned around.
    """

    kind: str
    html: str = ""
    content: str = ""
    alt: str = ""
    plot: bool = False


def write_report_page(path: Path, notebook: "NotebookNode") -> None:
    """Write an executed report as a page, whole or not at all.

    Parameters
    ----------
    path
        The HTML file.
    notebook
        Of `research.execute.execute`. Its first line is the heading.
    """
    from markdown_it import MarkdownIt
    from markupsafe import Markup

    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    heading, _, lead = notebook.cells[0].source.partition("\n")
    blocks = [Block("text", _render(markdown, lead))]
    for cell in notebook.cells[1:]:
        if cell.source.startswith(_CAPTION) and blocks[-1].kind == "picture":
            blocks[-1] = replace(blocks[-1], html=_render(markdown, cell.source))
        else:
            blocks += _blocks(cell, markdown)
    report, shared = FileSystemLoader(Path(__file__).parent), PackageLoader("humanseg.pages")
    pages = environment().overlay(loader=ChoiceLoader([report, shared]))
    page = pages.get_template("report.html").render(
        heading=heading.lstrip("# "),
        lead="",
        facts=(),
        # Rendered with HTML switched off, so nothing in it is markup but Markdown's own.
        blocks=[(block, Markup(block.html)) for block in blocks],
    )
    write_text(path, page)


def _blocks(cell: "NotebookNode", markdown: "MarkdownIt") -> Iterator[Block]:
    if cell.cell_type == "markdown":
        yield Block("text", _render(markdown, cell.source))
        return
    yield Block("code", content=cell.source)
    for output in cell.outputs:
        data: Any = output.get("data", {})
        if "image/png" in data:
            png, alt = data["image/png"], data.get("text/plain", "")
            # Photos stand on the page's own ground, by a palette with transparency.
            plot = b"tRNS" not in base64.b64decode(png)
            yield Block("picture", content=png, alt=alt, plot=plot)
        elif "text/markdown" in data:
            yield Block("text", _render(markdown, data["text/markdown"]))


def _render(markdown: "MarkdownIt", text: str) -> str:
    """Render Markdown; headings get the anchors that Jupyter gives them, cells their column."""
    tokens = markdown.parse(text)
    columns: list[str] = []
    column = 0
    for token, inner in pairwise([*tokens, None]):
        assert token is not None
        if token.type == "heading_open" and inner is not None:
            token.attrSet("id", inner.content.replace(" ", "-"))
        elif token.type == "table_open":
            columns = []
            table = token
        elif token.type == "th_open" and inner is not None:
            columns.append(inner.content)
            # Too many to stand beside each other on a phone.
            if len(columns) > _FEW:
                table.attrSet("class", "wide dense" if len(columns) > _MANY else "wide")
        elif token.type == "tr_open":
            column = 0
        elif token.type == "td_open":
            token.attrSet("data-column", columns[column].replace("`", ""))
            column += 1
    return str(markdown.renderer.render(tokens, markdown.options, {}))
