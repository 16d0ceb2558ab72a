"""The pages under a finger."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, ViewportSize

from humanseg.pages.cards import ValidCard
from humanseg.pages.gallery import write_valid_page
from humanseg.pages.origin import Origin, PageLink

pytestmark = pytest.mark.browser

SMALL = """() => [...document.querySelectorAll("a, button, select, input[type=search], summary")]
    .filter((element) => element.checkVisibility() && element.getBoundingClientRect().height < 44)
    .map((element) => element.outerHTML)"""


def test_what_is_tapped_is_high_enough_for_a_finger(browser: Browser, tmp_path: Path) -> None:
    origin = Origin(command="humanseg train", pages=(PageLink("Overview", "index.html"),))
    pictures = ("valid/1.jpg", "valid/1.png", "valid/2.png", "valid/3.png")
    card = ValidCard("1", *pictures, 0.9, 0.8, 0.7, 0.5, 0.5, 80, 60)
    write_valid_page(tmp_path / "valid.html", [card], origin=origin)
    phone = ViewportSize(width=390, height=844)
    with browser.new_context(viewport=phone, is_mobile=True, has_touch=True) as context:
        page = context.new_page()
        page.goto((tmp_path / "valid.html").as_uri())
        page.locator("summary").click()
        assert page.evaluate(SMALL) == []
