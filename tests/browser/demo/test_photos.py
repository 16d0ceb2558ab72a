"""The page of `humanseg demo` with photos, as a person uses it."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Page, expect

import humanseg
from humanseg.data.sample import draw_photo
from humanseg.demo import DemoServer, demo_site
from humanseg.inference.model_file import DEFAULT_MODEL
from humanseg.task import dice
from tests.browser.demo.conftest import BACKGROUND, FOREGROUND, Demo, serving

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("name", ["small.png", "large.png", "turned.jpg"])
def test_a_dropped_photo_gets_the_mask_that_python_gives(
    name: str, open_demo: Callable[..., Demo], address: str, model: Path, photos: Path
) -> None:
    demo = open_demo(address)
    demo.drop(photos / name)
    demo.wait(name)
    mask, wanted = demo.mask(), humanseg.load(model)(photos / name)
    assert mask.shape == wanted.shape
    assert 0.05 < wanted.mean() < 0.95
    assert dice(mask, wanted) >= 0.999


@pytest.mark.skipif(not DEFAULT_MODEL.is_dir(), reason="this copy brings no model of its own")
@pytest.mark.parametrize("size", [(320, 240), (1000, 750)], ids=str)
def test_so_it_is_with_the_model_that_ships(
    size: tuple[int, int],
    open_demo: Callable[..., Demo],
    runtime: list[Path],
    tmp_path: Path,
) -> None:
    photo = tmp_path / "sample.png"
    Image.fromarray(draw_photo(0, 3, size)[0]).save(photo)
    with DemoServer(demo_site(None, runtime), port=0) as server:
        for address in serving(server, server.address):
            demo = open_demo(address)
            demo.choose(photo)
            wanted = humanseg.load()(photo)
            assert wanted.any()
            # Sums of 8-bit products are rounded a little otherwise by each runtime, which shows
            # where the net is unsure.
            int8 = (DEFAULT_MODEL / "model.int8.onnx").is_file()
            assert dice(demo.mask(), wanted) >= (0.99 if int8 else 0.999)


def test_the_cut_out_is_a_png_with_transparency(
    open_demo: Callable[..., Demo], address: str, photos: Path
) -> None:
    demo = open_demo(address)
    demo.choose(photos / "large.png")
    name, image = demo.download()
    assert (name, image.format, image.mode, image.size) == (
        "large-cutout.png",
        "PNG",
        "RGBA",
        (643, 481),
    )
    pixels, mask = np.asarray(image), demo.mask()
    assert dice((pixels[..., 3] > 127).astype(np.uint8), mask) > 0.99
    assert pixels[..., 3].min() == 0 and pixels[..., 3].max() == 255
    solid = pixels[..., 3] == 255
    photo = np.asarray(Image.open(photos / "large.png"))
    np.testing.assert_array_equal(pixels[solid][:, :3], photo[solid])


def test_soft_edges_lose_the_colour_of_the_old_background(
    open_demo: Callable[..., Demo], address: str, tmp_path: Path
) -> None:
    # Hair, as a camera sees it: person and background mixed, from none to all of the person.
    share = np.clip(np.linspace(-3, 4, 100), 0, 1)[None, :, None]
    mixed = share * FOREGROUND + (1 - share) * np.array(BACKGROUND)
    photo = np.broadcast_to(np.rint(mixed), (80, 100, 3)).astype(np.uint8)
    Image.fromarray(photo).save(tmp_path / "hair.png")
    demo = open_demo(address)
    demo.choose(tmp_path / "hair.png")
    pixels = np.asarray(demo.download()[1]).astype(int)
    soft = (pixels[..., 3] > 60) & (pixels[..., 3] < 200)
    assert soft.any()
    before, after = (np.abs(part[soft][:, 2] - FOREGROUND[2]) for part in (photo, pixels))
    assert after.mean() < 0.4 * before.mean()


def test_another_background(open_demo: Callable[..., Demo], address: str, photos: Path) -> None:
    demo = open_demo(address)
    demo.choose(photos / "small.png")
    photo = np.asarray(Image.open(photos / "small.png")).astype(int)
    outside = np.asarray(demo.download()[1])[..., 3] == 0
    demo.show("Background")

    def behind() -> NDArray[np.int64]:
        name, image = demo.download()
        assert name == "small-background.png"
        assert np.asarray(image.convert("RGBA"))[..., 3].min() == 255
        return np.asarray(image.convert("RGB")).astype(int)[outside]

    blurred = behind()
    assert 0 < np.abs(blurred - photo[outside]).mean() < 30
    # The person's red has not run into it.
    assert blurred[:, 0].max() <= photo[outside][:, 0].max() + 25
    demo.page.get_by_label("Blur", exact=True).fill("10")
    assert (behind().std(axis=0) < blurred.std(axis=0)).all()
    demo.page.get_by_role("radio", name="Green").check(force=True)
    assert set(map(tuple, behind())) == {(0, 177, 64)}
    demo.page.get_by_role("radio", name="Another colour").check(force=True)
    demo.page.get_by_label("Colour", exact=True).fill("#123456")
    assert set(map(tuple, behind())) == {(0x12, 0x34, 0x56)}
    demo.page.get_by_role("radio", name="A picture").check(force=True)
    demo.page.locator("#picture").set_input_files(photos / "turned.jpg")
    expect(demo.page.get_by_role("alert")).to_be_hidden()
    pictured = behind()
    assert len(set(map(tuple, pictured))) > 20
    demo.page.locator("#picture").set_input_files(photos / "letter.txt")
    assert demo.complaint().startswith("letter.txt is not a picture")
    np.testing.assert_array_equal(behind(), pictured)


def split(demo: Demo) -> float:
    style = "getComputedStyle(document.getElementById('sheet')).getPropertyValue('--split')"
    return float(str(demo.page.evaluate(style)).removesuffix("%"))


def test_before_and_after_are_compared_by_pointer_and_by_keys(
    open_demo: Callable[..., Demo], address: str, photos: Path
) -> None:
    demo = open_demo(address)
    demo.page.emulate_media(reduced_motion="reduce")
    demo.choose(photos / "small.png")
    assert split(demo) == 0
    box = demo.page.locator("#sheet").bounding_box()
    assert box is not None
    demo.page.mouse.move(box["x"] + 0.2 * box["width"], box["y"] + 50)
    demo.page.mouse.down()
    demo.page.mouse.move(box["x"] + 0.6 * box["width"], box["y"] + 80)
    assert split(demo) == pytest.approx(60, abs=1)
    demo.page.mouse.up()
    demo.page.mouse.move(box["x"], box["y"])
    assert split(demo) == pytest.approx(60, abs=1)
    demo.page.keyboard.press("ArrowRight")
    assert split(demo) == pytest.approx(61, abs=1)
    demo.page.keyboard.press("End")
    assert split(demo) == 100


def test_everything_is_reached_by_keyboard(
    open_demo: Callable[..., Demo], address: str, photos: Path
) -> None:
    # Playwright does not wait until it has taken the place of the browser's own chooser.
    demo = open_demo(address, before=lambda page: page.on("filechooser", lambda _: None))
    demo.wait()
    page = demo.page

    def tab() -> str:
        page.keyboard.press("Tab")
        focus = "(() => { const e = document.activeElement; return e.id || e.value || e.title; })()"
        return str(page.evaluate(focus))

    assert tab() == "drop"
    with page.expect_file_chooser() as chosen:
        page.keyboard.press("Enter")
    chosen.value.set_files([photos / "small.png", photos / "turned.jpg"])
    demo.wait("small.png")
    page.locator("#split").focus()
    assert [tab() for _ in range(5)] == ["choose", "camera", "small.png", "turned.jpg", "cutout"]
    ring = "getComputedStyle(document.activeElement.nextElementSibling).outlineStyle"
    assert page.evaluate(ring) == "solid"
    page.keyboard.press("ArrowRight")
    expect(page.get_by_text("Behind the person")).to_be_visible()
    assert [tab() for _ in range(3)] == ["blur", "blur", "download"]
    page.locator("#strip button").nth(1).focus()
    page.keyboard.press("Enter")
    demo.wait("turned.jpg")


@pytest.mark.parametrize("size", [(1440, 900), (390, 844), (360, 640)], ids=str)
def test_it_is_one_screen(
    size: tuple[int, int], open_demo: Callable[..., Demo], address: str, photos: Path
) -> None:
    demo = open_demo(address, size)
    demo.choose(photos / "small.png", photos / "large.png")
    demo.show("Background")
    page = demo.page
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.evaluate("document.documentElement.scrollHeight <= innerHeight")
    for id in ("stage", "choose", "camera", "blur", "download"):
        page.locator(f"#{id}").scroll_into_view_if_needed()
        box = page.locator(f"#{id}").bounding_box()
        assert box is not None and box["x"] >= 0 and box["x"] + box["width"] <= size[0]
    stage = page.locator("#stage").bounding_box()
    assert stage is not None and stage["height"] > 0.3 * size[1]
    expect(page.get_by_text("Nothing leaves this device")).to_be_visible()


def test_a_file_that_is_no_picture_is_named_and_the_others_go_on(
    open_demo: Callable[..., Demo], address: str, photos: Path
) -> None:
    demo = open_demo(address)
    demo.drop(photos / "letter.txt")
    assert demo.complaint() == (
        "letter.txt is not a picture that this browser can read: choose a JPEG, PNG or WebP file."
    )
    demo.page.get_by_role("button", name="Close the message").click()
    expect(demo.page.get_by_role("alert")).to_be_hidden()
    demo.drop(photos / "empty.jpg", photos / "small.png", photos / "letter.txt")
    demo.wait("small.png")
    said = demo.complaint()
    assert "empty.jpg is an empty file" in said and "letter.txt is not a picture" in said
    expect(demo.page.locator("#strip button")).to_have_count(1)


@pytest.mark.parametrize(
    ("file", "answer", "said"),
    [
        ("model.onnx", {"status": 404}, "model/model.onnx could not be loaded (404)."),
        ("manifest.json", {"json": {"format": 2}}, "The model is written in format 2"),
        ("model.onnx", {"body": "no model"}, "The model could not be opened"),
        ("worker.js", {"status": 404}, "The model could not be started"),
    ],
    ids=["missing", "format", "broken", "worker"],
)
def test_a_model_that_does_not_load_is_said(
    file: str, answer: dict[str, object], said: str, open_demo: Callable[..., Demo], address: str
) -> None:
    def intercept(page: Page) -> None:
        page.context.route(f"**/{file}", lambda route: route.fulfill(**answer))

    demo = open_demo(address, before=intercept)
    assert said in demo.complaint()


def test_the_browser_itself_lets_nothing_out(open_demo: Callable[..., Demo], address: str) -> None:
    demo = open_demo(address)
    demo.wait()
    reached: list[str] = []
    demo.page.context.route(
        "http://elsewhere.test/**", lambda route: reached.append(route.request.url)
    )
    attempt = "fetch('http://elsewhere.test/', {method: 'POST'}).then(() => 'out', () => 'held')"
    assert demo.page.evaluate(attempt) == "held"
    assert reached == []
    # What was asked for before was seen, by workers too.
    for name in ("worker.js", "model/model.onnx", "ort-wasm-simd-threaded.wasm"):
        assert any(url.endswith(name) for url in demo.requests), name
