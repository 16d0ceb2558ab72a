"""The page of `humanseg demo` for those who hear it, or see it in colours of their own."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.demo.conftest import Demo

pytestmark = pytest.mark.browser


def test_a_screen_reader_is_told_what_happens(
    open_demo: Callable[..., Demo], address: str, photos: Path
) -> None:
    demo = open_demo(address, (390, 844))
    demo.wait()
    page = demo.page
    # A place that is not there before it speaks is not listened to.
    assert page.locator("#busy").evaluate("busy => getComputedStyle(busy).display") != "none"
    expect(page.get_by_role("heading", level=1, name="Cut people out")).to_be_attached()
    page.locator("#drop").focus()
    demo.choose(photos / "small.png")
    expect(page.locator("#done")).to_have_text("Cut-out of small")
    # Where the focus was is gone.
    expect(page.get_by_role("slider", name="Compare")).to_be_focused()


def test_in_high_contrast_the_choices_and_colours_stay_visible(
    open_demo: Callable[..., Demo], address: str
) -> None:
    demo = open_demo(address)
    demo.page.emulate_media(forced_colors="active")
    demo.show("Background")

    def background(selector: str) -> str:
        style = "element => getComputedStyle(element).backgroundColor"
        return str(demo.page.locator(selector).evaluate(style))

    spans = ".views input[value={}] + span".format
    assert background(spans("background")) != background(spans("cutout"))
    assert background("[value='#00b140'] + span") == "rgb(0, 177, 64)"
