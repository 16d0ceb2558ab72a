"""The pages by keyboard, by ear, on paper, and in a person's own colours."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from humanseg.pages.cards import ValidCard
from humanseg.pages.gallery import anchor, write_valid_page
from humanseg.pages.origin import Origin

pytestmark = pytest.mark.browser

Open = Callable[[Path], Page]


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("pages")
    pictures = {name: f"{name}.png" for name in ("photo", "errors", "prediction", "truth")}
    for name in pictures.values():
        Image.new("RGB", (60, 80), "grey").save(root / name)
    first = ValidCard(
        "first",
        **pictures,
        dice=0.2,
        iou=0.1,
        boundary_dice=0.3,
        foreground=0.5,
        predicted_foreground=0.5,
        height=80,
        width=60,
    )
    cards = [
        first,
        replace(first, id="no person", dice=0.5, boundary_dice=float("nan")),
        replace(first, id="last", dice=0.9, boundary_dice=0.9),
    ]
    page = root / "valid.html"
    write_valid_page(page, cards, origin=Origin(command="humanseg train"))
    return page


def ids(page: Page) -> list[str]:
    return page.locator(".item:visible .id").all_inner_texts()


def test_keys_of_the_browser_are_left_to_it(gallery: Path, open_page: Open) -> None:
    page = open_page(gallery)
    page.evaluate(
        "addEventListener('keydown', (event) => { window.held = event.defaultPrevented; })"
    )
    page.locator(".strip").first.focus()
    page.keyboard.press("Meta+ArrowRight")
    assert page.evaluate("held") is False
    expect(page.locator(".strip").first).to_be_focused()
    page.keyboard.press("Enter")
    for keys in ("Meta+ArrowRight", "Control+2", "Alt+2"):
        page.keyboard.press(keys)
        assert page.evaluate("held") is False
    expect(page.locator("#box-id")).to_have_text("first")
    expect(page.get_by_role("dialog").get_by_role("button", name="Errors")).to_have_attribute(
        "aria-pressed", "true"
    )
    # What the keys lead to is read out.
    page.keyboard.press("ArrowRight")
    expect(page.locator("#box-id[aria-live=polite]")).to_have_text("no person")


def test_scores_that_are_not_defined_come_last(gallery: Path, open_page: Open) -> None:
    page = open_page(gallery)
    page.get_by_label("Sort").select_option(label="Worst boundary Dice first")
    assert ids(page) == ["first", "last", "no person"]


def test_a_link_shows_a_photo_that_a_filter_hides(gallery: Path, open_page: Open) -> None:
    page = open_page(gallery)
    page.get_by_label("Find by id").fill("no person")
    page.evaluate("hash => { location.hash = hash; }", anchor("last"))
    expect(page.locator("#box-id")).to_have_text("last")
    expect(page.locator("#box-place")).to_have_text("3 of 3")


@pytest.mark.parametrize("copied", [True, False])
def test_copying_says_whether_it_worked_and_keeps_the_focus(
    copied: bool, gallery: Path, open_page: Open
) -> None:
    page = open_page(gallery)
    # A page over plain http.
    page.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    page.evaluate(f"document.execCommand = () => {str(copied).lower()}")
    page.locator("summary").click()
    button = page.get_by_role("button", name="Copy")
    button.press("Enter")
    label = "Copied" if copied else "Not copied"
    expect(page.locator("p[aria-live=polite]")).to_have_text(label)
    expect(page.get_by_role("button", name=label, exact=True)).to_be_focused()


def colour(page: Page, selector: str, what: str = "backgroundColor") -> str:
    return str(page.locator(selector).first.evaluate(f"e => getComputedStyle(e).{what}"))


def test_paper_is_white_and_has_the_colours_of_the_legend(gallery: Path, open_page: Open) -> None:
    page = open_page(gallery)
    page.emulate_media(color_scheme="dark")
    assert colour(page, "body") == "rgb(18, 19, 17)"
    hint = "getComputedStyle(document.getElementById('find'), '::placeholder').color"
    assert page.evaluate(hint) == "rgb(163, 164, 156)"
    page.emulate_media(media="print", color_scheme="dark")
    assert colour(page, "body") == "rgb(255, 255, 255)"
    assert colour(page, "h1", "color") == "rgb(27, 28, 26)"
    assert colour(page, ".legend span", "printColorAdjust") == "exact"


def test_in_high_contrast_what_is_chosen_stays_visible(gallery: Path, open_page: Open) -> None:
    page = open_page(gallery)
    page.emulate_media(forced_colors="active")
    buttons = "#grid-views [aria-pressed={}]".format
    assert colour(page, buttons("true")) != colour(page, buttons("false"))
    assert colour(page, ".legend span") == "rgb(255, 150, 0)"
