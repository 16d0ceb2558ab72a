"""The site builds strictly, and its pages ask no other host for anything."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.documents import PAGES, ROOT

ASKED = re.compile(
    r"<(?:script|img|iframe|source|link)\b[^>]*?\b(?:src|href)=\"?(https?://[^\s\">]+)"
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)],
        cwd=ROOT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder


def test_every_page_is_built(site: Path) -> None:
    pages = [page for page in PAGES if page.name != "README.md"]
    names = [page.relative_to(ROOT / "docs").with_suffix(".html") for page in pages]
    assert [name for name in names if not (site / name).is_file()] == []
    for made in ("commands", "settings", "groups", "models", "error-codes"):
        assert (site / "reference" / f"{made}.html").is_file()


def test_pages_ask_no_other_host(site: Path) -> None:
    asked = {
        f"{page.name}: {address}"
        for page in site.rglob("*.html")
        for address in ASKED.findall(page.read_text(encoding="utf-8"))
    }
    assert asked == set()
    styles = [path.read_text(encoding="utf-8") for path in site.rglob("*.css")]
    assert [text for text in styles if re.search(r"url\(['\"]?https?:", text)] == []


def test_the_reference_holds_commands_settings_and_docstrings(site: Path) -> None:
    commands = (site / "reference/commands.html").read_text(encoding="utf-8")
    assert "humanseg export" in commands and "--max-drop" in commands
    settings = (site / "reference/settings.html").read_text(encoding="utf-8")
    assert "optimizer.backbone_lr_factor" in settings
    python = (site / "reference/python.html").read_text(encoding="utf-8")
    assert "temporal_smoothing" in python and "humanseg.load" in python
