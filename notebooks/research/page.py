"""The executed report as one HTML page; nbconvert's page loads scripts from the network.

Ours needs neither a network nor a file beside it, and looks like the other pages.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import ChoiceLoader, FileSystemLoader, PackageLoader

from humanseg.io.files import write_text
from humanseg.pages.render import environment

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
        Of `research.execute.execute`. Its first line is the heading.
    """
    from markdown_it import MarkdownIt
    from markupsafe import Markup

    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    heading, _, lead = notebook.cells[0].source.partition("\n")
    blocks = [Block("text", markdown.render(lead))]
    for cell in notebook.cells[1:]:
        blocks += _blocks(cell, markdown)
    own, shared = FileSystemLoader(Path(__file__).parent), PackageLoader("humanseg.pages")
    pages = environment().overlay(loader=ChoiceLoader([own, shared]))
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
        yield Block("text", markdown.render(cell.source))
        return
    yield Block("code", content=cell.source)
    for output in cell.outputs:
        data: Any = output.get("data", {})
        if "image/png" in data:
            yield Block("picture", content=data["image/png"], alt=data.get("text/plain", ""))
        elif "text/markdown" in data:
            yield Block("text", markdown.render(data["text/markdown"]))
