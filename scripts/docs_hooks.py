"""Hooks of mkdocs: the generated pages, and links from pages to files of the repository.

A page links to a file outside of `docs` as it is in the repository, so that the link works there
too; the site gets a copy of the file.
"""

import posixpath
import re
from collections.abc import Iterator
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from scripts.docs_pages import generated

ROOT = Path(__file__).resolve().parents[1]
LINK = re.compile(r"(\]\()([^)#\s]+)((?:#[^)\s]*)?\))")
CODE = re.compile(r"(^```.*?^```)", re.M | re.S)
INLINE_CODE = re.compile(r"<code>[^<]*</code>")
AMOUNT = re.compile(r"(<td[^>]*>[\d.]+) (\w+)(?=</td>)")
HYPHENATED = re.compile(r"[^\s<>]*-[^\s<>]+(?=[\s<])")
INCLUDED = {"CONTRIBUTING.md": "project/contributing.md", "CHANGELOG.md": "project/changelog.md"}
"""Pages of the site that are outside of `docs` in the repository."""


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the generated pages, those that are elsewhere, and the files that pages link to."""
    for name, text in generated().items():
        files.append(File.generated(config, name, content=text))
    for source, name in INCLUDED.items():
        files.append(File.generated(config, name, content=(ROOT / source).read_text("utf-8")))
    linked = {
        target
        for page in files.documentation_pages()
        for target in outward(page.src_uri, page.content_string)
    }
    for target in sorted(linked):
        path = ROOT / target
        files.append(File.generated(config, f"files/{target}", abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Point links at their targets in the site."""
    here = page.file.src_uri

    def point(link: re.Match[str]) -> str:
        before, url, after = link.groups()
        target = in_repository(here, url)
        if target is None:
            return link[0]
        aim = site_name(target)
        return f"{before}{posixpath.relpath(aim, posixpath.dirname(here) or '.')}{after}"

    return "".join(
        part if part.startswith("```") else LINK.sub(point, part) for part in CODE.split(markdown)
    )


def on_page_content(html: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Keep options such as --out, and cells such as 12 min, on one line."""

    def whole(word: re.Match[str]) -> str:
        return f'<span class="word">{word[0]}</span>' if len(word[0]) <= 30 else word[0]

    html = AMOUNT.sub(r"\1&nbsp;\2", html)
    return INLINE_CODE.sub(lambda code: HYPHENATED.sub(whole, code[0]), html)


def in_repository(page: str, url: str) -> str | None:
    """Return where a page's link points in the repository; None for an address of the web."""
    if re.match(r"[\w+.-]+:", url):
        return None
    sources = {name: source for source, name in INCLUDED.items()}
    source = sources.get(page, f"docs/{page}")
    return posixpath.normpath(posixpath.join(posixpath.dirname(source), url))


def site_name(target: str) -> str:
    """Return the name in the site of a file of the repository."""
    if target in INCLUDED:
        return INCLUDED[target]
    return target.removeprefix("docs/") if target.startswith("docs/") else f"files/{target}"


def outward(page: str, markdown: str) -> Iterator[str]:
    """Yield the files of the repository outside of `docs` that a page links to."""
    text = "".join(part for part in CODE.split(markdown) if not part.startswith("```"))
    for _, url, _ in LINK.findall(text):
        target = in_repository(page, url)
        if target and target not in INCLUDED and not target.startswith("docs/"):
            # A page of Markdown would need a place in the site.
            if not (ROOT / target).is_file() or target.endswith(".md"):
                raise FileNotFoundError(f"docs/{page} links to {target}: name a file, no page.")
            yield target
