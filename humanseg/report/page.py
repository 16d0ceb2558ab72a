"""The executed report as one HTML page, which needs no network and no file beside it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from humanseg.pages.render import write_page

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from nbformat import NotebookNode


@dataclass(frozen=True)
class Block:
    """A part of the page.

    Attributes
    ----------
    kind
        "text", "code" or "picture".
    html
        Of a text, rendered from Markdown in which HTML is not let through.
    content
        The code, or the picture as Base64.
    alt
        What the picture shows.
    """

    kind: str
    html: str = ""
    content: str = ""
    alt: str = ""


def write_report_page(path: Path, notebook: "NotebookNode") -> None:
    """Write an executed report as a page, whole or not at all.

    Parameters
    ----------
    path
        The HTML file.
    notebook
        Of `humanseg.report.execute.execute`. Its first line is the heading.
    """
    from markdown_it import MarkdownIt
    from markupsafe import Markup

    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    heading, _, lead = notebook.cells[0].source.partition("\n")
    blocks = [Block("text", markdown.render(lead))]
    for cell in notebook.cells[1:]:
        blocks += _blocks(cell, markdown)
    write_page(
        path,
        "report.html",
        heading=heading.lstrip("# "),
        lead="",
        facts=(),
        # Rendered with HTML switched off, so nothing in it is markup but Markdown's own.
        blocks=[(block, Markup(block.html)) for block in blocks],
    )


def _blocks(cell: "NotebookNode", markdown: "MarkdownIt") -> Iterator[Block]:
    if cell.cell_type == "markdown":
        yield Block("text", markdown.render(cell.source))
        return
    yield Block("code", content=cell.source)
    for output in cell.outputs:
        data: Any = output.get("data", {})
        if "image/png" in data:
            yield Block("picture", content=data["image/png"], alt=data.get("text/plain", ""))
        elif "text/markdown" in data:
            yield Block("text", markdown.render(data["text/markdown"]))
