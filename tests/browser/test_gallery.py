"""The test page and the error gallery, as a person uses them."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from humanseg.pages.cards import TestCard, ValidCard
from humanseg.pages.gallery import anchor, write_test_page, write_valid_page
from humanseg.pages.pictures import cutout, error_overlay

pytestmark = pytest.mark.browser

Open = Callable[[Path], Page]
both_sizes = pytest.mark.parametrize(
    "open_page", [(1280, 800), (390, 844)], ids=["wide", "phone"], indirect=True
)

HOSTILE = "<img src=x onerror=alert(1)>"
SHARES = {"2": 0.3, "10": 0.9, HOSTILE: 0.1, "100% #1?'\"": 0.6, "Ünï": 0.5, ".dot": 0.7}
HEIGHT, WIDTH = 80, 60


def share_mask(share: float) -> np.ndarray:
    return np.arange(HEIGHT)[:, None] < np.full((1, WIDTH), round(share * HEIGHT))


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("a run, 100% #1")
    random = np.random.default_rng(0)
    test, valid = [], []
    for folder in ("test", "valid"):
        (root / folder).mkdir()
    for id, share in SHARES.items():
        photo = random.integers(0, 255, (HEIGHT, WIDTH, 3), np.uint8)
        mask, truth = share_mask(share), share_mask(0.5)
        pictures = {
            f"test/{id}_img.jpg": photo,
            f"test/{id}_pred_mask.png": mask.astype(np.uint8) * 255,
            f"test/{id}_crop.png": cutout(photo, mask),
            f"valid/{id}_img.jpg": photo,
            f"valid/{id}_errors.png": error_overlay(photo, mask, truth),
            f"valid/{id}_pred_mask.png": mask.astype(np.uint8) * 255,
            f"valid/{id}_true_mask.png": np.broadcast_to(truth, mask.shape).astype(np.uint8) * 255,
        }
        for name, picture in pictures.items():
            Image.fromarray(picture).save(root / name)
        img, mask_path, crop, valid_img, errors, predicted_mask, true_mask = pictures
        dice = float(2 * (mask & truth).sum() / (mask.sum() + truth.sum()))
        predicted, size = float(mask.mean()), (HEIGHT, WIDTH)
        test.append(TestCard(id, img, mask_path, crop, predicted, *size))
        scores = dice, dice, dice
        # The person is the larger, the less of it was found.
        shares = 1 - predicted, predicted
        valid.append(
            ValidCard(id, valid_img, errors, predicted_mask, true_mask, *scores, *shares, *size)
        )
    write_test_page(root / "test.html", test)
    write_valid_page(root / "valid.html", valid)
    return root


def ids(page: Page) -> list[str]:
    return [card.inner_text() for card in page.locator(".item:visible .id").all()]


def by_share(reverse: bool = False) -> list[str]:
    return sorted(SHARES, key=lambda id: SHARES[id], reverse=reverse)


@both_sizes
@pytest.mark.parametrize("name", ["test.html", "valid.html"])
def test_all_pictures_load_and_nothing_is_cut_off(name: str, pages: Path, open_page: Open) -> None:
    page = open_page(pages / name)
    # Pictures that are on one another are loaded when they are shown.
    for view in page.locator("#grid-views button").all() or [page.locator("#find")]:
        view.click()
        for image in page.locator("img:visible").all():
            image.scroll_into_view_if_needed()
    page.wait_for_function("[...document.images].every(image => image.naturalWidth > 0)")
    sizes = page.evaluate("[...document.images].map(image => image.naturalWidth)")
    assert len(sizes) == len(SHARES) * 4
    assert set(sizes) == {WIDTH}
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_hostile_name_is_shown_as_it_is(pages: Path, open_page: Open) -> None:
    page = open_page(pages / "test.html")
    assert HOSTILE in ids(page)
    page.locator(".strip").nth(2).click()
    expect(page.locator("#box-id")).to_have_text(HOSTILE)


def test_sorts_by_foreground(pages: Path, open_page: Open) -> None:
    page = open_page(pages / "test.html")
    assert ids(page) == list(SHARES)
    page.get_by_label("Sort").select_option(label="Most predicted foreground first")
    assert ids(page) == by_share(reverse=True)
    page.get_by_label("Sort").select_option(label="Least predicted foreground first")
    assert ids(page) == by_share()
    page.get_by_label("Sort").select_option(label="In order of id")
    assert ids(page) == list(SHARES)


def test_filters_by_foreground_and_by_id(pages: Path, open_page: Open) -> None:
    page = open_page(pages / "test.html")
    expect(page.get_by_role("status")).to_have_text("6 photos")
    page.get_by_label("Predicted foreground, at least").fill("0.5")
    page.get_by_label("Predicted foreground, at most").fill("0.75")
    assert set(ids(page)) == {"100% #1?'\"", "Ünï", ".dot"}
    expect(page.get_by_role("status")).to_have_text("3 of 6 photos")
    page.get_by_label("Find by id").fill("ünï")
    assert ids(page) == ["Ünï"]
    page.get_by_label("Find by id").fill("nobody")
    expect(page.get_by_text("No photo matches.")).to_be_visible()
    page.get_by_role("button", name="Show all photos").click()
    assert ids(page) == list(SHARES)
    expect(page.get_by_text("No photo matches.")).to_be_hidden()


def test_small_people_are_found_by_the_true_mask(pages: Path, open_page: Open) -> None:
    page = open_page(pages / "valid.html")
    page.get_by_label("Foreground, at most", exact=True).fill("0.45")
    assert set(ids(page)) == {"100% #1?'\"", "10", ".dot"}
    page.get_by_label("Sort").select_option(label="Least foreground first")
    assert ids(page) == ["10", ".dot", "100% #1?'\""]
    page.get_by_label("Sort").select_option(label="Least predicted foreground first")
    assert ids(page) == ["100% #1?'\"", ".dot", "10"]
    expect(page.locator(".item:visible dl").first).to_contain_text("Predicted foreground")


def test_the_ends_of_a_filter_do_not_cross(pages: Path, open_page: Open) -> None:
    page = open_page(pages / "test.html")
    page.get_by_label("Predicted foreground, at most").fill("0.4")
    page.get_by_label("Predicted foreground, at least").fill("0.8")
    expect(page.get_by_label("Predicted foreground, at least")).to_have_value("0.4")


def opacity(page: Page, selector: str) -> float:
    return float(page.locator(selector).first.evaluate("e => getComputedStyle(e).opacity"))


def test_slider_and_pointer_fade_from_photo_to_mask(pages: Path, open_page: Open) -> None:
    page = open_page(pages / "test.html")
    page.emulate_media(reduced_motion="reduce")
    assert opacity(page, ".over") == 0
    page.get_by_label("Fade from photo to mask").first.fill("0.25")
    assert opacity(page, ".over") == 0.25
    page.locator(".tile").first.hover()
    assert opacity(page, ".over") == 0.75


def test_a_click_opens_full_size_and_keys_lead_on(pages: Path, open_page: Open) -> None:
    page = open_page(pages / "test.html")
    page.get_by_label("Find by id").fill("1")
    assert ids(page) == ["10", HOSTILE, "100% #1?'\""]
    page.locator(".strip:visible").nth(1).click()
    dialog = page.get_by_role("dialog", name=HOSTILE)
    expect(dialog).to_be_visible()
    expect(dialog.get_by_text("2 of 3")).to_be_visible()
    shown = page.locator("#stage img:visible").first
    assert shown.evaluate("image => image.decode().then(() => image.naturalWidth)") == WIDTH
    assert shown.bounding_box()["width"] == 3 * WIDTH  # type: ignore[index]

    page.keyboard.press("ArrowRight")
    expect(page.locator("#box-id")).to_have_text("100% #1?'\"")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#box-place")).to_have_text("3 of 3")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#box-id")).to_have_text("10")
    expect(page.get_by_role("button", name="Previous photo")).to_be_disabled()
    page.keyboard.press("Escape")
    expect(page.locator("#box")).to_be_hidden()
    expect(page.get_by_role("link", name="10, open at full size")).to_be_focused()


def test_full_size_shows_each_picture(pages: Path, open_page: Open) -> None:
    page = open_page(pages / "test.html")
    page.locator(".strip").first.click()
    expect(page.get_by_role("button", name="Photo", exact=True)).to_have_attribute(
        "aria-pressed", "true"
    )
    page.get_by_role("dialog").get_by_label("Fade from photo to mask").fill("0.4")
    assert opacity(page, "#stage img:nth-child(2)") == 0.4
    page.get_by_role("button", name="Cut-out").click()
    expect(page.get_by_role("img", name="Cut-out of 2")).to_be_visible()
    expect(page.get_by_role("img", name="Photo of 2")).to_be_hidden()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("img", name="Cut-out of 10")).to_be_visible()
    page.keyboard.press("2")
    assert opacity(page, "#stage img:nth-child(2)") == 1
    page.get_by_role("button", name="Close").click()
    expect(page.locator("#box")).to_be_hidden()


def test_arrow_keys_move_in_the_grid_with_the_focus_visible(pages: Path, open_page: Open) -> None:
    page = open_page(pages / "test.html")

    def focused() -> str:
        return str(page.evaluate("document.activeElement.closest('.item').dataset.id"))

    page.locator(".strip").first.focus()
    page.keyboard.press("ArrowRight")
    assert focused() == "10"
    style = "e => getComputedStyle(e).outlineStyle"
    assert page.locator(".strip").nth(1).evaluate(style) == "solid"
    top = "document.activeElement.getBoundingClientRect().top"
    before = page.evaluate(f"scrollY + {top}")
    page.keyboard.press("ArrowDown")
    assert page.evaluate(f"scrollY + {top}") > before
    page.keyboard.press("ArrowUp")
    assert focused() == "10"
    page.keyboard.press("End")
    assert focused() == ".dot"
    page.keyboard.press("Home")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog", name="2")).to_be_visible()


def test_valid_page_starts_with_the_worst_and_filters_by_dice(pages: Path, open_page: Open) -> None:
    page = open_page(pages / "valid.html")
    scores = [float(card.inner_text().split()[-1]) for card in page.locator(".dice").all()]
    assert scores == sorted(scores) and scores[0] < 0.4 and scores[-1] == 1
    assert (ids(page)[0], ids(page)[-1]) == (HOSTILE, "Ünï")
    page.get_by_label("Dice, at least").fill("0.95")
    assert ids(page) == ["Ünï"]
    page.get_by_label("Dice, at least").fill("0")
    page.get_by_label("Sort").select_option(label="Best Dice first")
    assert ids(page)[0] == "Ünï"


def test_valid_page_opens_on_the_errors_and_shows_each_mask_alone(
    pages: Path, open_page: Open
) -> None:
    page = open_page(pages / "valid.html")
    expect(page.get_by_text("Missed (in the truth only)").first).to_be_visible()
    tile = page.locator(".tile").first

    def shown() -> list[str | None]:
        return [image.get_attribute("alt") for image in tile.locator("img:visible").all()]

    assert shown() == ["Photo", "Errors"]
    views = page.get_by_role("group", name="Show on all photos")
    for view in ("Prediction", "Truth"):
        views.get_by_role("button", name=view).press("Enter")
        assert shown() == ["Photo", view]
    views.get_by_role("button", name="Photo").click()
    assert shown() == ["Photo"]
    # A photo opens as the grid shows it; keys show the other pictures.
    views.get_by_role("button", name="Errors").click()
    page.locator(".strip").first.click()
    assert opacity(page, "#stage .errors") == 1
    page.keyboard.press("4")
    expect(page.get_by_role("img", name=f"Truth of {HOSTILE}")).to_be_visible()
    expect(page.locator("#stage .errors")).to_be_hidden()


def test_a_link_opens_a_photo_which_the_keyboard_enlarges(pages: Path, open_page: Open) -> None:
    page = open_page(pages / "valid.html")
    named = anchor("100% #1?'\"")
    page.evaluate("hash => { location.hash = hash; }", named)
    expect(page.locator("#box-id")).to_have_text("100% #1?'\"")
    sheet = page.locator("#stage .sheet")

    def width() -> float:
        return float(sheet.evaluate("sheet => sheet.offsetWidth"))

    fitting = width()
    page.keyboard.press("z")
    assert width() == 3 * fitting
    expect(page.get_by_role("button", name="Zoom")).to_have_attribute("aria-pressed", "true")
    # Arrow keys move over the picture now, not to the next one.
    page.keyboard.press("ArrowRight")
    expect(page.locator("#box-id")).to_have_text("100% #1?'\"")
    page.keyboard.press("Escape")
    assert width() == fitting
    sheet.click(position={"x": 5, "y": 5})
    assert width() == 3 * fitting
    page.get_by_role("button", name="Zoom").click()
    page.keyboard.press("Escape")
    expect(page.locator("#box")).to_be_hidden()


@both_sizes
def test_without_script_the_page_is_a_grid_of_links(
    pages: Path, open_page: Open, tmp_path: Path
) -> None:
    html = (pages / "test.html").read_text(encoding="utf-8")
    before, after = html.split("<script>")
    bare = pages / "bare.html"
    bare.write_text(before + after.split("</script>")[1], encoding="utf-8")
    page = open_page(bare)
    assert ids(page) == list(SHARES)
    expect(page.locator("#find")).to_be_hidden()
    page.locator(".strip").nth(2).click()
    page.wait_for_url("**/test/*.jpg")
