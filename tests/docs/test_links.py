"""Every link in README and documentation leads somewhere; no network is asked."""

import posixpath
import re

import pytest
from markdown.extensions.toc import slugify

from scripts.docs_hooks import INCLUDED, LINK
from scripts.docs_pages import generated
from tests.docs.documents import PROSE, ROOT

GENERATED = {f"docs/{name}": text for name, text in generated().items()}


def anchors(text: str) -> set[str]:
    """Return the anchors of a page's headings."""
    text = re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)
    headings = re.findall(r"^#+ (.+)$", text, re.M)
    return {slugify(re.sub(r"[`*]", "", heading), "-") for heading in headings}


def read(name: str) -> str:
    return GENERATED.get(name) or (ROOT / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PROSE)
def test_links_lead_somewhere(page: str) -> None:
    broken = []
    for _, url, anchor in LINK.findall(PROSE[page]):
        if re.match(r"[\w+.-]+:", url):
            continue
        target = posixpath.normpath(posixpath.join(posixpath.dirname(page), url))
        if target not in GENERATED and not (ROOT / target).is_file():
            broken.append(url)
        elif "#" in anchor and target.endswith(".md"):
            if anchor.rstrip(")").removeprefix("#") not in anchors(read(target)):
                broken.append(url + anchor.rstrip(")"))
    assert broken == []


def test_the_readme_links_to_what_lies_in_the_repository() -> None:
    links = [url for _, url, _ in LINK.findall(PROSE["README.md"])]
    assert [url for url in links if url in GENERATED] == []
    assert {"CONTRIBUTING.md", "CHANGELOG.md"} == set(INCLUDED)


def test_every_picture_is_described() -> None:
    undescribed = [
        page for page, text in PROSE.items() if re.search(r"!\[\s*\]\(|<img(?![^>]*alt=)", text)
    ]
    assert undescribed == []
